/** What must hold for any objects and any managers. */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { serverSideApply, trackUpdate } from '../../../../operator/embedded/api-server/apply/apply.ts';
import {
  difference,
  type FieldSet,
  intersection,
  isEmptySet,
  sameSet,
  union,
} from '../../../../operator/embedded/api-server/apply/field-set.ts';

type Json = Record<string, unknown>;

const text = { type: 'string' };
const schema: Json = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        a: text,
        o: { type: 'object', properties: { x: text, y: text } },
        m: { type: 'object', additionalProperties: text },
        s: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
        at: { type: 'array', items: text },
        l: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['n'],
          items: { type: 'object', properties: { n: text, v: text } },
        },
        p: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
};
const value = fc.constantFrom('1', '2', '3');
const word = fc.constantFrom('e', 'f', 'constructor', '__proto__', 'a"b');
const optional = { requiredKeys: [] };
const spec = fc.record(
  {
    a: value,
    o: fc.record({ x: value, y: value }, optional),
    m: fc.dictionary(word, value),
    s: fc.uniqueArray(value),
    at: fc.array(value, { maxLength: 3 }),
    l: fc.uniqueArray(fc.record({ n: value, v: value }, { requiredKeys: ['n'] }), { selector: (item) => item.n }),
    p: fc.dictionary(word, fc.oneof(value, fc.dictionary(word, value))),
  },
  optional,
);
const object = (content: unknown): Json => ({
  apiVersion: 'f.io/v1',
  kind: 'F',
  metadata: { name: 'f' },
  spec: content,
});
const common = { apiVersion: 'f.io/v1', now: '2026-01-01T00:00:00Z', subresource: '', schema } as const;
const apply = (live: Json | undefined, manager: string, content: unknown, force = true) =>
  serverSideApply({ ...common, live, applied: object(content), manager, force });
const ownedBy = (of: Json, manager: string): FieldSet => {
  const entries = ((of['metadata'] as Json)['managedFields'] ?? []) as Json[];
  return (entries.find((entry) => entry['manager'] === manager)?.['fieldsV1'] ?? {}) as FieldSet;
};

test('to apply the same twice changes nothing', () => {
  fc.assert(
    fc.property(spec, spec, (first, second) => {
      const live = apply(apply(undefined, 'a', first).object, 'b', second).object;
      const again = apply(live, 'b', second);
      expect(again.changed).toBe(false);
      expect(again.object).toBe(live);
    }),
  );
});

test('what a manager applied by force is there', () => {
  fc.assert(
    fc.property(spec, spec, (first, second) => {
      const { object: live } = apply(apply(undefined, 'a', first).object, 'b', second);
      // Laid over itself once more, an object that holds all of it does not change.
      expect(apply(live, 'b', second, false).changed).toBe(false);
    }),
  );
});

test('an apply by one manager never takes what only the other owns', () => {
  fc.assert(
    fc.property(spec, spec, spec, (first, mine, then) => {
      const start = apply(apply(undefined, 'a', first).object, 'b', mine).object;
      const before = ownedBy(start, 'b');
      let after: Json;
      try {
        after = apply(start, 'a', then, false).object;
      } catch {
        return; // A conflict changes nothing.
      }
      expect(isEmptySet(difference(before, ownedBy(after, 'b')))).toBe(true);
    }),
  );
});

test('objects that went in are never changed', () => {
  fc.assert(
    fc.property(spec, spec, spec, (first, second, third) => {
      const live = apply(undefined, 'a', first).object;
      const applied = object(second);
      const copies = structuredClone([live, applied]);
      const next = serverSideApply({ ...common, live, applied, manager: 'b', force: true }).object;
      expect([live, applied]).toEqual(copies);
      const copy = structuredClone(next);
      trackUpdate({ ...common, before: next, after: object(third), manager: 'u' });
      expect(next).toEqual(copy);
    }),
  );
});

test('after an update, nobody owns what is gone, and the one who changed something owns it', () => {
  fc.assert(
    fc.property(spec, spec, (first, second) => {
      const live = apply(undefined, 'a', first).object;
      const next = trackUpdate({ ...common, before: live, after: { ...live, spec: second }, manager: 'u' });
      const replayed = apply(undefined, 'x', second).object;
      const there = union(
        ownedBy(replayed, 'x'),
        ownedBy(trackUpdate({ ...common, after: object(second), manager: 'x' }), 'x'),
      );
      for (const manager of ['a', 'u']) expect(isEmptySet(difference(ownedBy(next, manager), there))).toBe(true);
      expect(isEmptySet(intersection(ownedBy(next, 'a'), ownedBy(next, 'u')))).toBe(true);
    }),
  );
});

test('labels with names of JavaScript objects are plain data', () => {
  const live = apply(undefined, 'a', { m: JSON.parse('{"__proto__":"1","constructor":"2"}') as Json }).object;
  const next = apply(live, 'a', { m: { constructor: '2' } }).object;
  expect(Object.keys((next['spec'] as { m: Json }).m)).toEqual(['constructor']);
  expect(({} as Json)['1']).toBeUndefined();
});

const leaf = fc.constant<FieldSet>({});
const { tree } = fc.letrec<{ tree: FieldSet }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    leaf,
    fc.dictionary(fc.constantFrom('f:a', 'f:b', 'k:{"n":"x"}', 'v:1'), tie('tree'), {
      minKeys: 1,
    }),
    fc.dictionary(fc.constantFrom('f:a', 'f:b'), tie('tree'), { minKeys: 1 }).map((node) => ({ '.': {}, ...node })),
  ),
}));
const set = fc.dictionary(fc.constantFrom('f:a', 'f:b', 'f:c'), tree) as fc.Arbitrary<FieldSet>;

test('sets of fields follow the laws of sets', () => {
  fc.assert(
    fc.property(set, set, set, (a, b, c) => {
      expect(sameSet(union(a, b), union(b, a))).toBe(true);
      expect(sameSet(intersection(a, b), intersection(b, a))).toBe(true);
      expect(sameSet(union(difference(a, b), intersection(a, b)), a)).toBe(true);
      expect(isEmptySet(intersection(difference(a, b), b))).toBe(true);
      expect(sameSet(difference(a, union(b, c)), difference(difference(a, b), c))).toBe(true);
    }),
  );
});
