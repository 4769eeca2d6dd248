/**
 * What the Kubernetes client side costs, beside client-node's own: CPU per status write, and memory and CPU of an informer.
 * Each peer in a process of its own, against the same server. Figures and ratios, no verdict.
 *
 *     node test/bench/kube-client.ts [--objects N] [--kubeconfig FILE]
 */
import { execFile } from 'node:child_process';
import { parseArgs, promisify } from 'node:util';
import { configMaps, namespaces } from '../../operator/kube/resources.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { setUpRealKubeApiserver, startRealKubeApiserver } from '../support/real-kube-apiserver.ts';

/** What one peer measured of itself. */
interface Figures {
  readonly importMB: number;
  readonly writeCpuMs: number;
  readonly writesPerSecond: number;
  readonly syncCpuMs: number;
  readonly syncMs: number;
  readonly informerMB: number;
  readonly peakMB: number;
}

const namespace = 'bench-kube-client';
const inFlight = 8;
const peers = ['ours', 'client-node'] as const;

const megabytes = (bytes: number): number => bytes / 1024 / 1024;
const cpuMs = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};
const nameOf = (index: number): string => `object-${String(index).padStart(6, '0')}`;
/** About as large as a StubDomain with its status. */
const dataOf = (index: number, round: string): Record<string, string> => ({
  round,
  text: `${String(index)} `.padEnd(1_500, 'abcdefghij'),
});

/** Runs `act` for 0 … count − 1, so many at a time. */
async function each(count: number, act: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let index = next++; index < count; index = next++) await act(index);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

interface Peer {
  write(index: number, round: string): Promise<unknown>;
  /** Resolves when the first list is in. */
  watch(): Promise<() => Promise<unknown>>;
  close(): Promise<unknown>;
}

async function ours(kubeconfig: string): Promise<Peer> {
  const { createKubeClient } = await import('../../operator/kube/client.ts');
  const { loadClusterConfig } = await import('../../operator/kube/config.ts');
  const { createInformer } = await import('../../operator/kube/informer.ts');
  const client = createKubeClient(await loadClusterConfig({ kubeconfig }));
  return {
    write: (index, round) =>
      client.apply(
        configMaps,
        { metadata: { namespace, name: nameOf(index) }, data: dataOf(index, round) },
        { fieldManager: 'bench' },
      ),
    watch: async () => {
      const informer = createInformer<KubeObject>({ client, type: configMaps, namespace });
      informer.start();
      await informer.synced();
      return () => informer.stop();
    },
    close: () => client.close(),
  };
}

async function clientNode(kubeconfig: string): Promise<Peer> {
  const k8s = await import('@kubernetes/client-node');
  const config = new k8s.KubeConfig();
  config.loadFromFile(kubeconfig);
  const core = config.makeApiClient(k8s.CoreV1Api);
  const serverSideApply = k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.ServerSideApply);
  return {
    write: (index, round) => {
      const name = nameOf(index);
      const body = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: dataOf(index, round) };
      return core.patchNamespacedConfigMap({ namespace, name, body, fieldManager: 'bench' }, serverSideApply);
    },
    watch: async () => {
      const path = `/api/v1/namespaces/${namespace}/configmaps`;
      const list = () => core.listNamespacedConfigMap({ namespace });
      const informer = k8s.makeInformer(config, path, list);
      await informer.start();
      return () => informer.stop();
    },
    close: async () => {},
  };
}

async function measure(name: string, kubeconfig: string, objects: number): Promise<Figures> {
  const before = process.memoryUsage.rss();
  const peer = name === 'ours' ? await ours(kubeconfig) : await clientNode(kubeconfig);
  const importMB = megabytes(process.memoryUsage.rss() - before);
  const writes = Math.min(objects, 500);
  await each(writes, (index) => peer.write(index, `${name} warm`));
  let cpu = process.cpuUsage();
  let began = performance.now();
  await each(writes, (index) => peer.write(index, `${name} measured`));
  const writeCpuMs = cpuMs(cpu) / writes;
  const writesPerSecond = (writes * 1000) / (performance.now() - began);
  globalThis.gc?.();
  const base = process.memoryUsage.rss();
  cpu = process.cpuUsage();
  began = performance.now();
  const stop = await peer.watch();
  const [syncCpuMs, syncMs] = [cpuMs(cpu) / objects, performance.now() - began];
  globalThis.gc?.();
  const informerMB = megabytes(process.memoryUsage.rss() - base);
  const peakMB = process.resourceUsage().maxRSS / 1024;
  await stop();
  await peer.close();
  return { importMB, writeCpuMs, writesPerSecond, syncCpuMs, syncMs, informerMB, peakMB };
}

async function fill(kubeconfig: string, objects: number): Promise<void> {
  const { createKubeClient } = await import('../../operator/kube/client.ts');
  const { loadClusterConfig } = await import('../../operator/kube/config.ts');
  const client = createKubeClient(await loadClusterConfig({ kubeconfig }));
  await client.apply(namespaces, { metadata: { name: namespace } }, { fieldManager: 'bench' });
  const peer = await ours(kubeconfig);
  await each(objects, (index) => peer.write(index, 'first'));
  await peer.close();
  await client.close();
}

function print(results: ReadonlyMap<string, Figures>, objects: number): void {
  const rows: readonly [string, keyof Figures, number][] = [
    ['memory of the client, loaded (MB)', 'importMB', 0],
    ['CPU per write (ms)', 'writeCpuMs', 2],
    [`writes per second, ${String(inFlight)} in flight`, 'writesPerSecond', 0],
    ['CPU per object of the first list (ms)', 'syncCpuMs', 3],
    ['first list (ms)', 'syncMs', 0],
    [`memory of an informer over ${String(objects)} objects (MB)`, 'informerMB', 0],
    ['peak memory of the process (MB)', 'peakMB', 0],
  ];
  const [mine, other] = peers.map((name) => results.get(name));
  if (mine === undefined || other === undefined) return;
  console.log(`${''.padEnd(52)}${'ours'.padStart(10)}${'client-node'.padStart(14)}${'ratio'.padStart(8)}`);
  for (const [label, field, digits] of rows) {
    const ratio = (mine[field] / other[field]).toFixed(2);
    const [a, b] = [mine[field].toFixed(digits), other[field].toFixed(digits)];
    console.log(`${label.padEnd(52)}${a.padStart(10)}${b.padStart(14)}${ratio.padStart(8)}`);
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      objects: { type: 'string', default: '2000' },
      kubeconfig: { type: 'string' },
      peer: { type: 'string' },
    },
  });
  const objects = Number(values.objects);
  if (values.peer !== undefined) {
    console.log(JSON.stringify(await measure(values.peer, values.kubeconfig ?? '', objects)));
    return;
  }
  if (values.kubeconfig === undefined && !(await setUpRealKubeApiserver()).available) return;
  const server = values.kubeconfig === undefined ? await startRealKubeApiserver() : undefined;
  try {
    const kubeconfig = values.kubeconfig ?? server?.kubeconfig ?? '';
    await fill(kubeconfig, objects);
    const results = new Map<string, Figures>();
    for (const peer of peers) {
      const args = [
        '--expose-gc',
        import.meta.filename,
        '--peer',
        peer,
        '--objects',
        values.objects,
        '--kubeconfig',
        kubeconfig,
      ];
      const { stdout } = await promisify(execFile)(process.execPath, args);
      results.set(peer, JSON.parse(stdout) as Figures);
    }
    print(results, objects);
  } finally {
    await server?.stop();
  }
}

await main();
