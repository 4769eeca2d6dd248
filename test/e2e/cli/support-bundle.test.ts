import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { forceRemovalAnnotation } from '../../../operator/api/names.ts';
import { startProbes, type Probes } from '../../../operator/runtime/probes.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { stubdom } from '../../support/stubdom.ts';

const tar = promisify(execFile);
const secret = 'TopSecret7';
/** Said in an annotation of an object that is gone by then. */
const words = 'Mallory left';

let world: OperatorWorld;
let folder: string;
let probes: Probes;
beforeAll(async () => {
  world = await startOperatorWorld();
  folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  probes = await startProbes({
    port: 0,
    host: '127.0.0.1',
    readiness: () => ({ ready: true, reasons: [] }),
    metrics: world.host().metrics,
    logger: silentLogger,
  });
});
afterAll(async () => {
  await probes.close();
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

/** All files of a bundle as one text, and their names. */
async function unpack(bundle: string): Promise<{ readonly names: string[]; readonly text: string }> {
  const place = await mkdtemp(join(folder, 'x-'));
  await tar('tar', ['-xzf', bundle, '-C', place]);
  const found = await readdir(place, { recursive: true, withFileTypes: true });
  const files = found.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return {
    names: files.map((file) => file.slice(place.length + 1).replace(/^[^/]*\//, '')).sort(),
    text: texts.join('\n'),
  };
}

test('has everything that helps, and no secret that was planted anywhere', async () => {
  const { objects } = world;
  await world.host().addGuest('web');
  await world.host().admin.addQuirk('no-eject@web');
  await objects.applySpec(
    'StubDomain',
    'web',
    {
      target: { uuid: (await world.host().hypervisor.listDomains()).find(({ name }) => name === 'web')?.uuid },
      deviceModelArgs: ['-object', `secret,id=s,data=${secret}`],
      disks: [{ name: 'root', source: `/dev/${secret}/root` }],
    },
    { labels: { team: secret }, annotations: { 'example.com/note': `the password is ${secret}` } },
  );
  await objects.ready('StubDomain', 'web');
  await objects.attachment('web-nic', 'web', '0000:03:00.0');
  await objects.ready('PciAttachment', 'web-nic');
  await objects.remove('PciAttachment', 'web-nic');
  await objects.condition('PciAttachment', 'web-nic', 'Removing', { reason: 'WaitingForGuest' });
  await world.kube.mergePatch(
    { group: 'stubdom.io', version: 'v1alpha1', plural: 'pciattachments', kind: 'PciAttachment', namespaced: true },
    { namespace: 'default', name: 'web-nic' },
    { metadata: { annotations: { [forceRemovalAnnotation]: `because ${words}` } } },
  );
  await objects.gone('PciAttachment', 'web-nic');
  await world.host().store.write('/local/domain/1/data/note', secret);
  const token = /token: ["']?([^"'\s]+)/.exec(await readFile(world.kubeconfigPath, 'utf8'))?.[1] ?? '';
  expect(token.length).toBeGreaterThan(8);
  const log = join(folder, 'agent.log');
  await writeFile(
    log,
    [
      { level: 'error', msg: 'a reconcile pass failed', key: 'default/web', reconcileID: 'abc-1' },
      { level: 'info', msg: `arguments secret,id=s,data=${secret} of the device model` },
      { level: 'info', msg: `the server said Authorization: Bearer ${token}` },
      { level: 'info', msg: `raw ${token}` },
      { level: 'info', password: `x${secret}` },
      { level: 'info', msg: `opened /dev/${secret}/root` },
    ]
      .map((line) => JSON.stringify(line))
      .join('\n'),
  );
  const bundle = join(folder, 'bundle.tar.gz');
  const args = [
    '--logs',
    log,
    '--metrics',
    `http://127.0.0.1:${String(probes.port)}`,
    '--host',
    '--xenstore',
    world.host().socket,
  ];
  const { code, stdout, stderr } = await stubdom(['support-bundle', '-k', world.kubeconfigPath, '-o', bundle, ...args]);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/bundle\.tar\.gz: 11 files\./);
  expect((await stat(bundle)).mode & 0o777).toBe(0o600);

  const { names, text } = await unpack(bundle);
  expect(names).toEqual([
    'README.txt',
    'doctor.json',
    'logs/0.log',
    'metrics/0.txt',
    'objects/definitions.json',
    'objects/events.json',
    'objects/leases.json',
    'objects/pciattachments.json',
    'objects/stubdomains.json',
    'objects/xenhosts.json',
    'versions.json',
  ]);
  for (const word of [
    '"default/web"',
    'abc-1',
    '"xen-1"',
    'RemovalForced',
    'AsDesired',
    '"xenstore"',
    'stubdom_command_seconds_bucket',
  ])
    expect([word, text.includes(word)]).toEqual([word, true]);
  for (const word of [secret, words, token, 'certificate-authority', 'BEGIN'])
    expect([word, text.includes(word)]).toEqual([word, false]);
});

test('a file that is there is not written over', async () => {
  const { code, stderr } = await stubdom([
    'support-bundle',
    '-k',
    world.kubeconfigPath,
    '-o',
    join(folder, 'agent.log'),
  ]);
  expect([code, stderr]).toEqual([1, expect.stringContaining('is there already')]);
});

test('without a cluster, and with a program that does not answer, it has what there is', async () => {
  const bundle = join(folder, 'lonely.tar.gz');
  const { code } = await stubdom([
    'support-bundle',
    '-k',
    join(folder, 'nowhere'),
    '-o',
    bundle,
    '--metrics',
    'http://127.0.0.1:9',
  ]);
  expect(code).toBe(0);
  const { names, text } = await unpack(bundle);
  expect(names).toEqual(['README.txt', 'doctor.json', 'metrics/0.txt', 'versions.json']);
  expect(text).toContain('# not read:');
});
