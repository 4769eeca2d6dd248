import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { createAgentMetrics } from '../../operator/agent/agent-metrics.ts';
import { type Agent, createAgent } from '../../operator/agent/agent.ts';
import { leaseNamespace } from '../../operator/api/names.ts';
import { createCentralMetrics } from '../../operator/controllers/central-metrics.ts';
import { type Central, createCentral } from '../../operator/controllers/central.ts';
import { startApiServer } from '../../operator/embedded/api-server/server.ts';
import type { HostAdmin } from '../../operator/embedded/simulated-host/admin.ts';
import type { DeviceModelReport } from '../../operator/embedded/simulated-host/device-model/record.ts';
import type { GuestDefinition } from '../../operator/embedded/simulated-host/guest.ts';
import { startSimulatedHost, type SimulatedHost } from '../../operator/embedded/simulated-host/simulated-host.ts';
import { topologyWith } from '../../operator/embedded/simulated-host/topology.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import type { Hypervisor, PciDevice } from '../../operator/hypervisor/hypervisor.ts';
import { connectSimulatedHypervisor } from '../../operator/hypervisor/simulated.ts';
import { type ClusterClient, createKubeClient } from '../../operator/kube/client.ts';
import { type ClusterConfig, loadClusterConfig } from '../../operator/kube/config.ts';
import { namespaces } from '../../operator/kube/resources.ts';
import type { Clock } from '../../operator/runtime/ports.ts';
import { openXenStore } from '../../operator/xenstore/client.ts';
import type { XenStore } from '../../operator/xenstore/xenstore.ts';
import { type CapturedLog, captureLog } from './captured-log.ts';
import { type DrillClock, drillClock } from './drill-clock.ts';
import { eventually } from './eventually.ts';
import { runningClock } from './running-clock.ts';
import { projectCrds } from './sample-crds.ts';
import { type SkippingClock, skippingClock } from './skipping-clock.ts';
import { type DaemonStarter, embeddedDaemon, type WorldDaemon } from './world-daemon.ts';
import { WorldObjects } from './world-objects.ts';

/** A simulated host with its daemon and its agent, and what a test can do to it. */
export class WorldHost {
  readonly name: string;
  readonly #time: Clock = runningClock();
  /** The agent's clock. */
  readonly clock: DrillClock = drillClock(this.#time);
  /** The protocol's metrics, of all agents that ever ran. */
  readonly metrics: Registry = new Registry();
  readonly #protocolMetrics = createAgentMetrics(this.metrics);
  readonly #directory: string;
  readonly #log: CapturedLog;
  readonly #cluster: ClusterConfig;
  readonly #hypervisorSocket: string;
  readonly #options: WorldOptions;
  #daemon: WorldDaemon | undefined;
  #agentSocket = '';
  #simulated: SimulatedHost | undefined;
  #shutDown: (() => Promise<void>) | undefined;
  #store: XenStore | undefined;
  #agent: { readonly agent: Agent; readonly closers: Closers } | undefined;
  readonly #closers = new Closers();

  constructor(name: string, directory: string, cluster: ClusterConfig, log: CapturedLog, options: WorldOptions = {}) {
    this.name = name;
    this.#directory = directory;
    this.#options = options;
    this.#hypervisorSocket = join(directory, 'hv');
    this.#cluster = cluster;
    this.#log = log;
  }

  /** dom0's socket of the daemon. */
  get socket(): string {
    return there(this.#daemon).socket;
  }

  /** A connection of dom0's, beside the agent's. */
  get store(): XenStore {
    return there(this.#store);
  }

  get admin(): HostAdmin {
    return there(this.#simulated).admin;
  }

  /** What an administrator in dom0 does by hand. */
  get hypervisor(): Hypervisor {
    return there(this.#simulated).hypervisor;
  }

  get agent(): Agent {
    return there(this.#agent).agent;
  }

  /** A guest that runs on this host, with the uuid that belongs to its name. */
  async addGuest(name: string, more: Partial<GuestDefinition> = {}): Promise<{ uuid: string; domid: number }> {
    return this.admin.addGuest({ name, uuid: uuidOf(name), ...more });
  }

  /** The last device model that the guest had, dead or alive. */
  async deviceModel(guest: string): Promise<DeviceModelReport | undefined> {
    return (await this.admin.deviceModels()).findLast((one) => one.guest === guest);
  }

  async start(): Promise<void> {
    const daemon = await (this.#options.daemon ?? embeddedDaemon)(this.#directory);
    this.#daemon = daemon;
    this.#closers.add(() => daemon.stop());
    this.#agentSocket = (await this.#options.wayOfAgent?.(daemon.socket, this.#directory)) ?? daemon.socket;
    await this.#boot(daemon);
    this.#closers.add(() => this.#shutDown?.());
    const store = openXenStore({ transport: { kind: 'socket', path: this.socket } });
    this.#closers.add(() => store.close());
    await store.connected();
    this.#store = store;
    await this.startAgent();
    this.#closers.add(() => this.stopAgent());
  }

  /** Hypervisor and dom0 begin anew. */
  async #boot(daemon: WorldDaemon): Promise<void> {
    const fabric = daemon.fabric();
    const simulated = await startSimulatedHost({
      name: this.name,
      xenstoreSocket: this.socket,
      fabric,
      topology: { devices: [...topologyWith(60).devices, ...(this.#options.devices ?? [])] },
      guests: [],
      hypervisorSocket: this.#hypervisorSocket,
      // The time of day in dom0 is the agent's; what the host does takes no part in the skipping.
      clock: { ...this.#time, now: () => this.clock.now() },
    });
    this.#simulated = simulated;
    this.#shutDown = async () => {
      await simulated.close();
      await fabric.close();
    };
  }

  /** The machine is switched off: its agent, its domains and its XenStore with it. */
  async powerOff(): Promise<void> {
    await this.stopAgent();
    await this.#shutDown?.();
    this.#shutDown = undefined;
    await this.#daemon?.stop();
  }

  /** It is started again, without guests. */
  async powerOn(): Promise<void> {
    const daemon = there(this.#daemon);
    await daemon.startEmpty();
    await this.#boot(daemon);
    await this.startAgent();
  }

  /** A new process, as it were: nothing is left of an earlier agent but what it wrote. */
  async startAgent(): Promise<void> {
    const closers = new Closers();
    const logger = this.#log.logger.child({ agent: this.name });
    const kube = createKubeClient(this.#cluster, { logger });
    closers.add(() => kube.close());
    const xenstore = openXenStore({ transport: { kind: 'socket', path: this.#agentSocket }, logger });
    closers.add(() => xenstore.close());
    const hypervisor = connectSimulatedHypervisor(this.#hypervisorSocket);
    closers.add(() => hypervisor.close());
    const { clock } = this;
    const agent = createAgent({
      nodeName: this.name,
      kube,
      xenstore,
      hypervisor,
      clock,
      random: Math.random,
      logger,
      version: 'test',
      protocolMetrics: this.#protocolMetrics,
    });
    closers.add(() => agent.stop());
    await agent.start();
    this.#agent = { agent, closers };
  }

  async stopAgent(): Promise<void> {
    const running = this.#agent;
    this.#agent = undefined;
    await running?.closers.close();
  }

  /** The daemon dies. */
  async stopDaemon(): Promise<void> {
    await this.#daemon?.stop();
  }

  /** It comes back with an empty store, as C xenstored without live update does. */
  async startDaemonEmpty(): Promise<void> {
    await this.#daemon?.startEmpty();
  }

  async close(): Promise<void> {
    await this.#closers.close();
  }
}

/** The operator on an embedded world, in this process: every hop is the wire that production uses. */
export class OperatorWorld {
  readonly kube: ClusterClient;
  readonly kubeconfigPath: string;
  /** A directory of the test's. */
  readonly home: string;
  /** What controller and agents logged. */
  readonly log: CapturedLog;
  /** The controller's clock. */
  readonly clock: SkippingClock;
  /** The cluster's metrics. */
  readonly metrics: Registry;
  readonly objects: WorldObjects;
  readonly #hosts: ReadonlyMap<string, WorldHost>;
  readonly #closers: Closers;

  constructor(parts: {
    kube: ClusterClient;
    kubeconfigPath: string;
    home: string;
    log: CapturedLog;
    clock: SkippingClock;
    metrics: Registry;
    hosts: ReadonlyMap<string, WorldHost>;
    closers: Closers;
  }) {
    this.kube = parts.kube;
    this.kubeconfigPath = parts.kubeconfigPath;
    this.home = parts.home;
    this.log = parts.log;
    this.clock = parts.clock;
    this.metrics = parts.metrics;
    this.objects = new WorldObjects(parts.kube);
    this.#hosts = parts.hosts;
    this.#closers = parts.closers;
  }

  host(name = 'xen-1'): WorldHost {
    return there(this.#hosts.get(name));
  }

  async close(): Promise<void> {
    await this.#closers.close();
  }
}

/** What a world is made of. */
export interface WorldOptions {
  /** Default 1. */
  readonly hosts?: number;
  /** PCI devices that every host has besides the usual ones. */
  readonly devices?: readonly PciDevice[];
  /** A cluster that has the CRDs. Default: the embedded API server. */
  readonly kubeconfig?: string;
  /** Called when everything else has ended. */
  readonly onClose?: () => Promise<void>;
  /** Default: the embedded one. */
  readonly daemon?: DaemonStarter;
  /** Puts something between the agent and dom0's socket of its daemon: gives the agent's socket. The caller ends it. */
  readonly wayOfAgent?: (daemonSocket: string, directory: string) => Promise<string>;
}

/** Starts API server, controller, and hosts xen-1, xen-2, … with their agents. */
export async function startOperatorWorld(options: WorldOptions = {}): Promise<OperatorWorld> {
  const closers = new Closers();
  try {
    if (options.onClose !== undefined) closers.add(options.onClose);
    const home = await mkdtemp(join(tmpdir(), 'ow-'));
    closers.add(() => rm(home, { recursive: true, force: true }));
    const log = captureLog();
    const kubeconfigPath = options.kubeconfig ?? join(home, 'kubeconfig');
    if (options.kubeconfig === undefined) {
      const server = await startApiServer({ kubeconfigPath, crds: projectCrds() });
      closers.add(() => server.close());
    }
    const cluster = await loadClusterConfig({ kubeconfig: kubeconfigPath });
    const kube = createKubeClient(cluster);
    closers.add(() => kube.close());
    await kube.apply(
      namespaces,
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: leaseNamespace } },
      { fieldManager: 'test', force: true },
    );
    const clock = skippingClock();
    const metrics = new Registry();
    await startCentral(cluster, clock, metrics, log, closers);
    const hosts = new Map<string, WorldHost>();
    for (let index = 1; index <= (options.hosts ?? 1); index += 1) {
      const name = `xen-${String(index)}`;
      const directory = join(home, name);
      await mkdir(directory);
      const host = new WorldHost(name, directory, cluster, log, options);
      closers.add(() => host.close());
      await host.start();
      hosts.set(name, host);
    }
    const world = new OperatorWorld({ kube, kubeconfigPath, home, log, clock, metrics, hosts, closers });
    await eventually(async () => {
      for (const name of hosts.keys()) await world.objects.condition('XenHost', name, 'Ready', { status: 'True' }, 0);
    });
    return world;
  } catch (error) {
    await closers.close();
    throw error;
  }
}

async function startCentral(
  cluster: ClusterConfig,
  clock: SkippingClock,
  metrics: Registry,
  log: CapturedLog,
  closers: Closers,
): Promise<Central> {
  const logger = log.logger.child({ controller: 'central' });
  const kube = createKubeClient(cluster, { logger });
  closers.add(() => kube.close());
  const centralMetrics = createCentralMetrics(metrics);
  const central = createCentral({ kube, clock, random: Math.random, logger, centralMetrics });
  closers.add(() => central.stop());
  await central.start();
  return central;
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world has no such part');
  return value;
}
