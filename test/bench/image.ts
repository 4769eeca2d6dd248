/**
 * Memory of the two programs in the image, run as the chart runs them: `npm run bench -- image`. It needs root, and builds the
 * image when it must. IMAGE_BENCH_OBJECTS=1000,10000 are the sizes, in objects of both kinds together.
 * 1. The controller, on an API server with so many StubDomains and PciAttachments that are Ready, 100 of each a host.
 * 2. Controller and agent, while one host gets 100 StubDomains and 100 PciAttachments, and when all are Ready.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { leaseNamespace } from '../../operator/api/names.ts';
import { startHost } from '../../operator/embedded/world/host.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { watchConvergence } from '../../operator/embedded/world/convergence.ts';
import { planFleet } from '../../operator/embedded/world/fleet.ts';
import { applyManifests } from '../../operator/embedded/world/objects.ts';
import { startXenstored } from '../../operator/embedded/xenstored/server.ts';
import { createKubeClient } from '../../operator/kube/client.ts';
import { loadClusterConfig } from '../../operator/kube/config.ts';
import { silentLogger } from '../../operator/runtime/ports.ts';
import { apiClient, type ApiClient } from '../support/api-client.ts';
import { setUpImage, startInImage, statusInImage, type BuiltImage } from '../support/image.ts';
import { freePort, mountedAccount } from '../support/pod-surroundings.ts';
import { StubdomProcess } from '../support/stubdom.ts';
import { convergedHost, fill } from './image/objects.ts';

const perHost = 100;
/** The chart's limits of memory. There is no cgroup here: Node.js is told what it would make of them. */
const limitsMiB = { controller: 768, agent: 512 };
const heapShare = 0.65;
const quietMs = 5000;
const sizes = (process.env['IMAGE_BENCH_OBJECTS'] ?? '200,2000,10000,20000').split(',').map(Number);

/** An embedded API server in a process of its own, and what a pod is given to reach it. */
interface Cluster {
  readonly directory: string;
  readonly api: ApiClient;
  readonly kubeconfig: string;
  readonly env: Readonly<Record<string, string>>;
  readonly account: string;
}

async function startCluster(closers: Closers): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'sdimg-'));
  closers.add(() => rm(directory, { recursive: true, force: true }));
  const kubeconfig = join(directory, 'kubeconfig');
  const port = await freePort();
  const server = new StubdomProcess(['embedded', 'api-server', '-k', kubeconfig, '--port', String(port)]);
  closers.add(() => server.stop().then(() => undefined));
  await server.output(/\n/);
  const api = apiClient(kubeconfig);
  closers.add(async () => api.close());
  await mountedAccount(kubeconfig, join(directory, 'account'));
  const metadata = { name: leaseNamespace };
  await api.call('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata });
  return {
    directory,
    api,
    kubeconfig,
    env: { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: String(port) },
    account: `${join(directory, 'account')}:/var/run/secrets/kubernetes.io/serviceaccount:ro`,
  };
}

interface Running {
  readonly pid: number;
  readonly port: number;
}

async function start(
  image: BuiltImage,
  cluster: Cluster,
  closers: Closers,
  [program, ...args]: readonly [keyof typeof limitsMiB, ...string[]],
  options: { readonly user?: string; readonly volumes?: readonly string[] } = {},
): Promise<Running> {
  const port = await freePort();
  const heap = Math.floor(limitsMiB[program] * heapShare);
  const started = startInImage(image, [program, ...args, `--probe-port=${port}`], {
    ...options,
    env: { ...cluster.env, NODE_OPTIONS: `--max-old-space-size=${heap} --max-semi-space-size=8` },
    volumes: [cluster.account, ...(options.volumes ?? [])],
  });
  closers.add(() => started.stop('SIGUSR2').then(() => undefined));
  await started.output(/^(controller|agent) ready/m);
  return { pid: started.child.pid ?? 0, port };
}

/** Waits until its work queues have been empty for some seconds. */
async function settled({ port }: Running): Promise<void> {
  for (let since = performance.now(); performance.now() - since < quietMs;) {
    await sleep(250);
    const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const depths = [...metrics.matchAll(/^workqueue_depth\{.*\} (\d+)/gm)].map(([, depth]) => Number(depth));
    if (depths.some((depth) => depth > 0)) since = performance.now();
  }
}

async function show(what: string, { pid }: Running): Promise<void> {
  const { residentKiB, peakKiB } = await statusInImage(pid);
  const mib = (kib: number): string => `${(kib / 1024).toFixed(0)} MiB`.padStart(9);
  console.log(`${what.padEnd(64)}${mib(residentKiB)} resident${mib(peakKiB)} at most`);
}

async function controllerWith(image: BuiltImage, objects: number): Promise<void> {
  const closers = new Closers();
  try {
    const cluster = await startCluster(closers);
    const hosts = Math.max(1, Math.round(objects / (2 * perHost)));
    await fill(cluster.api, await template, hosts);
    const controller = await start(image, cluster, closers, ['controller', '--leader-elect']);
    await settled(controller);
    await show(`controller, ${hosts * perHost} StubDomains and PciAttachments each on ${hosts} hosts`, controller);
  } finally {
    await closers.close();
  }
}

async function agentAtWork(image: BuiltImage): Promise<void> {
  const closers = new Closers();
  try {
    const cluster = await startCluster(closers);
    const at = (name: string): string => join(cluster.directory, name);
    await mkdir(at('xenstored'));
    await mkdir(at('stubdom'));
    const { hosts, manifests } = planFleet({ hosts: 1, stubDomains: perHost, pciPerDomain: 1, extraGuests: [] });
    const [plan] = hosts;
    if (plan === undefined) throw new Error('a fleet has a host');
    const daemon = await startXenstored({ socketPath: at('xenstored/socket'), guestDir: at('guests') });
    closers.add(() => daemon.close());
    const host = await startHost({
      ...plan,
      xenstoreSocket: daemon.socketPath,
      fabric: { kind: 'embedded', guestDir: daemon.guestDir },
      quirks: [],
      version: 'bench',
      hypervisorSocket: at('stubdom/hypervisor.sock'),
      cluster: undefined,
      logger: silentLogger,
    });
    closers.add(() => host.close());
    const controller = await start(image, cluster, closers, ['controller', '--leader-elect']);
    const sockets = ['--xenstore=/run/xenstored/socket', '--hypervisor=simulated:/run/stubdom/hypervisor.sock'];
    const agent = await start(image, cluster, closers, ['agent', `--name=${plan.name}`, ...sockets], {
      user: '0:0',
      volumes: [`${at('xenstored')}:/run/xenstored:ro`, `${at('stubdom')}:/run/stubdom:ro`],
    });
    await show('agent of a host without stub domains', agent);
    const kube = createKubeClient(await loadClusterConfig({ kubeconfig: cluster.kubeconfig }));
    closers.add(() => kube.close());
    const convergence = watchConvergence(kube, manifests);
    closers.add(() => convergence.close());
    await applyManifests(kube, manifests, { parallel: 16, signal: new AbortController().signal });
    await convergence.allReady;
    await settled(agent);
    await show(`agent, after ${perHost} StubDomains and PciAttachments became Ready`, agent);
    await show('controller, after the same', controller);
  } finally {
    await closers.close();
  }
}

const image = await setUpImage();
const template = image === undefined ? undefined : convergedHost(perHost);
if (image !== undefined) {
  await agentAtWork(image);
  for (const size of sizes) await controllerWith(image, size);
}
