import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { takeDataLock } from '../../../../../operator/embedded/api-server/store/data-lock.ts';
import { openJournal, type Journal } from '../../../../../operator/embedded/api-server/store/journal.ts';
import { decodeRecord, encodeRecord } from '../../../../../operator/embedded/api-server/store/record.ts';
import { ObjectStore } from '../../../../../operator/embedded/api-server/store/store.ts';
import { makeZombie } from '../../../../support/zombie.ts';

let directory: string;
let opened: Journal[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'journal-'));
});

afterEach(async () => {
  for (const journal of opened) await journal.close().catch(() => undefined);
  opened = [];
  await rm(directory, { recursive: true, force: true });
});

async function open(): Promise<{ store: ObjectStore; journal: Journal }> {
  const store = new ObjectStore();
  store.define('things', []);
  const journal = await openJournal(directory, store);
  opened.push(journal);
  store.attach(journal);
  return { store, journal };
}

async function reopen(journal: Journal): Promise<{ store: ObjectStore; journal: Journal }> {
  await journal.close();
  opened = opened.filter((other) => other !== journal);
  return open();
}

const thing = (name: string, data = ''): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, namespace: 'default', uid: `uid-${name}` },
  data,
});

const names = (store: ObjectStore): string[] =>
  store
    .collection('things')
    .list()
    .map((object) => object.name);

async function currentFile(): Promise<string> {
  const files = (await readdir(directory)).filter((name) => name.startsWith('journal-')).sort();
  return join(directory, files.at(-1) ?? '');
}

test('a record survives encoding, and no changed byte goes unnoticed', () => {
  const record = { resourceVersion: 7, collection: 'things.example.com', removed: false, object: '{"a":"b c"}' };
  const line = encodeRecord(record).slice(0, -1);
  expect(decodeRecord(line)).toEqual(record);
  for (let at = 0; at < line.length; at++) {
    const changed = line.slice(0, at) + String.fromCharCode(line.charCodeAt(at) ^ 1) + line.slice(at + 1);
    expect(decodeRecord(changed)).toBeUndefined();
    expect(decodeRecord(line.slice(0, at))).toBeUndefined();
  }
});

test('what was written is there after a restart, with resource versions that go on', async () => {
  const first = await open();
  first.store.put('things', thing('a'));
  first.store.put('things', thing('b'));
  first.store.put('things', thing('a', 'changed'));
  first.store.remove('things', thing('b'));
  await first.store.durable();
  const revision = first.store.revision;
  const second = await reopen(first.journal);
  expect(names(second.store)).toEqual(['a']);
  expect(second.store.revision).toBe(revision);
  expect(JSON.parse(second.store.collection('things').get('default/a')?.json ?? '')).toMatchObject({ data: 'changed' });
  expect(second.store.put('things', thing('c')).resourceVersion).toBe(revision + 1);
});

test('watches can start in the time before the restart', async () => {
  const first = await open();
  const before = first.store.put('things', thing('a')).resourceVersion;
  first.store.put('things', thing('b'));
  first.store.remove('things', thing('a'));
  const second = await reopen(first.journal);
  const events = second.store.collection('things').since(before) ?? [];
  expect(events.map((event) => [event.after?.name, event.removed?.name])).toEqual([
    ['b', undefined],
    [undefined, 'a'],
  ]);
});

test('watchers hear of a write only when it is durable', async () => {
  const { store } = await open();
  const heard: number[] = [];
  store.collection('things').listen((event) => heard.push(event.resourceVersion));
  const version = store.put('things', thing('a')).resourceVersion;
  expect(heard).toEqual([]);
  expect(store.publishedRevision).toBe(version - 1);
  await store.durable();
  expect(heard).toEqual([version]);
  expect(await readFile(await currentFile(), 'utf8')).toContain('"name":"a"');
});

test.each([1, 5, 9, 40])('a record torn %i bytes before its end is cut off', async (bytes) => {
  const { store, journal } = await open();
  store.put('things', thing('kept'));
  await store.durable();
  const size = (await readFile(await currentFile())).length;
  store.put('things', thing('torn'));
  await journal.close();
  opened = [];
  const path = await currentFile();
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, whole.length - bytes));
  const second = await open();
  expect(names(second.store)).toEqual(['kept']);
  expect((await readFile(path)).length).toBe(size);
  second.store.put('things', thing('next'));
  const third = await reopen(second.journal);
  expect(names(third.store)).toEqual(['kept', 'next']);
});

test('damage before the end is an error that names the file', async () => {
  const { store, journal } = await open();
  store.put('things', thing('a'));
  store.put('things', thing('b'));
  await journal.close();
  opened = [];
  const path = await currentFile();
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace('"name":"a"', '"name":"x"'));
  await expect(open()).rejects.toMatchObject({ code: 'EDATACORRUPT', message: expect.stringContaining(path) });
});

test('a snapshot replaces older files, and loses nothing that was written meanwhile', async () => {
  const { store, journal } = await open();
  for (let index = 0; index < 500; index++) store.put('things', thing(`n${String(index).padStart(3, '0')}`));
  const snapshot = journal.snapshot(store.revision, store.records());
  for (let index = 0; index < 500; index++) store.put('things', thing(`m${String(index).padStart(3, '0')}`));
  await snapshot;
  store.remove('things', thing('n000'));
  await store.durable();
  const revision = store.revision;
  const files = (await readdir(directory)).sort();
  expect(files).toEqual([expect.stringMatching(/^journal-/), expect.stringMatching(/^snapshot-/)]);
  const second = await reopen(journal);
  expect(second.store.collection('things').size).toBe(999);
  expect(second.store.revision).toBe(revision);
  expect(second.store.collection('things').since(1)).toBeUndefined();
});

test('a half-written snapshot is ignored', async () => {
  const { store, journal } = await open();
  store.put('things', thing('a'));
  await store.durable();
  await appendFile(join(directory, 'snapshot-0000000000009999.jsonl.tmp'), 'half');
  const second = await reopen(journal);
  expect(names(second.store)).toEqual(['a']);
});

test('a data directory is locked against a second process, and taken over from a dead one', async () => {
  const lock = await takeDataLock(directory);
  await expect(takeDataLock(directory)).rejects.toMatchObject({
    code: 'EDATALOCKED',
    message: expect.stringContaining(`process ${String(process.pid)}`),
  });
  await lock.release();
  await writeFile(join(directory, 'lock'), '999999999 12345\n');
  const second = await takeDataLock(directory);
  await second.release();
  await writeFile(join(directory, 'lock'), `${String(process.pid)} 1\n`);
  const third = await takeDataLock(directory);
  await third.release();
  expect(await readdir(directory)).toEqual([]);
});

test('a data directory is taken over from a killed process that its parent has not waited for', async () => {
  const { pid, startTicks, end } = await makeZombie();
  try {
    await writeFile(join(directory, 'lock'), `${String(pid)} ${startTicks}\n`);
    await (await takeDataLock(directory)).release();
    expect(await readdir(directory)).toEqual([]);
  } finally {
    await end();
  }
});
