import { describe, expect, test } from '@jest/globals';
import { TreeCache } from '../../../../operator/agent/observe/tree-cache.ts';

const stub = '/local/domain/7';
const state = `${stub}/device-model/5/state`;
const target = '/local/domain/5/vm';
const notes = '/tool/stubdom/6d1f8a44';

/** A tree that counts what it is asked for. `watched`: parts of which changes are told. */
function world(watched: readonly string[]) {
  const tree = new Map<string, string>();
  const asked: string[] = [];
  const time = { now: 0 };
  let before: (() => void) | undefined;
  const reader = {
    tryRead: async (path: string) => {
      asked.push(path);
      const value = tree.get(path);
      before?.();
      return Promise.resolve(value === undefined ? undefined : Buffer.from(value));
    },
    tryList: async (path: string) => {
      asked.push(path);
      const names = [...tree.keys()]
        .filter((key) => key.startsWith(`${path}/`))
        .map((key) => key.slice(path.length + 1));
      return Promise.resolve(names.length === 0 ? undefined : names);
    },
  };
  const cache = new TreeCache(
    reader,
    () => time.now,
    (part) => watched.includes(part),
  );
  const text = async (path: string) => (await cache.view([]).tryRead(path))?.toString();
  return { tree, asked, time, cache, text, onRead: (callback: () => void) => (before = callback) };
}

describe('what is watched', () => {
  test('is asked for once, until something below changes', async () => {
    const { tree, asked, cache, text, time } = world([stub]);
    tree.set(state, 'running');
    expect([await text(state), await text(state)]).toEqual(['running', 'running']);
    time.now = 3_600_000;
    await text(state);
    expect(asked).toEqual([state]);
    tree.set(state, 'paused');
    cache.changed(state);
    expect(await text(state)).toBe('paused');
  });

  test.each([
    ['the domain', stub],
    ['a directory above', `${stub}/device-model`],
    ['everything', '/local/domain'],
  ])('is asked for again when %s changed', async (_, path) => {
    const { tree, cache, text } = world([stub]);
    tree.set(state, 'running');
    await text(state);
    tree.delete(state);
    cache.changed(path);
    expect(await text(state)).toBeUndefined();
  });

  test('is not kept when a change crossed the answer on its way', async () => {
    const { tree, cache, text, asked, onRead } = world([stub]);
    tree.set(state, 'running');
    let crossed = false;
    onRead(() => {
      if (!crossed) cache.changed(state);
      crossed = true;
    });
    await text(state);
    await text(state);
    expect(asked).toEqual([state, state]);
  });

  test('is forgotten with the link', async () => {
    const { cache, text, asked } = world([stub]);
    await text(state);
    cache.clear();
    await text(state);
    expect(asked).toHaveLength(2);
  });

  test('a new node changes the lists above it', async () => {
    const { tree, cache } = world([notes]);
    tree.set(`${notes}/pci/a`, '1');
    expect(await cache.view([]).tryList(`${notes}/pci`)).toEqual(['a']);
    tree.set(`${notes}/pci/b`, '1');
    cache.changed(`${notes}/pci/b`);
    expect(await cache.view([]).tryList(`${notes}/pci`)).toEqual(['a', 'b']);
  });
});

test('what nobody watches is believed for three seconds', async () => {
  const { tree, asked, time, text } = world([]);
  tree.set(target, '/vm/1');
  await text(target);
  time.now = 2999;
  await text(target);
  expect(asked).toHaveLength(1);
  tree.set(target, '/vm/2');
  time.now = 3000;
  expect(await text(target)).toBe('/vm/2');
});

test('a pass that believed something without looking is told when to look again', async () => {
  const { cache, time } = world([stub]);
  const first = cache.view([]);
  await Promise.all([first.tryRead(target), first.tryRead(state)]);
  expect(first.believedUntil).toBeUndefined();
  time.now = 1000;
  const second = cache.view([]);
  await Promise.all([second.tryRead(target), second.tryRead(state)]);
  expect(second.believedUntil).toBe(3000);
});

describe('one pass', () => {
  test('asks for each node once, also for one that nobody watches', async () => {
    const { cache, asked, time } = world([]);
    const view = cache.view([target]);
    time.now = 10_000;
    await Promise.all([view.tryRead(target), view.tryRead(target)]);
    expect(asked).toEqual([target]);
  });

  test('expects what the last one asked for, and no more than that', async () => {
    const { cache } = world([]);
    const view = cache.view([target, state]);
    await view.tryRead(state);
    expect([...view.asked]).toEqual([state]);
  });

  test('sees what it changed itself; the next one looks', async () => {
    const { tree, cache, asked } = world([stub, notes]);
    tree.set(state, 'pci-inserted').set(`${notes}/inflight`, '{}').set(`${notes}/pci/a`, '1');
    const view = cache.view([]);
    await Promise.all([view.tryRead(state), view.tryRead(`${notes}/inflight`), view.tryList(`${notes}/pci`)]);
    view.apply({
      expect: [],
      write: [
        { path: state, value: 'running' },
        { path: `${notes}/pci/b`, value: '2' },
      ],
      remove: [`${notes}/inflight`, `${notes}/pci/a`],
    });
    expect(Buffer.from((await view.tryRead(state)) ?? []).toString()).toBe('running');
    expect(await view.tryRead(`${notes}/inflight`)).toBeUndefined();
    expect(await view.tryList(`${notes}/pci`)).toEqual(['b']);
    const before = asked.length;
    expect((await cache.view([]).tryRead(state))?.toString()).toBe('pci-inserted');
    expect(asked).toHaveLength(before + 1);
  });

  test('a node that was removed and written again is there', async () => {
    const { cache } = world([]);
    const view = cache.view([]);
    view.apply({ expect: [], write: [], remove: [notes] });
    view.apply({ expect: [], write: [{ path: `${notes}/last`, value: 'x' }], remove: [] });
    expect(Buffer.from((await view.tryRead(`${notes}/last`)) ?? []).toString()).toBe('x');
    expect(await view.tryRead(`${notes}/inflight`)).toBeUndefined();
  });
});
