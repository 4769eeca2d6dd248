import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Condition } from '../../operator/api/conditions.ts';
import { leaseNamespace } from '../../operator/api/names.ts';
import { createCentral } from '../../operator/controllers/central.ts';
import { makeCertificates, type ServerCertificates } from '../../operator/embedded/api-server/certificates.ts';
import { startApiServer } from '../../operator/embedded/api-server/server.ts';
import type { HostAdmin } from '../../operator/embedded/simulated-host/admin.ts';
import { createEmbeddedFabric } from '../../operator/embedded/simulated-host/embedded-fabric.ts';
import { startSimulatedHost } from '../../operator/embedded/simulated-host/simulated-host.ts';
import { topologyWith, type PciTopology } from '../../operator/embedded/simulated-host/topology.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { loadCustomResourceDefinitions } from '../../operator/embedded/world/manifests.ts';
import { applyManifests, namespaceManifest, waitForEstablished } from '../../operator/embedded/world/objects.ts';
import { startXenstored } from '../../operator/embedded/xenstored/server.ts';
import type { Hypervisor } from '../../operator/hypervisor/hypervisor.ts';
import { createKubeClient } from '../../operator/kube/client.ts';
import { type ClusterConfig, loadClusterConfig } from '../../operator/kube/config.ts';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import type { KubeClient, KubeObject, KubeWatcher } from '../../operator/kube/types.ts';
import { silentLogger, systemClock } from '../../operator/runtime/ports.ts';
import { openXenStore } from '../../operator/xenstore/client.ts';
import type { XenStore } from '../../operator/xenstore/xenstore.ts';
import { type ApiProxy, startApiProxy } from './api-proxy.ts';
import { ApiServerKeeper } from './api-server-keeper.ts';
import type { BreakingProxy } from './breaking-proxy.ts';
import { FaultLine } from './fault-line.ts';
import { startHypervisorProxy } from './hypervisor-proxy.ts';
import { watchObjects, type ObjectWatch } from './object-watch.ts';
import { packageRoot, StubdomProcess } from './stubdom.ts';
import { startXenStoreProxy } from './xenstore-proxy.ts';

/** A simulated Xen host in this process, whose agent is a process of its own and sees all others through proxies. */
export interface FaultHost {
  readonly name: string;
  readonly admin: HostAdmin;
  readonly hypervisor: Hypervisor;
  /** dom0's view, past the proxy. */
  readonly xenstore: XenStore;
  /** Where the agent's requests can be broken. */
  readonly line: FaultLine;
  /** The agent's way to XenStore. */
  readonly store: BreakingProxy;
  /** The agent's way to the API server. */
  readonly api: ApiProxy;
  readonly agent: AgentKeeper;
  /** PCI devices that have a driver of dom0, and may be seized. */
  readonly addresses: readonly string[];
}

/** An object with a status, as the API server shows it. */
export interface Shown extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}

/** A cluster with its controller, and hosts whose agents can be killed. */
export interface FaultWorld {
  readonly kube: KubeClient & KubeWatcher;
  readonly hosts: readonly FaultHost[];
  readonly stubDomains: ObjectWatch<Shown>;
  readonly attachments: ObjectWatch<Shown>;
  /** The API server, where it is a process of its own. */
  readonly apiServer: ApiServerKeeper | undefined;
  /** Starts the controller and the watches anew: what they remember of outages makes them wait longer each time. */
  renew(): Promise<void>;
  close(): Promise<void>;
}

/** The agent of a host: one process after another, never two. */
export class AgentKeeper {
  readonly #start: () => StubdomProcess;
  #process: StubdomProcess;

  constructor(start: () => StubdomProcess) {
    this.#start = start;
    this.#process = start();
  }

  /** SIGKILL: the kernel has it when this returns. */
  kill(): void {
    this.#process.child.kill('SIGKILL');
  }

  /** Waits for the end of the one that was killed, and starts the next. */
  async restart(): Promise<void> {
    await this.#process.ended;
    this.#process = this.#start();
  }

  async ready(): Promise<void> {
    await this.#process.output(/^agent ready/m);
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process.stop(signal);
  }
}

/** The driver of dom0 that has the devices at first. */
export const hostDriver = 'igb';

/** What a world consists of. */
export interface FaultWorldOptions {
  readonly hosts: number;
  readonly devicesPerHost: number;
  /** Default `here`: in this process, and it stays. `process`: one of its own, that keeps its data and can be killed. */
  readonly apiServer?: 'here' | 'process';
}

/** Starts API server, controller, and hosts with their agents. */
export async function startFaultWorld(options: FaultWorldOptions): Promise<FaultWorld> {
  const closers = new Closers();
  const directory = await mkdtemp(join(tmpdir(), 'sdf-'));
  closers.add(() => rm(directory, { recursive: true, force: true }));
  try {
    const kubeconfig = join(directory, 'kubeconfig');
    const apiServer = await startApi(options.apiServer ?? 'here', directory, kubeconfig, closers);
    const cluster = await loadClusterConfig({ kubeconfig });
    const kube = createKubeClient(cluster);
    closers.add(() => kube.close());
    const { signal } = new AbortController();
    const definitions = await loadCustomResourceDefinitions(packageRoot);
    await applyManifests(kube, [...definitions, namespaceManifest(leaseNamespace)], { parallel: 4, signal });
    await waitForEstablished(kube, definitions, signal);
    const inner = new Inner(kube);
    closers.add(() => inner.stop());
    await inner.start();
    const common = { root: directory, cluster, certificates: await makeCertificates(Date.now()) };
    const started: FaultHost[] = [];
    for (let number = 1; number <= options.hosts; number += 1) {
      const host = await startFaultHost({ name: `xen-${number}`, devices: options.devicesPerHost, ...common }, closers);
      started.push(host);
      if (number > 1) continue;
      // What is compiled is kept at a clean end only: all later agents start in a fraction of the time.
      await host.agent.ready();
      await host.agent.stop('SIGTERM');
      await host.agent.restart();
    }
    await Promise.all(started.map(({ agent }) => agent.ready()));
    return {
      kube,
      hosts: started,
      get stubDomains() {
        return inner.stubDomains;
      },
      get attachments() {
        return inner.attachments;
      },
      apiServer,
      renew: async () => {
        await inner.stop();
        await inner.start();
      },
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** What is in this process and watches the API server: the controller, and the test. */
class Inner {
  readonly #kube: KubeClient & KubeWatcher;
  readonly #closers = new Closers();
  #watches: readonly [ObjectWatch<Shown>, ObjectWatch<Shown>] | undefined;

  constructor(kube: KubeClient & KubeWatcher) {
    this.#kube = kube;
  }

  get stubDomains(): ObjectWatch<Shown> {
    return this.#started()[0];
  }

  get attachments(): ObjectWatch<Shown> {
    return this.#started()[1];
  }

  async start(): Promise<void> {
    const kube = this.#kube;
    const central = createCentral({ kube, clock: systemClock, random: Math.random, logger: silentLogger });
    this.#closers.add(() => central.stop());
    await central.start();
    const watches = await Promise.all([
      watchObjects<Shown>(kube, stubDomains),
      watchObjects<Shown>(kube, pciAttachments),
    ]);
    for (const watch of watches) this.#closers.add(() => watch.close());
    this.#watches = watches;
  }

  async stop(): Promise<void> {
    await this.#closers.close();
  }

  #started(): readonly [ObjectWatch<Shown>, ObjectWatch<Shown>] {
    if (this.#watches === undefined) throw new Error('the world has not started');
    return this.#watches;
  }
}

async function startApi(
  where: 'here' | 'process',
  directory: string,
  kubeconfigPath: string,
  closers: Closers,
): Promise<ApiServerKeeper | undefined> {
  if (where === 'here') {
    const server = await startApiServer({ kubeconfigPath });
    closers.add(() => server.close());
    return undefined;
  }
  const keeper = new ApiServerKeeper(kubeconfigPath, join(directory, 'data'));
  closers.add(() => keeper.stop());
  await keeper.start();
  return keeper;
}

interface FaultHostOptions {
  readonly name: string;
  /** A directory for all hosts. */
  readonly root: string;
  readonly cluster: ClusterConfig;
  readonly certificates: ServerCertificates;
  readonly devices: number;
}

async function startFaultHost(options: FaultHostOptions, closers: Closers): Promise<FaultHost> {
  const { name, root, cluster, certificates, devices } = options;
  const directory = join(root, name);
  await mkdir(directory);
  const daemon = await startXenstored({ socketPath: join(directory, 'xs'), guestDir: join(directory, 'guests') });
  closers.add(() => daemon.close());
  const fabric = createEmbeddedFabric({ xenstoreSocket: daemon.socketPath, guestDir: daemon.guestDir });
  closers.add(() => fabric.close());
  const topology = seizable(devices);
  const hypervisorSocket = join(directory, 'hv');
  const host = await startSimulatedHost({
    name,
    xenstoreSocket: daemon.socketPath,
    fabric,
    topology,
    guests: [],
    hypervisorSocket,
  });
  closers.add(() => host.close());
  const xenstore = openXenStore({ transport: { kind: 'socket', path: daemon.socketPath } });
  closers.add(() => xenstore.close());
  const line = new FaultLine();
  const store = await startXenStoreProxy(join(directory, 'xs-proxy'), daemon.socketPath, line);
  closers.add(() => store.close());
  const calls = await startHypervisorProxy(join(directory, 'hv-proxy'), hypervisorSocket, line);
  closers.add(() => calls.close());
  const kubeconfigPath = join(directory, 'kubeconfig');
  const api = await startApiProxy({ kubeconfigPath, certificates, upstream: cluster, line });
  closers.add(() => api.close());
  const args = ['--name', name, '--kubeconfig', kubeconfigPath, '--xenstore', store.socketPath];
  const agent = new AgentKeeper(
    () => new StubdomProcess(['agent', ...args, '--hypervisor', `simulated:${calls.socketPath}`]),
  );
  closers.add(() => agent.stop());
  const { admin, hypervisor } = host;
  const addresses = topology.devices.map(({ address }) => address);
  return { name, admin, hypervisor, xenstore, line, store, api, agent, addresses };
}

function seizable(count: number): PciTopology {
  const further = topologyWith(count).devices.filter(({ iommuGroup }) => (iommuGroup ?? 0) >= 100);
  return { devices: further.map((device) => ({ ...device, driver: hostDriver })) };
}
