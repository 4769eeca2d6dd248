import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { applyPatch, PatchError } from '../../../../operator/embedded/api-server/patch/patch.ts';

type Json = Record<string, unknown>;
const JSON_PATCH = 'application/json-patch+json';
const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC = 'application/strategic-merge-patch+json';
const patch = (type: string, target: Json, body: unknown, schema?: Json): Json =>
  applyPatch(type, target, body, schema);
const failure = (run: () => unknown): PatchError => {
  try {
    run();
  } catch (error) {
    if (error instanceof PatchError) return error;
    throw error;
  }
  throw new Error('no error');
};

describe('JSON patch', () => {
  test.each<[string, Json, unknown[], Json]>([
    ['add a key', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['add over a key', { a: 1 }, [{ op: 'add', path: '/a', value: 2 }], { a: 2 }],
    ['add into a list', { l: [1, 3] }, [{ op: 'add', path: '/l/1', value: 2 }], { l: [1, 2, 3] }],
    ['add at the end by index', { l: [1] }, [{ op: 'add', path: '/l/1', value: 2 }], { l: [1, 2] }],
    ['add at the end by dash', { l: [1] }, [{ op: 'add', path: '/l/-', value: 2 }], { l: [1, 2] }],
    ['add null', {}, [{ op: 'add', path: '/a', value: null }], { a: null }],
    ['replace the whole', { a: 1 }, [{ op: 'replace', path: '', value: { b: 2 } }], { b: 2 }],
    ['replace what is not there', {}, [{ op: 'replace', path: '/a', value: 1 }], { a: 1 }],
    ['remove a key', { a: 1, b: 2 }, [{ op: 'remove', path: '/a' }], { b: 2 }],
    ['remove from a list', { l: [1, 2, 3] }, [{ op: 'remove', path: '/l/1' }], { l: [1, 3] }],
    ['move', { a: { b: 1 }, c: {} }, [{ op: 'move', from: '/a/b', path: '/c/d' }], { a: {}, c: { d: 1 } }],
    ['copy', { a: { b: [1] } }, [{ op: 'copy', from: '/a', path: '/c' }], { a: { b: [1] }, c: { b: [1] } }],
    ['copy what is not there', { a: 1 }, [{ op: 'copy', from: '/x', path: '/b' }], { a: 1, b: null }],
    [
      'escapes',
      { 'a/b': 1, 'm~n': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'test', path: '/m~0n', value: 2 },
      ],
      { 'm~n': 2 },
    ],
    ['an empty key', { '': 1 }, [{ op: 'replace', path: '/', value: 2 }], { '': 2 }],
    [
      'test of a deep value',
      { a: { b: 1, c: [2] } },
      [{ op: 'test', path: '/a', value: { c: [2], b: 1 } }],
      { a: { b: 1, c: [2] } },
    ],
    ['test of null where nothing is', { a: 1 }, [{ op: 'test', path: '/b', value: null }], { a: 1 }],
    [
      'one operation after the other',
      {},
      [
        { op: 'add', path: '/a', value: {} },
        { op: 'add', path: '/a/b', value: 1 },
      ],
      { a: { b: 1 } },
    ],
  ])('%s', (_, target, operations, expected) => {
    const before = structuredClone(target);
    expect(patch(JSON_PATCH, target, operations)).toEqual(expected);
    expect(target).toEqual(before);
  });

  test.each<[string, unknown, number]>([
    ['a test that fails', [{ op: 'test', path: '/a', value: 2 }], 422],
    ['remove what is not there', [{ op: 'remove', path: '/x' }], 422],
    ['a parent that is not there', [{ op: 'add', path: '/x/y', value: 1 }], 422],
    ['a step into a scalar', [{ op: 'add', path: '/a/b', value: 1 }], 422],
    ['an index behind the end', [{ op: 'add', path: '/l/9', value: 1 }], 422],
    ['an index that is none', [{ op: 'replace', path: '/l/x', value: 1 }], 422],
    ['an index with a zero in front', [{ op: 'replace', path: '/l/01', value: 1 }], 422],
    ['a path without a slash', [{ op: 'add', path: 'a', value: 1 }], 422],
    ['an operation that is not known', [{ op: 'frob', path: '/a' }], 422],
    ['no path', [{ op: 'remove' }], 422],
    ['add without a value', [{ op: 'add', path: '/b' }], 422],
    ['move without from', [{ op: 'move', path: '/b' }], 422],
    ['move into itself', [{ op: 'move', from: '/o', path: '/o/x' }], 422],
    ['a whole that is no object', [{ op: 'replace', path: '', value: [] }], 422],
    ['what is no list', { op: 'add', path: '/b', value: 1 }, 400],
    ['an operation that is no object', ['add'], 400],
    ['more operations than allowed', Array.from({ length: 10_001 }, () => ({ op: 'test', path: '/a', value: 1 })), 422],
    ['a path that is too deep', [{ op: 'test', path: '/a'.repeat(1000), value: 1 }], 422],
  ])('%s is refused', (_, operations, status) => {
    const target = { a: 1, l: [1], o: {} };
    expect(failure(() => patch(JSON_PATCH, target, operations)).status).toBe(status);
    expect(target).toEqual({ a: 1, l: [1], o: {} });
  });

  test('copies of copies do not fill the memory', () => {
    const doubling = Array.from({ length: 60 }, () => ({ op: 'copy', from: '/a', path: '/a/-' }));
    expect(failure(() => patch(JSON_PATCH, { a: ['x'.repeat(100)] }, doubling)).message).toContain('too large');
  });

  test('a prototype cannot be reached', () => {
    const out = patch(JSON_PATCH, {}, [{ op: 'add', path: '/__proto__', value: { polluted: true } }]);
    expect(({} as Json)['polluted']).toBeUndefined();
    expect(Object.getPrototypeOf(out)).toBe(Object.prototype);
    expect(
      failure(() => patch(JSON_PATCH, {}, [{ op: 'add', path: '/constructor/prototype/x', value: 1 }])).status,
    ).toBe(422);
  });
});

describe('merge patch', () => {
  // The table of RFC 7386, appendix A, as far as targets are objects.
  test.each<[Json, unknown, unknown]>([
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ])('%j and %j', (target, body, expected) => {
    expect(patch(MERGE_PATCH, target, body)).toEqual(expected);
  });

  test.each([[[]], ['x'], [null], [1]])('%j is no merge patch', (body) => {
    expect(failure(() => patch(MERGE_PATCH, {}, body)).status).toBe(400);
  });

  test('one that is too deep is refused', () => {
    let body: unknown = 1;
    for (let i = 0; i < 5000; i++) body = { a: body };
    expect(failure(() => patch(MERGE_PATCH, {}, body)).status).toBe(400);
  });

  test('a prototype cannot be reached', () => {
    patch(MERGE_PATCH, {}, JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'));
    expect(({} as Json)['polluted']).toBeUndefined();
  });

  const json = fc.object({
    maxDepth: 3,
    key: fc.constantFrom('a', 'b', 'c'),
    values: [fc.integer(), fc.string(), fc.constant(null)],
  });
  test('to patch twice is to patch once, and the target stays as it is', () => {
    fc.assert(
      fc.property(json, json, (target, body) => {
        const copy = structuredClone(target);
        const once = patch(MERGE_PATCH, target, body);
        expect(patch(MERGE_PATCH, once, body)).toEqual(once);
        expect(target).toEqual(copy);
      }),
    );
  });

  /** The merge patch that makes `after` of `before`. */
  const diff = (before: Json, after: Json): Json => {
    const out: Json = {};
    for (const key of Object.keys(before)) if (!Object.hasOwn(after, key)) out[key] = null;
    for (const [key, value] of Object.entries(after)) {
      const old = before[key];
      const objects = [old, value].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
      out[key] = objects ? diff(old as Json, value as Json) : value;
    }
    return out;
  };
  const plain = fc.object({ maxDepth: 3, key: fc.constantFrom('a', 'b', 'c'), values: [fc.integer(), fc.string()] });
  test('the difference of two objects, merged into the first, gives the second', () => {
    fc.assert(
      fc.property(plain, plain, (before, after) => {
        expect(patch(MERGE_PATCH, before as Json, diff(before as Json, after as Json))).toEqual(after);
      }),
    );
  });
});

describe('strategic merge patch', () => {
  const schema: Json = {
    type: 'object',
    properties: {
      data: { type: 'object', additionalProperties: { type: 'string' } },
      names: { type: 'array', items: { type: 'string' }, 'x-kubernetes-patch-strategy': 'merge' },
      plain: { type: 'array', items: { type: 'string' } },
      items: {
        type: 'array',
        'x-kubernetes-patch-strategy': 'merge',
        'x-kubernetes-patch-merge-key': 'name',
        items: { type: 'object', properties: { name: { type: 'string' }, value: { type: 'string' } } },
      },
    },
  };
  const item = (name: string, value: string): Json => ({ name, value });
  test.each<[string, Json, Json, Json]>([
    ['maps are merged', { data: { a: '1', b: '2' } }, { data: { a: null, c: '3' } }, { data: { b: '2', c: '3' } }],
    ['a list without a strategy is replaced', { plain: ['a'] }, { plain: ['b'] }, { plain: ['b'] }],
    ['a list of scalars is a set, new ones first', { names: ['a', 'b'] }, { names: ['c'] }, { names: ['c', 'a', 'b'] }],
    ['scalars are taken away', { names: ['a', 'b'] }, { '$deleteFromPrimitiveList/names': ['a'] }, { names: ['b'] }],
    [
      'items are merged by key',
      { items: [item('a', '1'), item('b', '2')] },
      { items: [{ name: 'b', value: '3' }] },
      { items: [item('a', '1'), item('b', '3')] },
    ],
    [
      'an item is deleted',
      { items: [item('a', '1'), item('b', '2')] },
      { items: [{ name: 'a', $patch: 'delete' }] },
      { items: [item('b', '2')] },
    ],
    [
      'a list is replaced',
      { items: [item('a', '1')] },
      { items: [{ $patch: 'replace' }, item('z', '9')] },
      { items: [item('z', '9')] },
    ],
    ['a map is replaced', { data: { a: '1' } }, { data: { $patch: 'replace', b: '2' } }, { data: { b: '2' } }],
    [
      'keys are retained',
      { data: { a: '1', b: '2' } },
      { data: { $retainKeys: ['a', 'c'], c: '3' } },
      { data: { a: '1', c: '3' } },
    ],
    [
      'an order is set',
      { items: [item('a', '1'), item('b', '2')] },
      { '$setElementOrder/items': [{ name: 'b' }, { name: 'a' }] },
      { items: [item('b', '2'), item('a', '1')] },
    ],
  ])('%s', (_, target, body, expected) => {
    expect(patch(STRATEGIC, target, body, schema)).toEqual(expected);
  });

  test.each<[string, Json]>([
    ['a directive that is not known', { $frob: 1 }],
    ['a patch type that is not known', { data: { $patch: 'frob' } }],
    ['an item without its key', { items: [{ value: '1' }] }],
  ])('%s is refused', (_, body) => {
    expect(failure(() => patch(STRATEGIC, {}, body, schema)).status).toBe(400);
  });

  test('it is for built-in kinds alone', () => {
    expect(failure(() => patch(STRATEGIC, {}, {})).status).toBe(415);
  });
});

test('other types are refused, with those that are known', () => {
  const error = failure(() => patch('application/json', {}, {}));
  expect(error.status).toBe(415);
  expect(error.message).toBe(
    'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  );
});
