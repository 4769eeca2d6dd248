/**
 * The embedded world as a whole: `npm run bench -- fleet`.
 * 1. `stubdom up --hosts 10 --stub-domains 1000 --pci-per-domain 1 --exit-when-ready`: time and peak memory of the tree.
 * 2. One StubDomain and one PciAttachment on an idle world: API writes and XenStore round trips until Ready.
 * 3. A world at rest: what is asked of the API server and of XenStore.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startWorld, type World } from '../../operator/embedded/world.ts';
import { watchConvergence } from '../../operator/embedded/world/convergence.ts';
import type { WorldCounts } from '../../operator/embedded/world/counters.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import type { Manifest } from '../../operator/embedded/world/manifests.ts';
import { applyManifests } from '../../operator/embedded/world/objects.ts';
import { createKubeClient } from '../../operator/kube/client.ts';
import { silentLogger } from '../../operator/runtime/ports.ts';
import { treePeakMiB } from './fleet/process-tree.ts';

const root = join(import.meta.dirname, '..', '..');
/** As in the npm scripts: V8 would rather let garbage lie than collect it on a machine with much memory. */
const heapFlags = ['--max-old-space-size=512', '--max-semi-space-size=8'];
const restSeconds = 20;
const dir = await mkdtemp(join(tmpdir(), 'sdbench-'));

function row(what: string, figure: string, target = ''): void {
  console.log(`${what.padEnd(52)}${figure.padStart(12)}${target === '' ? '' : `   target ${target}`}`);
}

async function wholeFleet(): Promise<void> {
  const args = ['up', '--hosts', '10', '--stub-domains', '1000', '--pci-per-domain', '1', '--exit-when-ready'];
  console.log(`stubdom ${args.join(' ')}`);
  const start = performance.now();
  const child = spawn(
    process.execPath,
    [...heapFlags, join(root, 'operator', 'main.ts'), ...args, '--kubeconfig', join(dir, 'fleet', 'kubeconfig')],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let peak = 0;
  let output = '';
  let readyMs = 0;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (readyMs === 0 && output.includes('2000 of 2000 objects are Ready')) readyMs = performance.now() - start;
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  while (child.exitCode === null && child.signalCode === null) {
    if (child.pid !== undefined) peak = Math.max(peak, await treePeakMiB(child.pid));
    await Promise.race([ended, sleep(250)]);
  }
  const [code] = await ended;
  if (code !== 0) {
    console.log(output.split('\n').slice(-30).join('\n'));
    throw new Error(`stubdom up ended with ${String(code)}`);
  }
  row('start to 2000 objects Ready', `${(readyMs / 1000).toFixed(1)} s`, '< 60 s');
  row('start to a clean end', `${((performance.now() - start) / 1000).toFixed(1)} s`);
  row('peak memory of the process tree', `${peak.toFixed(0)} MiB`, '< 700 MB');
}

/** What was asked between two readings. */
function difference(before: WorldCounts, after: WorldCounts): WorldCounts {
  const api = Object.fromEntries(
    Object.entries(after.api)
      .map(([key, count]) => [key, count - (before.api[key] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
  const xenstore = {
    ...after.xenstore,
    requests: after.xenstore.requests - before.xenstore.requests,
    roundTrips: after.xenstore.roundTrips - before.xenstore.roundTrips,
  };
  return { api, xenstore };
}

/** Writes to the objects themselves: neither events, nor what hosts say about themselves. */
function objectWrites(counts: WorldCounts): number {
  return Object.entries(counts.api)
    .filter(([key]) => !key.startsWith('GET ') && / (StubDomain|PciAttachment)$/.test(key))
    .reduce((sum, [, count]) => sum + count, 0);
}

async function applyAlone(world: World, name: string, manifest: Manifest): Promise<void> {
  const kube = createKubeClient(world.cluster);
  const before = world.counts();
  const convergence = watchConvergence(kube, [manifest]);
  const start = performance.now();
  await applyManifests(kube, [manifest], { parallel: 1, signal: new AbortController().signal });
  await convergence.allReady;
  const ms = performance.now() - start;
  const used = difference(before, world.counts());
  await convergence.close();
  await kube.close();
  row(`${name}: apply to Ready`, `${ms.toFixed(0)} ms`);
  row(`${name}: API writes to it`, String(objectWrites(used)), name === 'StubDomain' ? '<= 3' : '');
  row(`${name}: XenStore round trips`, String(used.xenstore.roundTrips), name === 'StubDomain' ? '<= 30' : '');
  console.log(`    XenStore requests ${used.xenstore.requests}; API ${JSON.stringify(used.api)}`);
}

async function alone(): Promise<void> {
  const guest = { name: 'alone', uuid: uuidOf('alone') };
  const world = await startWorld({
    hosts: 1,
    stubDomains: 0,
    pciPerDomain: 0,
    samples: true,
    guests: [guest],
    kubeconfigPath: join(dir, 'alone', 'kubeconfig'),
    quirks: [],
    packageRoot: root,
    version: 'bench',
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  try {
    const kube = createKubeClient(world.cluster);
    const samples = watchConvergence(kube, world.manifests);
    await samples.allReady;
    await samples.close();
    await kube.close();
    await sleep(2_000);
    const apiVersion = 'stubdom.io/v1alpha1';
    await applyAlone(world, 'StubDomain', {
      apiVersion,
      kind: 'StubDomain',
      metadata: { name: 'alone', namespace: 'default' },
      spec: { target: { uuid: guest.uuid }, disks: [{ name: 'system', source: '/dev/vg0/alone' }] },
    });
    await applyAlone(world, 'PciAttachment', {
      apiVersion,
      kind: 'PciAttachment',
      metadata: { name: 'alone-nic', namespace: 'default' },
      spec: { stubDomainRef: { name: 'alone' }, device: { address: '0000:04:00.0' } },
    });
    // What nobody tells of is looked at once more after three seconds (tree-cache.ts).
    await sleep(5_000);
    const before = world.counts();
    await sleep(restSeconds * 1_000);
    const rest = difference(before, world.counts());
    row(`at rest, ${restSeconds} s: XenStore requests`, String(rest.xenstore.requests), '0');
    row(`at rest, ${restSeconds} s: API requests`, JSON.stringify(rest.api), 'Leases and watches alone');
  } finally {
    await world.close();
  }
}

try {
  await wholeFleet();
  console.log('\none object at a time, on a world with the samples');
  await alone();
} finally {
  await rm(dir, { recursive: true, force: true });
}
