import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAgent } from '../../operator/agent/agent.ts';
import { leaderLeaseName, leaseNamespace } from '../../operator/api/names.ts';
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
import type { Lease } from '../../operator/kube/lease.ts';
import { leases } from '../../operator/kube/resources.ts';
import { systemClock } from '../../operator/runtime/ports.ts';
import { openXenStore } from '../../operator/xenstore/client.ts';
import type { XenStore } from '../../operator/xenstore/xenstore.ts';
import { type ApiCall, isBeat } from './api-calls.ts';
import { type CapturedLog, captureLog } from './captured-log.ts';
import { type DrillClock, drillClock } from './drill-clock.ts';
import { type DrillProxy, startDrillProxy, type Upstream } from './drill-proxy.ts';
import { startWitness, type Witness } from './drill-witness.ts';
import { eventually } from './eventually.ts';
import { type RealKubeApiserver, startRealKubeApiserver, tokenOf } from './real-kube-apiserver.ts';
import { packageRoot } from './stubdom.ts';
import { embeddedDaemon } from './world-daemon.ts';
import { WorldObjects } from './world-objects.ts';

/** A request that is not answered for this long has failed. In production it is 30 s. */
const deadlineMs = 6000;
/** Nothing but beats for this long: what was to be done is done. */
const quietMs = 1500;
/** Longer than an agent waits between two beats, and than anything waits before it tries again; a Lease lasts longer. */
const beatMs = 30_000;
/** After this long without a failure a program waits as short as ever for the next try. */
const forgivenMs = 125_000;

/** A program with the clocks and the way that a drill plays with. */
export interface DrillProgram {
  readonly proxy: DrillProxy;
  /** What the program itself goes by. */
  readonly clock: DrillClock;
  /** What its HTTP client goes by: silent connections are found out by it. */
  readonly wire: DrillClock;
  /** How many watches it keeps open. */
  readonly watches: number;
}

/** A simulated host and its agent. */
export interface DrillHost extends DrillProgram {
  readonly name: string;
  /** A connection of dom0's. */
  readonly store: XenStore;
}

/** What of the world is there from the beginning. */
export interface DrillWorldOptions {
  /** Guests of each host. */
  readonly guests: ReadonlyMap<string, readonly string[]>;
  /** Whether a controller runs in this process. Default true. */
  readonly controller?: boolean;
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
  #controller: DrillProgram | undefined;
  #witness: (DrillProgram & { readonly witness: Witness }) | undefined;

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

  /** Sees all that becomes of the objects. */
  get witness(): Witness {
    return there(this.#witness).witness;
  }

  /** What is counted. */
  get programs(): readonly DrillProgram[] {
    return [...(this.#controller === undefined ? [] : [this.#controller]), ...this.hosts];
  }

  get log(): CapturedLog {
    return this.#log;
  }

  async start({ guests, controller = true }: DrillWorldOptions): Promise<void> {
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
    await this.#startWitness();
    if (controller) await this.#startController();
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
    const server = there(this.#server);
    this.#server = undefined;
    await server.kill();
  }

  async #startController(): Promise<void> {
    const program = await this.#program('controller', 4);
    const kube = await this.#client(program);
    this.#closers.add(() => kube.close());
    const { clock } = program;
    const logger = this.#log.logger.child({ program: 'controller' });
    const central: Central = createCentral({ kube, clock, random: Math.random, logger });
    this.#closers.add(() => central.stop());
    this.#controller = program;
    await central.start();
  }

  async #startWitness(): Promise<void> {
    const program = await this.#program('witness', 2);
    const kube = await this.#client(program);
    this.#closers.add(() => kube.close());
    const { witness, stop } = await startWitness(kube, program.clock);
    this.#closers.add(stop);
    this.#witness = { ...program, witness };
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

  async #program(name: string, watches: number): Promise<DrillProgram> {
    return { proxy: await this.proxy(name), clock: drillClock(), wire: drillClock(), watches };
  }

  async #client({ proxy, wire }: DrillProgram): Promise<ClusterClient> {
    const cluster = await loadClusterConfig({ kubeconfig: proxy.kubeconfigPath });
    return createKubeClient(cluster, { clock: wire, deadlineMs, logger: this.#log.logger });
  }

  async #startHost(name: string, guests: readonly string[]): Promise<void> {
    const program = await this.#program(name, 3);
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

  /** Resolves when the programs ask for nothing more, which one that goes in a circle never comes to. */
  async quiet(): Promise<void> {
    const calls = (): ApiCall[] => this.programs.flatMap(({ proxy }) => proxy.calls);
    const count = (): number => calls().filter((call) => !isBeat(call) && call.verb !== 'watch').length;
    let seen = count();
    let since = performance.now();
    await eventually(() => {
      const now = count();
      if (now !== seen) [seen, since] = [now, performance.now()];
      if (performance.now() - since < quietMs) throw new Error(`no end of calls: ${String(now)} so far`);
    }, 40_000);
  }

  /** Lets the agents renew their Leases, by their clocks. */
  async beat(hosts: readonly DrillHost[] = this.hosts): Promise<void> {
    await Promise.all(
      hosts.map(async ({ name, clock }) => {
        const read = () => this.kube.get<Lease>(leases, { namespace: leaseNamespace, name });
        const before = (await read()).metadata.resourceVersion;
        clock.skip(beatMs);
        await eventually(async () => {
          if ((await read()).metadata.resourceVersion === before) throw new Error(`${name} has not renewed its Lease`);
        });
      }),
    );
  }

  /** Takes away the Lease of a controller that was killed, so that the next one need not wait until it runs out. */
  async forgetLeader(): Promise<void> {
    await this.kube.delete(leases, { namespace: leaseNamespace, name: leaderLeaseName });
  }

  /** Lets so much time pass for all at once, in which the agents beat. Only while nothing is under way on a host. */
  async elapse(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= beatMs) {
      await this.beat();
      for (const { clock } of this.#others()) clock.skip(beatMs);
    }
    // What the controller knows of the hosts is as fresh as it is without all that.
    await this.beat();
  }

  /** Resolves when every program hears of everything; what waits before it tries again need not wait. */
  async listening(): Promise<void> {
    const all = [...this.#others(), ...this.hosts];
    await eventually(async () => {
      const deaf = all.filter(({ proxy, watches }) => proxy.openWatches < watches);
      if (deaf.length === 0) return;
      await this.elapse(beatMs);
      throw new Error(`${String(deaf.length)} programs do not hear of everything`);
    }, 60_000);
  }

  /** After a drill, however it ended: everything works, and what failed is long ago. */
  async recover(): Promise<void> {
    if (this.#server === undefined) await this.startServer();
    for (const { proxy, clock, wire } of [...this.#others(), ...this.hosts]) {
      proxy.heal();
      clock.setAhead(0);
      wire.setAhead(0);
    }
    await this.listening();
    await this.quiet();
    await this.elapse(forgivenMs);
    await this.listening();
  }

  /** Those that have no Lease of their own. */
  #others(): readonly DrillProgram[] {
    return [this.#controller, this.#witness].filter((program) => program !== undefined);
  }
}

function there<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the world has no such part');
  return value;
}
