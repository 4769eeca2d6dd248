import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, lstatSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { readImageConfig } from '../../hack/image/image-config.ts';
import { buildImage, setUpImage, startInImage, type BuiltImage } from '../support/image.ts';
import { packageRoot } from '../support/stubdom.ts';

const built = await setUpImage();
const image = built as BuiltImage;
const node = '/usr/local/bin/node';

/** Sizes that a change may not pass by mistake, in bytes. */
const limits = { size: 190_000_000, packed: 64_000_000 };

interface Inventory {
  readonly uid: number;
  readonly node: string;
  readonly arch: string;
  readonly debian: string;
  readonly modules: readonly string[];
  readonly packages: readonly { readonly package: string; readonly version: string }[];
  readonly bytes: number;
  readonly writable: readonly string[];
  readonly native: readonly string[];
  readonly setId: readonly string[];
}

const read = (file: string) => JSON.parse(readFileSync(join(image.folder, file), 'utf8')) as unknown;
const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
  readonly version: string;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

/** Every file of the image, without what it is given when it runs. */
function files(built: BuiltImage = image): string[] {
  const root = join(built.folder, 'rootfs');
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `/${relative(root, join(entry.parentPath, entry.name))}`);
}

/** Runs JavaScript in a container; what it prints is JSON. */
async function evaluate(source: string): Promise<unknown> {
  const ended = await startInImage(image, ['-e', `console.log(JSON.stringify(${source}))`], { command: node }).ended;
  if (ended.code !== 0) throw new Error(ended.stderr);
  return JSON.parse(ended.stdout);
}

(built === undefined ? describe.skip : describe)('the image', () => {
  test('is as small as its size says, which is printed', () => {
    const { bytes } = read('inventory.json') as Inventory;
    const packed = image.facts.get('packed');
    process.stdout.write(
      `\nThe image (${image.builder}): ${bytes} bytes unpacked${packed === undefined ? '' : `, ${packed} packed`}\n`,
    );
    expect(Number(image.facts.get('size'))).toBe(bytes);
    expect(bytes).toBeLessThan(limits.size);
    if (image.builder === 'buildah') {
      expect(Number(packed)).toBeGreaterThan(10_000_000);
      expect(Number(packed)).toBeLessThan(limits.packed);
      expect(image.facts.get('digest')).toMatch(/^sha256:[0-9a-f]{64}$/);
    }
  });

  test('runs Node.js on the program, as a user that is not root', () => {
    expect(readImageConfig(image.folder)).toMatchObject({
      User: '65532:65532',
      WorkingDir: '/opt/stubdom',
      Entrypoint: [node, '/opt/stubdom/dist/operator/main.js'],
      Cmd: ['--help'],
    });
    expect((read('inventory.json') as Inventory).uid).toBe(65532);
  });

  test('has the pinned Node.js and Debian', () => {
    const inventory = read('inventory.json') as Inventory;
    expect(inventory.node).toBe(manifest.devDependencies['node']);
    expect(inventory.packages.map((entry) => entry.package)).toEqual(
      expect.arrayContaining(['base-files', 'libc6', 'libgcc-s1', 'libstdc++6']),
    );
    if (image.builder === 'buildah') expect(inventory.debian).toBe('12');
  });

  test('has one program, and neither a shell nor a package manager', async () => {
    const all = files();
    const names = new Set(all.map((path) => path.split('/').at(-1)));
    for (const name of [
      'sh',
      'bash',
      'dash',
      'busybox',
      'env',
      'npm',
      'npx',
      'corepack',
      'yarn',
      'apt',
      'dpkg',
      'perl',
    ]) {
      expect([name, names.has(name)]).toEqual([name, false]);
    }
    const programs = all.filter((path) => {
      if (path.startsWith('/opt/') || /\.so(\.|$)|\/ld-linux/.test(path)) return false;
      return (lstatSync(join(image.folder, 'rootfs', path)).mode & 0o111) !== 0;
    });
    expect(programs).toEqual([node]);
    expect(await evaluate("require('child_process').spawnSync('sh', ['-c', 'true']).error.code")).toBe('ENOENT');
  });

  test('has neither sources, tests, declarations nor development dependencies', () => {
    const ours = files().filter((path) => path.startsWith('/opt/stubdom/'));
    expect(new Set(ours.map((path) => path.split('/')[3]))).toEqual(
      new Set(['LICENSE', 'crds', 'dist', 'node_modules', 'package.json']),
    );
    expect(ours.filter((path) => /\.([mc]?ts|map|cc|hh|tsbuildinfo)$/.test(path))).toEqual([]);
    const modules = new Set(
      (read('inventory.json') as Inventory).modules.map((module) => module.replace(/@[^@]*$/, '')),
    );
    for (const name of Object.keys(manifest.dependencies)) expect([name, modules.has(name)]).toEqual([name, true]);
    for (const name of Object.keys(manifest.devDependencies)) expect([name, modules.has(name)]).toEqual([name, false]);
  });

  test('its user can write nowhere but in /tmp, and nothing makes it another user', () => {
    const inventory = read('inventory.json') as Inventory;
    expect(inventory.writable).toEqual(['/tmp']);
    expect(inventory.setId).toEqual([]);
  });

  test('a container cannot write anywhere', async () => {
    const tried = ['/tmp/a', '/opt/stubdom/a', '/a', '/etc/passwd', '/usr/local/bin/node'];
    const code = (path: string) =>
      `(() => { try { require('fs').appendFileSync(${JSON.stringify(path)}, ''); return 'written'; } catch (e) { return e.code; } })()`;
    const answers = (await evaluate(`[${tried.map(code).join(',')}]`)) as string[];
    expect(answers.filter((answer) => !['EROFS', 'EACCES'].includes(answer))).toEqual([]);
    expect(answers[0]).toBe('EROFS');
  });

  test("has koffi's library for this processor and glibc alone, and it calls C", async () => {
    const { native, arch } = read('inventory.json') as Inventory;
    expect(native).toEqual([`/opt/stubdom/node_modules/@koromix/koffi-linux-${arch}/linux_${arch}/koffi.node`]);
    expect((await startInImage(image, ['-e', "require('koffi')"], { command: node }).ended).code).toBe(0);
    const called = "require('koffi').load('libc.so.6').func('int getuid()')()";
    expect(await evaluate(`[${called}, process.getuid()]`)).toEqual([65532, 65532]);
    const version = "require('koffi').version";
    expect(await evaluate(version)).toBe(manifest.dependencies['koffi']);
  });

  test('its heap may grow to two thirds of the memory that there is', async () => {
    const limit = 'v8.getHeapStatistics().heap_size_limit';
    const memory = 'Math.min(process.constrainedMemory() || Infinity, os.totalmem())';
    const share = await evaluate(`${limit} / ${memory}`);
    expect(share).toBeGreaterThan(0.6);
    expect(share).toBeLessThan(0.7);
  });

  test('says its version, and what the controller takes', async () => {
    const version = await startInImage(image, ['version']).ended;
    expect(version).toMatchObject({ code: 0, stderr: '' });
    expect(version.stdout).toBe(`stubdom ${manifest.version} (node v${String(manifest.devDependencies['node'])})\n`);
    const help = await startInImage(image, ['controller', '--help']).ended;
    expect(help).toMatchObject({ code: 0, stderr: '' });
    expect(help.stdout).toMatch(/--leader-elect/);
    expect((await startInImage(image, []).ended).stdout).toMatch(/^Usage: stubdom/);
  });

  test('a mistake is an exit code and one line', async () => {
    const ended = await startInImage(image, ['agent', '--name', 'xen-1', '--xenstore', '/x', '--hypervisor', 'no'])
      .ended;
    expect(ended.code).not.toBe(0);
    expect(ended.stderr.trim().split('\n')).toHaveLength(1);
  });

  test('the embedded world runs in it, with a writable /tmp', async () => {
    const args = ['up', '--samples', '--exit-when-ready', '--timeout', '90', '--kubeconfig', '/tmp/kubeconfig'];
    const ended = await startInImage(image, args, { tmpfs: ['/tmp'] }).ended;
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/4 of 4 objects are Ready/);
    expect(ended.code).toBe(0);
  }, 120_000);

  const withBuilder = built?.builder === 'buildah' ? test : test.skip;
  withBuilder(
    'is the same when its steps are taken in a chroot, for machines without a builder',
    async () => {
      const other = await buildImage('chroot');
      expect(other.builder).toBe('chroot');
      const { User, Env, Entrypoint, Cmd, WorkingDir } = readImageConfig(image.folder);
      expect(readImageConfig(other.folder)).toEqual({ User, Env, Entrypoint, Cmd, WorkingDir });
      const hashes = (built: BuiltImage) =>
        new Map(
          files(built)
            .filter((path) => path.startsWith('/opt/'))
            .map((path) => [
              path,
              createHash('sha256')
                .update(readFileSync(join(built.folder, 'rootfs', path)))
                .digest('hex'),
            ]),
        );
      expect(hashes(other)).toEqual(hashes(image));
      const names = (built: BuiltImage) =>
        files(built)
          .map((path) => path.replace(/-\d[\d.]*\.so|\.so\.[\d.]+/, '.so'))
          .filter((path) => !path.startsWith('/opt/'));
      expect(new Set(names(other))).toEqual(new Set(names(image)));
      expect((await startInImage(other, ['version']).ended).code).toBe(0);
    },
    600_000,
  );

  describe('its SBOM', () => {
    interface Component {
      readonly name: string;
      readonly version: string;
      readonly purl: string;
    }
    const components = () => (read('sbom.cdx.json') as { readonly components: readonly Component[] }).components;

    test('names exactly the npm packages that are in it', () => {
      const named = components().filter(({ purl }) => purl.startsWith('pkg:npm/'));
      const { modules } = read('inventory.json') as Inventory;
      expect(new Set(named.map(({ name, version }) => `${name}@${version}`))).toEqual(new Set(modules));
      expect(named.filter(({ name }) => name.startsWith('@koromix/'))).toHaveLength(1);
    });

    test("names Node.js and Debian's packages with their versions", () => {
      const inventory = read('inventory.json') as Inventory;
      const purls = components().map(({ purl }) => purl);
      expect(purls).toContain(`pkg:generic/node@${inventory.node}`);
      expect(purls.filter((purl) => purl.startsWith('pkg:deb/debian/'))).toHaveLength(inventory.packages.length);
      expect(purls.find((purl) => purl.startsWith('pkg:deb/debian/libc6@'))).toMatch(/@\d/);
    });

    test('holds neither a time nor a random number, so that the same image has the same', () => {
      const document = read('sbom.cdx.json') as { serialNumber?: string; metadata: { timestamp?: string } };
      expect([document.serialNumber, document.metadata.timestamp]).toEqual([undefined, undefined]);
    });
  });

  test('has the licences of what it is made of', () => {
    const { packages } = read('inventory.json') as Inventory;
    const missing = packages
      .map((entry) => join(image.folder, 'rootfs', 'usr/share/doc', entry.package, 'copyright'))
      .filter((path) => !existsSync(path));
    expect(missing).toEqual([]);
    expect(existsSync(join(image.folder, 'rootfs/opt/stubdom/LICENSE'))).toBe(true);
  });
});
