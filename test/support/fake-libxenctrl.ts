import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const source = fileURLToPath(new URL('../fixtures/libxenctrl/fake-libxenctrl.c', import.meta.url));
const captured = fileURLToPath(new URL('../fixtures/libxenctrl/xen-4.17.json', import.meta.url));

/** Whether there is a C compiler; if not, it says on standard error that the tests are skipped. CI must have one. */
export async function haveCompiler(): Promise<boolean> {
  const found = await promisify(execFile)('gcc', ['--version']).then(
    () => true,
    () => false,
  );
  if (!found && process.env.CI !== undefined) throw new Error('gcc is missing: libxenctrl cannot be tested');
  if (!found) process.stderr.write('\n*** SKIPPED: tests of calls to a C library: there is no gcc\n\n');
  return found;
}

/** Structures that a Xen 4.17.7 host with dom0, an HVM guest (paused) and its stub domain answered. */
export async function capturedStructures(): Promise<{ readonly domains: Buffer; readonly physinfo: Buffer }> {
  const { domains, physinfo } = JSON.parse(await readFile(captured, 'utf8')) as { domains: string; physinfo: string };
  return { domains: Buffer.from(domains, 'base64'), physinfo: Buffer.from(physinfo, 'base64') };
}

export interface FakeLibxenctrlOptions {
  readonly domainInfoSize?: number;
  readonly physicalInfoSize?: number;
  /** `OLD_IRQ_PERMISSION`, `WITHOUT_ASSIGN`. */
  readonly defines?: readonly string[];
}

/** A dom0 whose libxenctrl is a fake one, called through the same FFI. */
export interface FakeLibxenctrl {
  readonly root: string;
  readonly library: string;
  /** What was called, with its arguments, since the last time. */
  calls(): Promise<string[]>;
  /** What a function gives from now on. */
  answer(name: string, value: number, errno: number): Promise<void>;
  setDomains(bytes: Buffer): Promise<void>;
  /** Writes a file of dom0. */
  write(path: string, text: string): Promise<void>;
  remove(): Promise<void>;
}

/** Makers of fakes: what was compiled once is copied for the next one that is the same. */
export interface FakeLibxenctrls {
  /** Lays out a dom0 of Xen 4.17, with a library for the structures of a release. */
  make(options?: FakeLibxenctrlOptions): Promise<FakeLibxenctrl>;
  remove(): Promise<void>;
}

/** No library yet. */
export async function fakeLibxenctrls(): Promise<FakeLibxenctrls> {
  const folder = await mkdtemp(join(tmpdir(), 'libxenctrls-'));
  const compiled = new Map<string, Promise<string>>();
  const compile = async (macros: readonly string[], file: string): Promise<string> => {
    const flags = ['-shared', '-fPIC', '-Wall', '-Werror', ...macros.map((macro) => `-D${macro}`)];
    await promisify(execFile)('gcc', [...flags, '-o', file, source, '-ldl']);
    return file;
  };
  return {
    make: async ({ domainInfoSize = 112, physicalInfoSize = 112, defines = [] } = {}) => {
      const sizes = [`DOMAIN_INFO_SIZE=${String(domainInfoSize)}`, `PHYSICAL_INFO_SIZE=${String(physicalInfoSize)}`];
      const macros = [...sizes, ...defines];
      const key = macros.join(' ');
      const library = compiled.get(key) ?? compile(macros, join(folder, `${String(compiled.size)}.so`));
      compiled.set(key, library);
      return layOut(await library);
    },
    remove: async () => rm(folder, { recursive: true }),
  };
}

async function layOut(compiled: string): Promise<FakeLibxenctrl> {
  const folder = await mkdtemp(join(tmpdir(), 'libxenctrl-'));
  const library = join(folder, 'libxenctrl.so.4.17');
  await copyFile(compiled, library);
  const root = join(folder, 'dom0');
  const write = async (path: string, text: string | Buffer): Promise<void> => {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), text);
  };
  const answer = async (name: string, value: number, errno: number): Promise<void> =>
    write(`answers/${name}`, `${String(value)} ${String(errno)}`);
  const structures = await capturedStructures();
  await write('dom0/sys/hypervisor/type', 'xen\n');
  await write('dom0/sys/hypervisor/properties/features', '000228f0\n');
  await write('dom0/sys/hypervisor/version/major', '4\n');
  await write('dom0/sys/hypervisor/version/minor', '17\n');
  await write('dom0/dev/xen/privcmd', '');
  await write('domains', structures.domains);
  await write('physinfo', structures.physinfo);
  await write('calls', '');
  await answer('xc_version', 0x40011, 0);
  return {
    root,
    library,
    calls: async () => {
      const text = await readFile(join(folder, 'calls'), 'utf8');
      await write('calls', '');
      return text.split('\n').filter((line) => line !== '');
    },
    answer,
    setDomains: async (bytes) => write('domains', bytes),
    write: async (path, text) => write(join('dom0', path), text),
    remove: async () => rm(folder, { recursive: true }),
  };
}
