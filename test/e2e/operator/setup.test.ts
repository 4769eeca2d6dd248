import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Manifest, parseManifests } from '../../../operator/embedded/world/manifests.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { packageRoot, stubdom } from '../../support/stubdom.ts';

const run = promisify(execFile);
const fixture = join(packageRoot, 'test', 'fixtures', 'xenstore', 'web.txt');
const scripts = join(packageRoot, 'hack', 'real-xenstored');

/** Debian's xenstore-ls, if setup.sh has unpacked it on this machine. */
async function debianListing(socket: string): Promise<string | undefined> {
  const { stdout } = await run('/bin/sh', [
    '-c',
    '. "${0%/*}/cache.sh"; echo "$CACHE"',
    join(scripts, 'setup.sh'),
  ]).catch(() => ({ stdout: '' }));
  if (!existsSync(join(stdout.trim(), 'bin'))) return undefined;
  return (await run(join(scripts, 'xs.sh'), [socket, 'ls', '-fp', '/'], { maxBuffer: 1 << 24 })).stdout;
}

/** The fixture; STUBDOM_UPDATE_FIXTURES=1 writes it anew first. */
function expected(seen: readonly string[]): string[] {
  if (process.env['STUBDOM_UPDATE_FIXTURES'] === '1') writeFileSync(fixture, `${seen.join('\n')}\n`);
  return lines(readFileSync(fixture, 'utf8'));
}

/** Made-up uuids by names, and the agent's own notes without what is in them: that is nobody else's business. */
function normalised(listing: string, names: Readonly<Record<string, string>>): string {
  let text = listing;
  for (const [value, name] of Object.entries(names)) text = text.replaceAll(value, name);
  return text.replace(/^(\/tool\/stubdom\/.*) = "\{.*\}"/gm, '$1 = "{...}"');
}

/** Without Debian's trailing blanks, in one order: daemons give children in an order of their own. */
const lines = (listing: string): string[] =>
  listing
    .split('\n')
    .map((line) => line.replace(/\s+\(/, '  (').trimEnd())
    .filter((line) => line !== '')
    .sort();

describe('what is laid out in XenStore for a stub domain with everything', () => {
  let world: OperatorWorld;
  let names: Record<string, string>;

  beforeAll(async () => {
    world = await startOperatorWorld();
    const yaml = await readFile(join(packageRoot, 'crds', 'samples', 'web.yaml'), 'utf8');
    const [domain, attachment] = parseManifests(yaml, 'web.yaml') as [Manifest, Manifest];
    const { target } = domain.spec as { target: { uuid: string; name: string } };
    await world.host().admin.addGuest(target);
    await world.objects.applySpec('StubDomain', 'web', domain.spec ?? {});
    const made = await world.objects.ready('StubDomain', 'web');
    await world.objects.applySpec('PciAttachment', 'web-nic', attachment.spec ?? {});
    const attached = await world.objects.ready('PciAttachment', 'web-nic');
    names = {
      [target.uuid]: 'WEB-UUID',
      [made.status?.uuid ?? '']: 'STUB-UUID',
      [made.metadata.uid]: 'WEB-UID',
      [attached.metadata.uid]: 'WEB-NIC-UID',
    };
    expect([made.status?.targetDomid, made.status?.domid]).toEqual([1, 2]);
  });
  afterAll(() => world.close());

  test('stubdom xenstore ls shows every line of the Setup, and nothing else', async () => {
    const { code, stdout, stderr } = await stubdom([
      'xenstore',
      'ls',
      '--full',
      '--permissions',
      '--socket',
      world.host().socket,
      '/',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const seen = lines(normalised(stdout, names));
    expect(seen).toEqual(expected(seen));
  });

  test("Debian's xenstore-ls shows the same", async () => {
    const listing = await debianListing(world.host().socket);
    if (listing === undefined) {
      process.stderr.write("SKIPPED: Debian's xenstore-ls is not here; hack/real-xenstored/setup.sh fetches it\n");
      return;
    }
    expect(lines(normalised(listing, names))).toEqual(lines(readFileSync(fixture, 'utf8')));
  });

  test('the status tells the same to people', async () => {
    const { status } = await world.objects.get('StubDomain', 'web');
    expect(status).toMatchObject({
      disks: [
        { name: 'system', vdev: 'xvda', state: 'Connected' },
        { name: 'installer', vdev: 'xvdb', state: 'Connected' },
      ],
      nics: [
        { name: 'front', index: 0, state: 'Connected' },
        { name: 'back', index: 1, state: 'Connected' },
      ],
      consoles: [
        { index: 0, role: 'Log', output: 'file:/var/log/xen/qemu-dm-web.log' },
        { index: 1, role: 'Save', output: 'file:/var/lib/xen/qemu-save.1' },
        { index: 2, role: 'Restore' },
        { index: 3, role: 'Serial', output: 'pty' },
        { index: 4, role: 'Serial', output: 'file:/var/log/xen/web-serial1.log' },
      ],
      pciDevices: [{ address: '0000:03:00.0', virtualDeviceFunction: '0x30', attachment: 'web-nic' }],
    });
    const [model] = await world.host().admin.deviceModels();
    expect(model?.guestDevices).toEqual([{ device: '03:00.0', devfn: 0x30 }]);
  });
});
