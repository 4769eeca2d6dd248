import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { apiClient, type ApiClient } from '../../../support/api-client.ts';
import { outputMatching } from '../../../support/kubectl.ts';

const script = join(import.meta.dirname, '../../../support/run-api-server.ts');
const maps = '/api/v1/namespaces/default/configmaps';

let directory: string;
let processes: ChildProcess[] = [];
let clients: ApiClient[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'durable-'));
});

afterEach(async () => {
  for (const client of clients) client.close();
  for (const child of processes) await kill(child);
  processes = [];
  clients = [];
  await rm(directory, { recursive: true, force: true });
});

interface Running {
  readonly child: ChildProcess;
  readonly api: ApiClient;
  readonly port: string;
}

/** Starts a server process; gives back what it printed, and a client if it is ready. */
async function launch(port = '0'): Promise<{ child: ChildProcess; printed: string }> {
  const kubeconfig = join(directory, 'kc');
  const args = [script, kubeconfig, join(directory, 'data'), port];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  processes.push(child);
  return { child, printed: await outputMatching(child.stdout, /\n/) };
}

async function start(port?: string): Promise<Running> {
  const { child, printed } = await launch(port);
  expect(printed).toMatch(/^ready \d+\n$/);
  const api = apiClient(join(directory, 'kc'));
  clients.push(api);
  return { child, api, port: printed.trim().split(' ')[1] ?? '' };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

const map = (name: string): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { name } });

test('SIGKILL in the middle of writes loses none that was acknowledged, and brings back none that was deleted', async () => {
  const first = await start();
  const acknowledged = new Map<string, number>();
  const deleted = new Set<string>();
  const asked = new Set<string>();
  let dead = false;
  const writer = async (id: number): Promise<void> => {
    for (let index = 0; !dead; index++) {
      const name = `c-${String(id)}-${String(index)}`;
      asked.add(name);
      const made = await first.api.call('POST', maps, map(name));
      acknowledged.set(name, Number(made.body.metadata.resourceVersion));
      if (acknowledged.size === 300) void kill(first.child);
      if (index % 5 !== 4) continue;
      asked.delete(name);
      await first.api.call('DELETE', `${maps}/${name}`);
      deleted.add(name);
    }
  };
  const writers = Array.from({ length: 8 }, (_, id) =>
    writer(id).catch(() => {
      dead = true;
    }),
  );
  await Promise.all(writers);
  await kill(first.child);
  const highest = Math.max(...acknowledged.values());

  const second = await start();
  const list = await second.api.call('GET', maps);
  const names = new Set(list.body.items.map((item) => item.metadata.name));
  expect([...acknowledged.keys()].filter((name) => asked.has(name) && !names.has(name))).toEqual([]);
  expect([...deleted].filter((name) => names.has(name))).toEqual([]);
  expect(Number(list.body.metadata.resourceVersion)).toBeGreaterThanOrEqual(highest);
  const next = await second.api.call('POST', maps, map('next'));
  expect(Number(next.body.metadata.resourceVersion)).toBeGreaterThan(highest);
});

test('definitions, tokens and watches survive a restart on the same port', async () => {
  const first = await start();
  const hosts = '/apis/stubdom.io/v1alpha1/xenhosts';
  const host = { apiVersion: 'stubdom.io/v1alpha1', kind: 'XenHost', metadata: { name: 'h1' }, spec: {} };
  const made = await first.api.call('POST', hosts, host);
  expect(made.code).toBe(201);
  await first.api.call('POST', hosts, { ...host, metadata: { name: 'h2' } });
  await kill(first.child);
  await start(first.port);
  // The client of the first process still has its token and certificate authority.
  const stream = await first.api.watch(`${hosts}?watch=1&resourceVersion=${made.body.metadata.resourceVersion}`);
  expect((await stream.next())?.object.metadata.name).toBe('h2');
  const same = await first.api.call('GET', `${hosts}/h1`);
  expect(same.body.metadata.uid).toBe(made.body.metadata.uid);
});

test('a second process on the same data is refused while the first lives', async () => {
  const first = await start();
  const second = await launch();
  expect(second.printed).toBe('failed EDATALOCKED\n');
  expect((await first.api.call('GET', maps)).code).toBe(200);
});
