import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAgent } from '../../operator/agent/agent.ts';
import { leaseNamespace } from '../../operator/api/names.ts';
import { type Central, createCentral } from '../../operator/controllers/central.ts';
import { makeCertificates, type ServerCertificates } from '../../operator/embedded/api-server/certificates.ts';
import { startSimulatedHost } from '../../operator/embedded/simulated-host/simulated-host.ts';
import { topologyWith } from '../../operator/embedded/simulated-host/topology.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import { loadCustomResourceDefinitions } from '../../operator/embedded/world/manifests.ts';
import { applyManifests, namespaceManifest, waitForEstablished } from '../../operator/embedded/world/objects.ts';
import { type ClusterClient, createKubeClient } from '../../operator/kube/client.ts';
import { loadClusterConfig } from '../../operator/kube/config.ts';
import { systemClock } from '../../operator/runtime/ports.ts';
import { openXenStore } from '../../operator/xenstore/client.ts';
import type { XenStore } from '../../operator/xenstore/xenstore.ts';
import { type ApiCall, isBeat } from './api-calls.ts';
import { type CapturedLog, captureLog } from './captured-log.ts';
import { type DrillClock, drillClock } from './drill-clock.ts';
import { type DrillProxy, startDrillProxy, type Upstream } from './drill-proxy.ts';
import { eventually } from './eventually.ts';
import { type RealKubeApiserver, startRealKubeApiserver, tokenOf } from './real-kube-apiserver.ts';
import { packageRoot } from './stubdom.ts';
import { embeddedDaemon } from './world-daemon.ts';
import { WorldObjects } from './world-objects.ts';

/** A request that is not answered for this long has failed. In production it is 30 s. */
const deadlineMs = 3000;
/** Nothing but beats for this long: what was to be done is done. */
const quietMs = 1500;

/** A program with the clocks and the way that a drill plays with. */
export interface DrillProgram {
  readonly proxy: DrillProxy;
  /** What the program itself goes by. */
  readonly clock: DrillClock;
  /** What its HTTP client goes by: silent connections are found out by it. */
  readonly wire: DrillClock;
}

/** A simulated host and its agent. */
export interface DrillHost extends DrillProgram {
  readonly name: string;
  /** A connection of dom0's. */
  readonly store: XenStore;
}

/** One controller and two agents before a real API server, each with its own way there. */
export class DrillWorld {
  readonly #closers = new Closers();
  readonly #log: CapturedLog = captureLog();
  readonly hosts: DrillHost[] = [];
  #home = '';
  #server: RealKubeApiserver | undefined;
  #upstream: Upstream | undefined;
  #certificates: ServerCertificates | undefined;
  #user: ClusterClient | undefined;
  #controller: (DrillProgram & { readonly central: Central }) | undefined;

  /** What a person does: straight to the API server, and not counted. */
  get kube(): ClusterClient {
    return there(this.#user);
  }

  get objects(): WorldObjects {
    return new WorldObjects(this.kube);
  }

  get controller(): DrillProgram {
    return there(this.#controller);
  }

  get programs(): readonly DrillProgram[] {
    return [...(this.#controller === undefined ? [] : [this.#controller]), ...this.hosts];
  }

  get log(): CapturedLog {
    return this.#log;
  }

  async start(guests: ReadonlyMap<string, readonly string[]>): Promise<void> {
    this.#home = await mkdtemp(join(tmpdir(), 'dr-'));
    this.#closers.add(() => rm(this.#home, { recursive: true, force: true }));
    this.#certificates = await makeCertificates(Date.now());
    this.#closers.add(() => this.#server?.stop());
    this.#closers.add(() => this.#user?.close());
    await this.startServer();
    const { signal } = new AbortController();
    const definitions = await loadCustomResourceDefinitions(packageRoot);
    await applyManifests(this.kube, [...definitions, namespaceManifest(leaseNamespace)], { parallel: 4, signal });
    await waitForEstablished(this.kube, definitions, signal);
    await this.startController();
    this.#closers.add(() => this.stopController());
    for (const [name, names] of guests) await this.#startHost(name, names);
  }

  async close(): Promise<void> {
    await this.#closers.close();
  }

  /** The first one, or another one on the data of the one that was killed. */
  async startServer(): Promise<void> {
    const dir = join(this.#home, 'server');
    this.#server = await startRealKubeApiserver({ dir });
    const [ca, token] = await Promise.all([readFile(join(dir, 'ca.crt'), 'utf8'), tokenOf(this.#server.kubeconfig)]);
    this.#upstream = { url: this.#server.url, ca, token };
    await this.#user?.close();
    this.#user = createKubeClient(await loadClusterConfig({ kubeconfig: this.#server.kubeconfig }));
  }

  async killServer(): Promise<void> {
    await there(this.#server).kill();
  }

  async startController(): Promise<void> {
    const program = await this.#program('controller');
    const kube = await this.#client(program);
    const { clock } = program;
    const logger = this.#log.logger.child({ program: 'controller' });
    const central = createCentral({ kube, clock, random: Math.random, logger });
    this.#controller = { ...program, central };
    this.#closers.add(() => kube.close());
    await central.start();
  }

  async stopController(): Promise<void> {
    const running = this.#controller;
    this.#controller = undefined;
    await running?.central.stop();
  }

  /** A way to the API server for a further program. */
  async proxy(name: string): Promise<DrillProxy> {
    const proxy = await startDrillProxy({
      kubeconfigPath: join(this.#home, `kubeconfig-${name}-${String(Math.random()).slice(2)}`),
      certificates: there(this.#certificates),
      upstream: () => there(this.#upstream),
    });
    this.#closers.add(() => proxy.close());
    return proxy;
  }

  async #program(name: string): Promise<DrillProgram> {
    return { proxy: await this.proxy(name), clock: drillClock(), wire: drillClock() };
  }

  async #client({ proxy, wire }: DrillProgram): Promise<ClusterClient> {
    const cluster = await loadClusterConfig({ kubeconfig: proxy.kubeconfigPath });
    return createKubeClient(cluster, { clock: wire, deadlineMs, logger: this.#log.logger });
  }

  async #startHost(name: string, guests: readonly string[]): Promise<void> {
    const program = await this.#program(name);
    const { clock } = program;
    const directory = join(this.#home, name);
    await mkdir(directory);
    const daemon = await embeddedDaemon(directory);
    this.#closers.add(() => daemon.stop());
    const fabric = daemon.fabric();
    this.#closers.add(() => fabric.close());
    const simulated = await startSimulatedHost({
      name,
      xenstoreSocket: daemon.socket,
      fabric,
      topology: topologyWith(20),
      guests: guests.map((guest) => ({ name: guest, uuid: uuidOf(guest) })),
      clock: { ...systemClock, now: () => clock.now() },
    });
    this.#closers.add(() => simulated.close());
    const [store, xenstore] = [0, 1].map(() => openXenStore({ transport: { kind: 'socket', path: daemon.socket } }));
    for (const one of [store, xenstore]) this.#closers.add(() => one?.close());
    const kube = await this.#client(program);
    this.#closers.add(() => kube.close());
    const agent = createAgent({
      nodeName: name,
      kube,
      xenstore: there(xenstore),
      hypervisor: simulated.hypervisor,
      clock,
      random: Math.random,
      logger: this.#log.logger.child({ program: name }),
      version: 'test',
    });
    this.#closers.add(() => agent.stop());
    await agent.start();
    this.hosts.push({ ...program, name, store: there(store) });
  }

  /** Calls of all programs. */
  calls(): ApiCall[] {
    return this.programs.flatMap(({ proxy }) => proxy.calls);
  }

  /** Resolves when the programs ask for nothing more, which one that goes in a circle never comes to. */
  async quiet(): Promise<void> {
    const count = (): number => this.calls().filter((call) => !isBeat(call) && call.verb !== 'watch').length;
    let seen = count();
    let since = performance.now();
    await eventually(() => {
      const now = count();
      if (now !== seen) [seen, since] = [now, performance.now()];
      if (performance.now() - since < quietMs) throw new Error(`no end of calls: ${String(now)} so far`);
    }, 40_000);
  }
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world has no such part');
  return value;
}
