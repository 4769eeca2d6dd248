import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startApiServer, type EmbeddedApiServer } from '../../../../operator/embedded/api-server/server.ts';
import { apiClient, type ApiClient } from '../../../support/api-client.ts';

const maps = '/api/v1/namespaces/default/configmaps';

let directory: string;
let server: EmbeddedApiServer;
let api: ApiClient;

async function start(): Promise<void> {
  server = await startApiServer({ kubeconfigPath: join(directory, 'kc') });
  api = apiClient(server.kubeconfigPath);
}

async function stop(): Promise<void> {
  api.close();
  await server.close();
}

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'versions-'));
  await start();
});

afterEach(async () => {
  await stop();
  await rm(directory, { recursive: true, force: true });
});

async function write(method: 'POST' | 'PUT', name: string, value = ''): Promise<string> {
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value } };
  const answer = await api.call(method, method === 'POST' ? maps : `${maps}/${name}`, map);
  return answer.body.metadata.resourceVersion;
}

test('whoever knows a version of a server that lost its memory is sent back to a list', async () => {
  for (let index = 0; index < 20; index++) await write('POST', `old-${String(index)}`);
  const last = await write('POST', 'old');
  await stop();
  await start();
  const stream = await api.watch(`${maps}?watch=1&resourceVersion=${last}`);
  const event = await stream.next();
  expect([event?.type, event?.object.code, event?.object.reason]).toEqual(['ERROR', 410, 'Expired']);
  expect(await stream.next()).toBeUndefined();
  const made = await write('POST', 'new');
  expect(Number(made)).toBeGreaterThan(Number(last));
  const list = await api.call('GET', `${maps}?resourceVersion=${last}`);
  expect(list.body.items.map((item) => item.metadata.name)).toEqual(['new']);
});

test('a version of the future is waited for: what comes before it is not told', async () => {
  const made = Number(await write('POST', 'a'));
  const stream = await api.watch(`${maps}?watch=1&resourceVersion=${String(made + 2)}`);
  for (const value of ['1', '2', '3']) await write('PUT', 'a', value);
  expect((await stream.next())?.object.metadata.resourceVersion).toBe(String(made + 3));
  stream.close();
});

test('a list that should be as new as a version of the future is refused, streamed or not', async () => {
  for (const query of ['', 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&']) {
    const answer = await api.call('GET', `${maps}?${query}resourceVersion=999999999999999`);
    expect([answer.code, answer.body.reason]).toEqual([504, 'Timeout']);
  }
});
