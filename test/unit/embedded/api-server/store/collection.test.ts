import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { ObjectStore } from '../../../../../operator/embedded/api-server/store/store.ts';

const thing = (namespace: string, name: string, node = ''): Record<string, unknown> => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, ...(namespace === '' ? {} : { namespace }), uid: `uid-${namespace}-${name}` },
  status: { nodeName: node },
});

test('lists are in key order, whatever the order of writes, and namespaces with a common start are kept apart', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'a-b', 'ab', 'b'), fc.constantFrom('x', 'x-y', 'z', '0'), fc.boolean())),
      (steps) => {
        const store = new ObjectStore();
        const model = new Map<string, string>();
        for (const [namespace, name, remove] of steps) {
          const key = `${namespace}/${name}`;
          if (remove && model.has(key)) {
            store.remove('things', thing(namespace, name));
            model.delete(key);
          } else if (!remove) {
            store.put('things', thing(namespace, name));
            model.set(key, namespace);
          }
        }
        const collection = store.collection('things');
        expect(collection.list().map((object) => object.key)).toEqual([...model.keys()].sort());
        for (const namespace of ['a', 'a-b', 'ab', 'b']) {
          const expected = [...model].filter(([, space]) => space === namespace).map(([key]) => key);
          expect(collection.list(namespace).map((object) => object.key)).toEqual(expected.sort());
        }
      },
    ),
  );
});

test('the history reaches back as far as it says, and not further', () => {
  const store = new ObjectStore({ historySize: 10 });
  const start = store.revision;
  const versions = Array.from(
    { length: 100 },
    (_, index) => store.put('things', thing('', `n${String(index)}`)).resourceVersion,
  );
  const collection = store.collection('things');
  expect(collection.since(start)).toBeUndefined();
  expect(collection.since(collection.compacted - 1)).toBeUndefined();
  const later = collection.since(collection.compacted) ?? [];
  expect(later.length).toBeGreaterThanOrEqual(10);
  expect(later.map((event) => event.resourceVersion)).toEqual(versions.slice(-later.length));
  expect(collection.since(store.revision)).toEqual([]);
});

test('a kind without changes can be watched from any version of others', () => {
  const store = new ObjectStore({ historySize: 10 });
  for (let index = 0; index < 100; index++) store.put('things', thing('', `n${String(index)}`));
  expect(store.collection('others').since(5)).toEqual([]);
});

test('a listener with a filter hears of objects that come to its value and leave it, and of no others', () => {
  const store = new ObjectStore();
  store.define('things', ['status.nodeName']);
  const heard: string[] = [];
  const stop = store
    .collection('things')
    .listen((event) => heard.push(event.after?.name ?? event.removed?.name ?? ''), {
      field: 'status.nodeName',
      value: 'n1',
    });
  store.put('things', thing('', 'other', 'n2'));
  store.put('things', thing('', 'a', 'n1'));
  store.put('things', thing('', 'a', 'n2'));
  store.put('things', thing('', 'a', 'n3'));
  store.put('things', thing('', 'b', 'n1'));
  store.remove('things', thing('', 'b', 'n1'));
  stop();
  store.put('things', thing('', 'c', 'n1'));
  expect(heard).toEqual(['a', 'a', 'b', 'b']);
});

test('objects are indexed anew when other fields become selectable', () => {
  const store = new ObjectStore();
  store.put('things', thing('', 'a', 'n1'));
  expect(store.collection('things').get('a')?.fields['status.nodeName']).toBeUndefined();
  store.define('things', ['status.nodeName']);
  expect(store.collection('things').get('a')?.fields['status.nodeName']).toBe('n1');
});

test('the index of a field holds exactly the objects with the value, in key order', () => {
  const step = fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('n1', 'n2', 'n3'), fc.boolean());
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const store = new ObjectStore();
      store.define('things', ['status.nodeName']);
      const collection = store.collection('things');
      for (const [name, node, remove] of steps) {
        if (!remove) store.put('things', thing('', name, node));
        else if (collection.get(name) !== undefined) store.remove('things', thing('', name, node));
        for (const value of ['n1', 'n2', 'n3']) {
          const expected = collection.list().filter((object) => object.fields['status.nodeName'] === value);
          expect(collection.withField({ field: 'status.nodeName', value })).toEqual(expected);
        }
      }
    }),
  );
});

test('many writes between two reads are merged into the order', () => {
  const store = new ObjectStore();
  const collection = store.collection('things');
  const names = Array.from({ length: 300 }, (_, index) => `n${String((index * 7919) % 1000)}`);
  const expected = new Set<string>();
  for (const [index, name] of names.entries()) {
    store.put('things', thing('', name));
    expected.add(name);
    if (index % 3 === 0) {
      store.remove('things', thing('', name));
      expected.delete(name);
    }
    if (index % 100 === 99) expect(collection.list().map((object) => object.name)).toEqual([...expected].sort());
  }
});
