import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { leaseNamespace } from '../api/names.ts';
import { createCentral } from '../controllers/central.ts';
import { createKubeClient } from '../kube/client.ts';
import { loadClusterConfig, type ClusterConfig } from '../kube/config.ts';
import { systemClock, type Logger } from '../runtime/ports.ts';
import type { GuestDefinition } from './simulated-host/guest.ts';
import { QuirkError } from './simulated-host/quirk-text.ts';
import type { Quirks } from './simulated-host/quirks.ts';
import { startApiServerThread } from './world/api-server-thread.ts';
import { Closers } from './world/closers.ts';
import { WorldCounters, type WorldCounts } from './world/counters.ts';
import { guestsOf, planFleet, type FleetPlan, type HostPlan } from './world/fleet.ts';
import { startHost, type Host } from './world/host.ts';
import { loadCustomResourceDefinitions, loadSamples, type Manifest } from './world/manifests.ts';
import { applyManifests, namespaceManifest, waitForEstablished } from './world/objects.ts';
import { openRuntimeDir } from './world/runtime-dir.ts';
import { startXenstored } from './xenstored/server.ts';

/** What the embedded world shall have. */
export interface WorldOptions {
  /** Simulated Xen hosts, named xen-1, xen-2, … */
  readonly hosts: number;
  /** StubDomains of a fleet to apply. */
  readonly stubDomains: number;
  readonly pciPerDomain: number;
  /** Whether to apply the objects of crds/samples, and run their guests on the first host. */
  readonly samples: boolean;
  /** More guests on the first host. */
  readonly guests: readonly GuestDefinition[];
  /** Where the embedded API server writes its kubeconfig. The world's lock lies beside it. */
  readonly kubeconfigPath: string;
  /** Kubeconfig of a cluster to use instead of the embedded API server. */
  readonly cluster?: string;
  /** Where the embedded API server keeps its objects; in memory if absent. */
  readonly dataDir?: string;
  readonly port?: number;
  readonly quirks: Quirks;
  /** The package: its crds/ are used, and its version is what agents report. */
  readonly packageRoot: string;
  readonly version: string;
  readonly logger: Logger;
  /** Ends the start early. */
  readonly signal: AbortSignal;
  readonly onStep?: (step: WorldStep) => void;
}

/** Something that stands now, for progress on a screen. */
export type WorldStep =
  | { readonly kind: 'api-server'; readonly url: string; readonly embedded: boolean }
  | { readonly kind: 'definitions'; readonly count: number }
  | { readonly kind: 'controller' }
  | { readonly kind: 'host'; readonly name: string; readonly count: number; readonly of: number }
  | { readonly kind: 'applied'; readonly count: number; readonly of: number };

/** A running embedded world. */
export interface World {
  /** For kubectl. */
  readonly kubeconfigPath: string;
  readonly cluster: ClusterConfig;
  /** Sockets of the XenStore daemons, by host. */
  readonly xenstores: Readonly<Record<string, string>>;
  /** What was applied. */
  readonly manifests: readonly Manifest[];
  /** What controller and agents have asked for until now. */
  counts(): WorldCounts;
  /** Stops everything, and removes sockets, lock and kubeconfig. */
  close(): Promise<void>;
}

const parallelApplies = 16;

/** Starts API server, controller, and hosts with their agents, and applies the objects. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const closers = new Closers();
  const counters = new WorldCounters();
  try {
    const runtime = await openRuntimeDir(options.kubeconfigPath);
    closers.add(() => runtime.close());
    const api = await openCluster(options, closers);
    const kube = createKubeClient(api.cluster);
    closers.add(() => kube.close());

    const definitions = await loadCustomResourceDefinitions(options.packageRoot);
    await applyManifests(kube, [...definitions, namespaceManifest(leaseNamespace)], {
      parallel: 4,
      signal: options.signal,
    });
    await waitForEstablished(kube, definitions, options.signal);
    options.onStep?.({ kind: 'definitions', count: definitions.length });

    await startController(options, api.cluster, counters, closers);
    options.onStep?.({ kind: 'controller' });

    const samples = options.samples ? await loadSamples(options.packageRoot) : [];
    const plan = planFleet({ ...options, extraGuests: [...guestsOf(samples), ...options.guests] });
    refuseStrayQuirks(options.quirks, plan);
    const xenstores: Record<string, string> = {};
    const hosts: Closers[] = [];
    // Side by side: each waits for what its agent has begun.
    closers.add(async () => {
      await Promise.all(hosts.map((host) => host.close()));
    });
    for (const [index, host] of plan.hosts.entries()) {
      options.signal.throwIfAborted();
      const hostClosers = new Closers();
      hosts.push(hostClosers);
      xenstores[host.name] = await startHostWithDaemon(
        options,
        api.cluster,
        host,
        join(runtime.path, host.name),
        counters,
        hostClosers,
      );
      options.onStep?.({ kind: 'host', name: host.name, count: index + 1, of: plan.hosts.length });
    }
    await runtime.record(xenstores);

    const manifests = [...samples, ...plan.manifests];
    await applyManifests(kube, manifests, {
      parallel: parallelApplies,
      signal: options.signal,
      onApplied: (count) => options.onStep?.({ kind: 'applied', count, of: manifests.length }),
    });
    return {
      kubeconfigPath: api.kubeconfigPath,
      cluster: api.cluster,
      xenstores,
      manifests,
      counts: () => counters.read(),
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** A quirk for a guest that nobody has would silently do nothing. */
function refuseStrayQuirks(quirks: Quirks, plan: FleetPlan): void {
  const guests = plan.hosts.flatMap((host) => host.guests);
  for (const { guest } of quirks) {
    if (guest === undefined || guests.some(({ name, uuid }) => guest === name || guest === uuid)) continue;
    const some = guests.slice(0, 10).map(({ name }) => name);
    if (guests.length > some.length) some.push('…');
    throw new QuirkError(`a quirk is for the guest "${guest}", which is not there; there are: ${some.join(', ')}`);
  }
}

async function openCluster(
  options: WorldOptions,
  closers: Closers,
): Promise<{ cluster: ClusterConfig; kubeconfigPath: string }> {
  if (options.cluster !== undefined) {
    const cluster = await loadClusterConfig({ kubeconfig: options.cluster });
    options.onStep?.({ kind: 'api-server', url: cluster.server, embedded: false });
    return { cluster, kubeconfigPath: options.cluster };
  }
  const server = await startApiServerThread({
    kubeconfigPath: options.kubeconfigPath,
    logger: options.logger.child({ part: 'api-server' }),
    ...(options.dataDir === undefined ? {} : { dataDir: options.dataDir }),
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  closers.add(async () => {
    await server.close();
    // It leads nowhere any more.
    await rm(server.kubeconfigPath, { force: true });
  });
  options.onStep?.({ kind: 'api-server', url: server.url, embedded: true });
  return {
    cluster: await loadClusterConfig({ kubeconfig: server.kubeconfigPath }),
    kubeconfigPath: server.kubeconfigPath,
  };
}

async function startController(
  options: WorldOptions,
  cluster: ClusterConfig,
  counters: WorldCounters,
  closers: Closers,
): Promise<void> {
  const kube = createKubeClient(cluster, { onRequest: counters.onRequest });
  closers.add(() => kube.close());
  const logger = options.logger.child({ part: 'controller' });
  const central = createCentral({ kube, clock: systemClock, random: Math.random, logger });
  closers.add(() => central.stop());
  await central.start();
}

/** Starts a XenStore daemon, a simulated host on it, and its agent; gives the daemon's socket. */
async function startHostWithDaemon(
  options: WorldOptions,
  cluster: ClusterConfig,
  plan: HostPlan,
  directory: string,
  counters: WorldCounters,
  closers: Closers,
): Promise<string> {
  await mkdir(directory);
  const logger = options.logger.child({ part: 'xenstored', host: plan.name });
  const daemon = await startXenstored({
    socketPath: join(directory, 'xs'),
    guestDir: join(directory, 'guests'),
    logger,
  });
  closers.add(() => daemon.close());
  const host: Host = await startHost({
    name: plan.name,
    xenstoreSocket: daemon.socketPath,
    fabric: { kind: 'embedded', guestDir: daemon.guestDir },
    guests: plan.guests,
    topology: plan.topology,
    quirks: options.quirks,
    cluster,
    version: options.version,
    hypervisorSocket: join(directory, 'hv'),
    logger: options.logger,
    counters,
  });
  closers.add(() => host.close());
  return daemon.socketPath;
}
