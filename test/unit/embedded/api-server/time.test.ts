import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { startApiServer, type EmbeddedApiServer } from '../../../../operator/embedded/api-server/server.ts';
import { apiClient, type ApiClient } from '../../../support/api-client.ts';
import { manualClock, type ManualClock } from '../../../support/manual-clock.ts';

const events = '/api/v1/namespaces/default/events';
const maps = '/api/v1/namespaces/default/configmaps';

let directory: string;
let clock: ManualClock;
let server: EmbeddedApiServer;
let api: ApiClient;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'api-time-'));
  clock = manualClock();
  server = await startApiServer({ kubeconfigPath: join(directory, 'kc'), clock });
  api = apiClient(server.kubeconfigPath);
});

afterEach(async () => {
  api.close();
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

test('Events are forgotten an hour after they were last seen', async () => {
  const event = (name: string): object => ({
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name },
    involvedObject: { kind: 'ConfigMap', namespace: 'default', name: 'c' },
    reason: 'R',
  });
  const made = await api.call('POST', events, event('old'));
  clock.advance(1_800_000);
  await api.call('POST', events, event('young'));
  const stream = await api.watch(
    `${events}?watch=1&timeoutSeconds=36000&resourceVersion=${made.body.metadata.resourceVersion}`,
  );
  expect((await stream.next())?.object.metadata.name).toBe('young');
  clock.advance(2_100_000);
  const gone = await stream.next();
  expect([gone?.type, gone?.object.metadata.name]).toEqual(['DELETED', 'old']);
  expect((await api.call('GET', events)).body.items.map((item) => item.metadata.name)).toEqual(['young']);
});

test('a quiet watch that asked for bookmarks gets one a minute, with the version of what other kinds wrote', async () => {
  const stream = await api.watch(`${maps}?watch=1&allowWatchBookmarks=true&timeoutSeconds=3600`);
  const made = await api.call('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'n' },
  });
  clock.advance(70_000);
  const mark = await stream.next();
  expect(mark?.type).toBe('BOOKMARK');
  expect(mark?.object.metadata.resourceVersion).toBe(made.body.metadata.resourceVersion);
  clock.advance(60_000);
  expect((await stream.next())?.type).toBe('BOOKMARK');
  clock.advance(3_600_000);
  let last = await stream.next();
  while (last !== undefined) {
    expect(last.type).toBe('BOOKMARK');
    last = await stream.next();
  }
});
