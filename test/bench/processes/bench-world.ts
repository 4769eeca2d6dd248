import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseNamespace } from '../../../operator/api/names.ts';
import { Closers } from '../../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { namespaceManifest, applyManifests } from '../../../operator/embedded/world/objects.ts';
import { connectSimulatedHypervisor } from '../../../operator/hypervisor/simulated.ts';
import type { Hypervisor } from '../../../operator/hypervisor/hypervisor.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { loadClusterConfig } from '../../../operator/kube/config.ts';
import { pciAttachments, stubDomains } from '../../../operator/kube/resources.ts';
import type { KubeClient, KubeWatcher } from '../../../operator/kube/types.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import { StubdomProcess } from '../../support/stubdom.ts';
import { traceXenStore, type XenStoreTrace } from './xenstore-trace.ts';

/** A cluster and one Xen host, each program a process of its own, so that what one costs is not another's. */
export interface BenchWorld {
  readonly kube: KubeClient & KubeWatcher;
  /** dom0's view, on a connection of the benchmark's own. */
  readonly xenstore: XenStore;
  readonly hypervisor: Hypervisor;
  /** Socket of a domain. */
  guestSocket(domid: number): string;
  readonly agent: StubdomProcess;
  readonly daemon: StubdomProcess;
  /** The daemon's own socket. */
  readonly socketPath: string;
  /** The agent's XenStore messages; undefined unless asked for. */
  readonly trace: XenStoreTrace | undefined;
  /** A counter or gauge of the agent without labels, from its `/metrics`. */
  metric(name: string): Promise<number>;
  /** All of the agent's `/metrics`. */
  metrics(): Promise<string>;
  close(): Promise<void>;
}

/** Where everything happens. */
export const hostName = 'xen-1';
export const namespace = 'default';

export interface BenchWorldOptions {
  /** Whether what the agent and the XenStore daemon say to each other is recorded. It costs some time. */
  readonly traced?: boolean;
}

/** Starts it all, with a HVM guest for each name. */
export async function startBenchWorld(
  guests: readonly string[],
  quirks: readonly string[],
  { traced = false }: BenchWorldOptions = {},
): Promise<BenchWorld> {
  const closers = new Closers();
  try {
    const home = await mkdtemp(join(tmpdir(), 'sdb-'));
    closers.add(() => rm(home, { recursive: true, force: true }));
    const kubeconfig = join(home, 'kubeconfig');
    const socket = join(home, 'xs');
    const guestDir = join(home, 'g');
    const hypervisorSocket = join(home, 'hv');
    const run = async (args: readonly string[], ready: RegExp): Promise<StubdomProcess> => {
      const started = new StubdomProcess(args);
      closers.add(async () => {
        await started.stop();
      });
      await started.output(ready);
      return started;
    };
    const [daemon] = await Promise.all([
      run(['embedded', 'xenstored', '--socket', socket, '--guest-dir', guestDir], /^xenstored ready/m),
      run(['embedded', 'api-server', '--kubeconfig', kubeconfig], /^api-server ready/m),
    ]);
    const kube = createKubeClient(await loadClusterConfig({ kubeconfig }));
    closers.add(() => kube.close());
    const { signal } = new AbortController();
    await applyManifests(kube, [namespaceManifest(leaseNamespace)], { parallel: 1, signal });
    const named = guests.flatMap((name) => ['--guest', `${name}=${uuidOf(name)}`]);
    const odd = quirks.flatMap((quirk) => ['--quirk', quirk]);
    const placeOf = (xenstoreSocket: string): string[] => ['--name', hostName, '--xenstore', xenstoreSocket];
    await Promise.all([
      run(['controller', '--kubeconfig', kubeconfig], /^controller ready/m),
      run(
        [
          'embedded',
          'host',
          ...placeOf(socket),
          '--without-agent',
          '--guest-dir',
          guestDir,
          '--pci',
          '40',
          ...named,
          ...odd,
        ].concat('--hypervisor-socket', hypervisorSocket),
        /^host ready/m,
      ),
    ]);
    const hypervisor = connectSimulatedHypervisor(hypervisorSocket);
    closers.add(() => hypervisor.close());
    const xenstore = openXenStore({ transport: { kind: 'socket', path: socket } });
    closers.add(() => xenstore.close());
    await xenstore.connected();
    const where = ['--kubeconfig', kubeconfig, '--hypervisor', `simulated:${hypervisorSocket}`, '--probe-port', '0'];
    const trace = traced ? await traceXenStore(join(home, 'trace'), socket) : undefined;
    if (trace !== undefined) closers.add(() => trace.close());
    const agent = await run(['agent', ...placeOf(trace?.socketPath ?? socket), ...where], /^agent ready/m);
    const [, probes = ''] = await agent.output(/probes=(\S+)/);
    const metrics = async (): Promise<string> => (await fetch(`${probes}/metrics`)).text();
    return {
      kube,
      xenstore,
      hypervisor,
      guestSocket: (domid) => join(guestDir, `${String(domid)}.sock`),
      agent,
      daemon,
      socketPath: socket,
      trace,
      metrics,
      metric: async (name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(await metrics())?.[1] ?? 'NaN'),
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** A StubDomain for the guest of the same name. */
export async function applyStubDomain(kube: KubeClient, name: string): Promise<void> {
  const spec = { nodeName: hostName, target: { uuid: uuidOf(name), name }, disks: [{ name: 'system', source: '/d' }] };
  const object = { apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', metadata: { name, namespace }, spec };
  await kube.apply(stubDomains, object, { fieldManager: 'bench' });
}

/** A PciAttachment of an assignable device. */
export async function applyAttachment(kube: KubeClient, name: string, stubDomain: string, address: string) {
  const spec = { stubDomainRef: { name: stubDomain }, device: { address } };
  const object = { apiVersion: 'stubdom.io/v1alpha1', kind: 'PciAttachment', metadata: { name, namespace }, spec };
  await kube.apply(pciAttachments, object, { fieldManager: 'bench' });
}

const clockTicksPerSecond = 100;

/** Seconds of CPU that a process has used, all its threads together. */
export async function cpuSeconds(process: StubdomProcess): Promise<number> {
  const text = await readFile(`/proc/${String(process.child.pid)}/stat`, 'utf8');
  // After the name, which is in parentheses and may hold anything: the 12th and 13th are utime and stime (proc(5)).
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / clockTicksPerSecond;
}
