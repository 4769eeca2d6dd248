import { join } from 'node:path';
import { Registry } from 'prom-client';
import { createAgentMetrics } from '../../operator/agent/agent-metrics.ts';
import { type Agent, createAgent } from '../../operator/agent/agent.ts';
import type { HostAdmin } from '../../operator/embedded/simulated-host/admin.ts';
import type { DeviceModelReport } from '../../operator/embedded/simulated-host/device-model/record.ts';
import type { PciGrant } from '../../operator/embedded/simulated-host/pci-bus.ts';
import type { GuestDefinition } from '../../operator/embedded/simulated-host/guest.ts';
import { startSimulatedHost, type SimulatedHost } from '../../operator/embedded/simulated-host/simulated-host.ts';
import { topologyWith } from '../../operator/embedded/simulated-host/topology.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import type { Hypervisor, PciDevice } from '../../operator/hypervisor/hypervisor.ts';
import { connectSimulatedHypervisor } from '../../operator/hypervisor/simulated.ts';
import { createKubeClient } from '../../operator/kube/client.ts';
import type { ClusterConfig } from '../../operator/kube/config.ts';
import type { Clock } from '../../operator/runtime/ports.ts';
import { openXenStore } from '../../operator/xenstore/client.ts';
import type { XenStore } from '../../operator/xenstore/xenstore.ts';
import type { CapturedLog } from './captured-log.ts';
import { type DrillClock, drillClock } from './drill-clock.ts';
import { runningClock } from './running-clock.ts';
import { type DaemonStarter, embeddedDaemon, type WorldDaemon } from './world-daemon.ts';

/** What a host is made of. */
export interface WorldHostOptions {
  /** PCI devices that it has besides the usual ones. */
  readonly devices?: readonly PciDevice[];
  /** Default: the embedded one. */
  readonly daemon?: DaemonStarter;
  /** Puts something between the agent and dom0's socket of its daemon: gives the agent's socket. The caller ends it. */
  readonly wayOfAgent?: (daemonSocket: string, directory: string) => Promise<string>;
  /** How many times as fast as the system's clock those of host and agent go. Default 1. */
  readonly speed?: number;
}

/** A simulated host with its daemon and its agent, and what a test can do to it. */
export class WorldHost {
  readonly name: string;
  readonly #time: Clock;
  /** The agent's clock. */
  readonly clock: DrillClock;
  /** The protocol's metrics, of all agents that ever ran. */
  readonly metrics: Registry = new Registry();
  readonly #protocolMetrics = createAgentMetrics(this.metrics);
  readonly #directory: string;
  readonly #log: CapturedLog;
  readonly #cluster: ClusterConfig;
  readonly #hypervisorSocket: string;
  readonly #options: WorldHostOptions;
  #daemon: WorldDaemon | undefined;
  #agentSocket = '';
  #simulated: SimulatedHost | undefined;
  #shutDown: (() => Promise<void>) | undefined;
  #store: XenStore | undefined;
  #agent: { readonly agent: Agent; readonly closers: Closers } | undefined;
  readonly #closers = new Closers();

  constructor(
    name: string,
    directory: string,
    cluster: ClusterConfig,
    log: CapturedLog,
    options: WorldHostOptions = {},
  ) {
    this.name = name;
    this.#directory = directory;
    this.#options = options;
    this.#time = runningClock(options.speed);
    this.clock = drillClock(this.#time);
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

  /** What a guest sees of its devices by itself: addresses without a segment, in order. */
  async devicesIn(guest: string): Promise<string[]> {
    const alive = (await this.admin.deviceModels()).filter((one) => one.guest === guest && one.phase !== 'dead');
    return (alive.at(-1)?.guestDevices ?? []).map(({ device }) => device).sort();
  }

  /** What domains were given of a device. */
  async grantsOf(address: string): Promise<readonly PciGrant[]> {
    return (await this.admin.grants()).filter((grant) => grant.address === address);
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

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world has no such part');
  return value;
}
