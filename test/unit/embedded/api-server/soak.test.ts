import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startApiServer, type EmbeddedApiServer } from '../../../../operator/embedded/api-server/server.ts';
import {
  apiClient,
  type Answered,
  type ApiAnswer,
  type ApiClient,
  type TestWatch,
} from '../../../support/api-client.ts';
import { projectCrds } from '../../../support/sample-crds.ts';

const path = '/apis/stubdom.io/v1alpha1/namespaces/default/stubdomains';
const uuid = '11111111-2222-3333-4444-555555555555';
const writers = 20;
const writesEach = 150;
const names = Array.from({ length: 50 }, (_, i) => `sd-${String(i)}`);
const hosts = ['h0', 'h1', 'h2'];
const END = 'stubdom.io/the-end';

/** Which objects each watcher follows, and whether an object belongs to them. */
const watchers: readonly { readonly query: string; readonly holds: (object: Answered) => boolean }[] = [
  ...Array.from({ length: 4 }, () => ({ query: '', holds: () => true })),
  ...hosts.map((host) => ({
    query: `fieldSelector=status.nodeName%3D${host}`,
    holds: (object: Answered) => (object as { status?: Answered['status'] }).status?.nodeName === host,
  })),
  { query: 'fieldSelector=metadata.name%3Dsd-7', holds: ({ metadata }) => metadata.name === 'sd-7' },
  {
    query: 'fieldSelector=status.nodeName!%3Dh0',
    holds: (object) => (object as { status?: Answered['status'] }).status?.nodeName !== 'h0',
  },
  { query: 'labelSelector=tier%3Da', holds: ({ metadata }) => metadata.labels?.['tier'] === 'a' },
];

let directory: string;
let server: EmbeddedApiServer;
let api: ApiClient;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'soak-'));
  server = await startApiServer({ kubeconfigPath: join(directory, 'kc'), crds: projectCrds(), historySize: 20_000 });
  api = apiClient(server.kubeconfigPath);
});

afterAll(async () => {
  api.close();
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

/** Numbers that look random and are the same in every run (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * below) | 0;
  };
}

const stubDomain = (name: string, more: object = {}, metadata: object = {}): object => ({
  apiVersion: 'stubdom.io/v1alpha1',
  kind: 'StubDomain',
  metadata: { name, ...metadata },
  ...more,
});
const spec = (memoryMiB: number): object => ({ spec: { target: { uuid }, memoryMiB } });

/** One random write. What came back is the object as it is now, if the write went through. */
async function write(writer: number, turn: number, random: (below: number) => number): Promise<ApiAnswer> {
  const name = names[random(names.length)] ?? '';
  const one = `${path}/${name}`;
  const value = writer * writesEach + turn + 64;
  const merge = { type: 'application/merge-patch+json' };
  const apply = { type: 'application/apply-patch+yaml' };
  const manager = `fieldManager=w${String(writer)}&force=true`;
  switch (random(7)) {
    case 0:
      return api.call('DELETE', one);
    case 1:
      return api.call(
        'PATCH',
        `${one}/status?${manager}`,
        stubDomain(name, { status: { nodeName: hosts[random(3)] } }),
        apply,
      );
    case 2:
      return api.call('PATCH', `${one}/status`, { status: { nodeName: hosts[random(3)], domid: value } }, merge);
    case 3:
      return api.call('PATCH', one, { metadata: { labels: { tier: random(2) === 0 ? 'a' : null } } }, merge);
    case 4: {
      const live = await api.call('GET', one);
      if (live.code !== 200) return live;
      return api.call('PUT', one, { ...live.body, spec: { ...live.body.spec, memoryMiB: value } });
    }
    default:
      return api.call('PATCH', `${one}?${manager}`, stubDomain(name, spec(value), { labels: { tier: 'a' } }), apply);
  }
}

interface Event {
  readonly type: string;
  readonly object: Answered;
  readonly version: number;
}

const versionOf = (object: Answered): number => Number(object.metadata.resourceVersion);

/** Reads a watch up to the event of version `last`. */
async function follow(stream: TestWatch, last: Promise<number>): Promise<Event[]> {
  const events: Event[] = [];
  for (;;) {
    const event = await stream.next();
    if (event === undefined || event.type === 'ERROR') throw new Error(`a watch ended: ${JSON.stringify(event)}`);
    if (event.type === 'BOOKMARK') continue;
    const version = versionOf(event.object);
    events.push({ ...event, version });
    // Only the last writes come close to `last`, and by then it is known.
    if (event.object.metadata.annotations?.[END] !== undefined && version >= (await last)) return events;
  }
}

/** The objects that a watcher knows in the end. Throws if an event does not fit what it knew. */
function replay(events: readonly Event[]): Map<string, Answered> {
  const known = new Map<string, Answered>();
  let latest = 0;
  for (const { type, object, version } of events) {
    const { name } = object.metadata;
    if (version <= latest) throw new Error(`version ${String(version)} came after ${String(latest)}`);
    if (known.has(name) !== (type !== 'ADDED'))
      throw new Error(`${type} of ${name} at ${String(version)} does not fit`);
    if (type === 'DELETED') known.delete(name);
    else known.set(name, object);
    latest = version;
  }
  return known;
}

/** The events that a watcher of some objects must see, when these are all. */
function filtered(events: readonly Event[], holds: (object: Answered) => boolean): string[] {
  const known = new Set<string>();
  const out: string[] = [];
  for (const { type, object, version } of events) {
    const { name } = object.metadata;
    const was = known.has(name);
    const is = type !== 'DELETED' && holds(object);
    if (is) known.add(name);
    else known.delete(name);
    if (is || was) out.push(`${is ? (was ? 'MODIFIED' : 'ADDED') : 'DELETED'} ${name} ${String(version)}`);
  }
  return out;
}

test('watchers of many writers lose nothing, see nothing twice, and end where a list is', async () => {
  const from = (await api.call('GET', path)).body.metadata.resourceVersion;
  const ends = watchers.map(() => Promise.withResolvers<number>());
  const following = await Promise.all(
    watchers.map(async ({ query }, i) => {
      const stream = await api.watch(`${path}?watch=1&allowWatchBookmarks=true&resourceVersion=${from}&${query}`);
      return { events: follow(stream, ends[i]?.promise ?? Promise.reject(new Error('no end'))), stream };
    }),
  );

  const acknowledged = new Set<number>();
  const codes = new Map<number, number>();
  const note = (answer: ApiAnswer): void => {
    codes.set(answer.code, (codes.get(answer.code) ?? 0) + 1);
    if (answer.code < 300 && answer.body.kind === 'StubDomain') acknowledged.add(versionOf(answer.body));
  };
  const work = Array.from({ length: writers }, async (_, writer) => {
    const random = randomFrom(writer + 1);
    for (let turn = 0; turn < writesEach; turn++) note(await write(writer, turn, random));
  });
  await Promise.all(work);

  // Every watcher sees the last object come or go in one of these.
  const force = { type: 'application/apply-patch+yaml' };
  const last = stubDomain('sd-7', spec(1024), { labels: { tier: 'a' }, annotations: { [END]: '' } });
  note(await api.call('PATCH', `${path}/sd-7?fieldManager=last&force=true`, last, force));
  const versions: Record<string, number> = {};
  for (const nodeName of ['h0', 'h1', 'h2']) {
    const merge = { type: 'application/merge-patch+json' };
    const answer = await api.call('PATCH', `${path}/sd-7/status`, { status: { nodeName } }, merge);
    note(answer);
    versions[nodeName] = versionOf(answer.body);
  }
  for (const [i, { query }] of watchers.entries()) {
    const leaves = query.endsWith('nodeName%3Dh0') ? versions['h1'] : versions['h2'];
    ends[i]?.resolve(leaves ?? 0);
  }
  const seen = await Promise.all(following.map(({ events }) => events));
  for (const { stream } of following) stream.close();

  const all = seen[0] ?? [];
  for (const [i, { query, holds }] of watchers.entries()) {
    const events = seen[i] ?? [];
    const told = events.map(({ type, object, version }) => `${type} ${object.metadata.name} ${String(version)}`);
    expect(told).toEqual(filtered(all, holds));
    const list = (await api.call('GET', `${path}?${query}`)).body.items;
    expect(new Map(list.map((object) => [object.metadata.name, object]))).toEqual(replay(events));
  }
  const told = new Set(all.map(({ version }) => version));
  expect([...acknowledged].filter((version) => version > Number(from) && !told.has(version))).toEqual([]);
  const unasked = all.filter(({ type, version }) => type !== 'DELETED' && !acknowledged.has(version));
  expect(unasked).toEqual([]);
  const deletions = all.filter(({ type }) => type === 'DELETED').length;
  expect([deletions > 100, acknowledged.size > 1000, codes.get(500)]).toEqual([true, true, undefined]);
}, 60_000);
