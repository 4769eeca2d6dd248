import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { duplicateFields } from '../../../../../operator/embedded/api-server/http/duplicate-fields.ts';
import {
  firstAccepted,
  negotiate,
  wantsAggregatedDiscovery,
} from '../../../../../operator/embedded/api-server/http/negotiation.ts';
import { decodeProtobuf } from '../../../../../operator/embedded/api-server/http/protobuf.ts';
import { parseJson, parseYaml } from '../../../../../operator/embedded/api-server/http/read-body.ts';
import { parseTarget } from '../../../../../operator/embedded/api-server/http/request-target.ts';

describe('paths', () => {
  test.each([
    [
      '/api/v1/namespaces',
      { group: '', version: 'v1', namespace: '', plural: 'namespaces', name: '', subresource: '' },
    ],
    ['/api/v1/namespaces/a', { plural: 'namespaces', name: 'a', namespace: '' }],
    ['/api/v1/namespaces/a/status', { plural: 'namespaces', name: 'a', subresource: 'status', namespace: '' }],
    ['/api/v1/namespaces/a/events', { plural: 'events', namespace: 'a', name: '' }],
    [
      '/apis/g/v1/namespaces/a/things/b/status',
      { group: 'g', plural: 'things', namespace: 'a', name: 'b', subresource: 'status' },
    ],
    ['/apis/g/v1/things/b', { group: 'g', plural: 'things', namespace: '', name: 'b' }],
  ])('%s', (path, expected) => {
    expect(parseTarget(path)).toMatchObject(expected);
  });

  test.each([
    '/',
    '/foo',
    '/api',
    '/api/v1',
    '/apis/g/v1',
    '/apis/g/v1/t/n/s/x',
    '/apis/g//t',
    '/apis/g/v1/%zz',
    '/api/v1/a%00',
  ])('%s names no resource', (path) => {
    expect(parseTarget(path)).toBeUndefined();
  });
});

describe('Accept', () => {
  test.each([
    [undefined, { kind: 'object' }],
    ['application/json', { kind: 'object' }],
    ['application/vnd.kubernetes.protobuf,application/json', { kind: 'object' }],
    ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', { kind: 'table', version: 'v1' }],
    [
      'application/json;as=Table;v=v9;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io',
      { kind: 'table', version: 'v1beta1' },
    ],
    ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', { kind: 'metadata', version: 'v1' }],
    ['application/json;q=0.1,application/json;as=Table;v=v1;g=meta.k8s.io', { kind: 'table', version: 'v1' }],
    ['*/*,application/json;as=Table;v=v1;g=meta.k8s.io', { kind: 'table', version: 'v1' }],
    ['text/html,*/*;q=0.5', { kind: 'object' }],
  ])('%s', (accept, form) => {
    expect(negotiate(accept)).toEqual(form);
  });

  test.each(['text/html', 'application/vnd.kubernetes.protobuf', 'application/json;as=Cake;v=v1;g=meta.k8s.io'])(
    '%s alone cannot be had',
    (accept) => {
      expect(() => negotiate(accept)).toThrow(expect.objectContaining({ code: 406, reason: 'NotAcceptable' }));
    },
  );

  test('the first of what is offered, by quality and then by how exact the range is', () => {
    const offered = { 'a/one': 1, 'a/two': 2, '*/*': 0 };
    expect(firstAccepted('*/*, a/one;q=0.5, a/two', offered)).toBe(2);
    expect(firstAccepted('b/x, a/one', offered)).toBe(1);
    expect(firstAccepted('b/x', offered)).toBeUndefined();
    expect(firstAccepted('', offered)).toBe(0);
    expect(firstAccepted(undefined, offered)).toBe(0);
    expect(firstAccepted('constructor', offered)).toBeUndefined();
  });

  test('aggregated discovery is for those who ask', () => {
    expect(wantsAggregatedDiscovery('application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList')).toBe(true);
    expect(
      wantsAggregatedDiscovery(
        'application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json',
      ),
    ).toBe(false);
    expect(wantsAggregatedDiscovery('application/json')).toBe(false);
  });
});

describe('bodies', () => {
  test.each([
    ['{"a":1,"a":2}', ['a']],
    ['{"a":{"b":1,"b":2,"c":{"b":1}}}', ['a.b']],
    ['{"l":[{"x":1},{"x":1,"x":2}]}', ['l[1].x']],
    ['{"a":"a","b":"\\"a\\":","a\\u0062":1,"ab":2}', ['ab']],
    ['{"a":["a","a"],"b":{"a":1}}', []],
  ])('keys that occur twice in %s', (text, paths) => {
    expect(duplicateFields(text)).toEqual(paths);
  });

  test('no key of an object that JSON.stringify wrote occurs twice', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(duplicateFields(JSON.stringify(value))).toEqual([]);
      }),
    );
  });

  test('YAML: times stay strings, aliases are written out', () => {
    expect(parseYaml('a: &x {t: 2026-01-01T00:00:00Z}\nb: *x\n').object).toEqual({
      a: { t: '2026-01-01T00:00:00Z' },
      b: { t: '2026-01-01T00:00:00Z' },
    });
  });

  test('YAML that would grow without bounds is refused', () => {
    const lines = ['a0: &a0 [x,x,x,x,x,x,x,x,x]'];
    for (let level = 1; level < 10; level++) {
      lines.push(
        `a${String(level)}: &a${String(level)} [${Array(9)
          .fill(`*a${String(level - 1)}`)
          .join(',')}]`,
      );
    }
    expect(() => parseYaml(lines.join('\n'))).toThrow(expect.objectContaining({ code: 400 }));
    expect(() => parseYaml('a: &a [*a]')).toThrow(expect.objectContaining({ code: 400 }));
  });

  test('JSON that nests too deeply is refused', () => {
    expect(() => parseJson('['.repeat(100_000) + ']'.repeat(100_000))).toThrow(expect.objectContaining({ code: 400 }));
    expect(parseJson(`{"a":"${'['.repeat(1000)}"}`).duplicates).toEqual([]);
  });
});

describe('protobuf', () => {
  // What `kubectl create namespace foo` of 1.32 sends.
  const namespace = Buffer.from(
    '6b3873000a0f0a02763112094e616d657370616365121b0a130a03666f6f12001a0022002a00320038004200' + '12001a020a001a002200',
    'hex',
  );

  test('a namespace', () => {
    expect(decodeProtobuf(namespace)).toEqual({ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'foo' } });
  });

  test('no change of it makes the decoder hang or fail in another way', () => {
    fc.assert(
      fc.property(fc.nat(namespace.length - 1), fc.nat(255), fc.nat(namespace.length), (at, byte, length) => {
        const changed = Buffer.from(namespace.subarray(0, length));
        if (at < changed.length) changed[at] = byte;
        try {
          decodeProtobuf(changed);
        } catch (error) {
          expect(error).toMatchObject({ code: 400 });
        }
      }),
    );
  });
});
