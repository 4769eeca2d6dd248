import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Registry } from 'prom-client';
import { leaseNamespace } from '../../operator/api/names.ts';
import { createCentralMetrics } from '../../operator/controllers/central-metrics.ts';
import { type Central, createCentral } from '../../operator/controllers/central.ts';
import { startApiServer } from '../../operator/embedded/api-server/server.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { type ClusterClient, createKubeClient } from '../../operator/kube/client.ts';
import { type ClusterConfig, loadClusterConfig } from '../../operator/kube/config.ts';
import { namespaces } from '../../operator/kube/resources.ts';
import { type CapturedLog, captureLog } from './captured-log.ts';
import { eventually } from './eventually.ts';
import { runningClock } from './running-clock.ts';
import { projectCrds } from './sample-crds.ts';
import { type SkippingClock, skippingClock } from './skipping-clock.ts';
import { WorldHost, type WorldHostOptions } from './world-host.ts';
import { type AnyObject, WorldObjects } from './world-objects.ts';

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
  #devices = 0;

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
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`the world has no host ${name}`);
    return host;
  }

  /** A device of each host that is bound to pciback, and that was not given out before. */
  freeDevice(): string {
    this.#devices += 1;
    return `0000:10:${this.#devices.toString(16).padStart(2, '0')}.0`;
  }

  /** Starts a guest on xen-1, with quirks of its own, and a StubDomain of its name; gives the object when it is Ready. */
  async running(name: string, ...quirks: readonly string[]): Promise<AnyObject> {
    await this.#startGuest(name, quirks);
    await this.objects.stubDomain(name);
    return this.objects.ready('StubDomain', name);
  }

  /** The same with PCI devices, whose attachments NAME-0, NAME-1, … are Ready; gives their addresses. */
  async attached(name: string, count = 1, ...quirks: readonly string[]): Promise<string[]> {
    await this.#startGuest(name, quirks);
    const addresses = Array.from({ length: count }, () => this.freeDevice());
    for (const [index, address] of addresses.entries())
      await this.objects.attachment(`${name}-${index}`, name, address);
    await this.objects.stubDomain(name);
    await this.objects.ready('StubDomain', name);
    for (const index of addresses.keys()) await this.objects.ready('PciAttachment', `${name}-${index}`);
    return addresses;
  }

  async #startGuest(name: string, quirks: readonly string[]): Promise<void> {
    for (const quirk of quirks) await this.host().admin.addQuirk(`${quirk}@${name}`);
    await this.host().addGuest(name);
  }

  async close(): Promise<void> {
    await this.#closers.close();
  }
}

/** What a world is made of. */
export interface WorldOptions extends WorldHostOptions {
  /** Default 1. */
  readonly hosts?: number;
  /** A cluster that has the CRDs. Default: the embedded API server. */
  readonly kubeconfig?: string;
  /** Called when everything else has ended. */
  readonly onClose?: () => Promise<void>;
}

/** What controller, agents and hosts do is mostly waiting. An API server that is a process of its own does not go with them. */
const speedOf = ({ kubeconfig }: WorldOptions): number => (kubeconfig === undefined ? 4 : 1);

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
    const speed = options.speed ?? speedOf(options);
    const clock = skippingClock(runningClock(speed));
    const metrics = new Registry();
    await startCentral(cluster, clock, metrics, log, closers);
    const hosts = new Map<string, WorldHost>();
    for (let index = 1; index <= (options.hosts ?? 1); index += 1) {
      const name = `xen-${String(index)}`;
      const directory = join(home, name);
      await mkdir(directory);
      const host = new WorldHost(name, directory, cluster, log, { ...options, speed });
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
