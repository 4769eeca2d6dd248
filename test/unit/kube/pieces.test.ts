import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { jsonEqual, ownedStatusDiffers } from '../../../operator/kube/apply-status.ts';
import { createLineSplitter } from '../../../operator/kube/lines.ts';
import { withoutManagedFields } from '../../../operator/kube/managed-fields.ts';
import { metaTime, microTime } from '../../../operator/kube/micro-time.ts';
import { keyOf, pathOf, refOf, stubDomains, xenHosts } from '../../../operator/kube/resources.ts';
import { parseRetryAfter } from '../../../operator/kube/retry-after.ts';

describe('lines', () => {
  test('property: the same lines however the bytes are cut', () => {
    const line = fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => text.replaceAll('\n', ' '));
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(200)), (lines, cuts) => {
        const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
        const places = [...new Set(cuts.filter((cut) => cut < bytes.length)), 0, bytes.length].sort((a, b) => a - b);
        const splitter = createLineSplitter(10_000);
        const got: string[] = [];
        for (const [index, start] of places.entries()) {
          splitter.push(bytes.subarray(start, places[index + 1] ?? start), (one) => got.push(one.toString('utf8')));
        }
        expect(got).toEqual(lines.filter((text) => text !== ''));
        expect(splitter.pending).toBe(0);
      }),
    );
  });

  test('a line that is too long is refused, whether it ends or not', () => {
    const line = () => {};
    expect(createLineSplitter(10).push(Buffer.from('x'.repeat(11)), line)).toBe(false);
    expect(createLineSplitter(10).push(Buffer.from(`${'x'.repeat(11)}\n`), line)).toBe(false);
    const splitter = createLineSplitter(10);
    expect(splitter.push(Buffer.from('12345'), line)).toBe(true);
    expect(splitter.push(Buffer.from('678901\n'), line)).toBe(false);
  });
});

describe('managedFields', () => {
  const entry = { manager: 'm', fieldsV1: { 'f:a': { 'k:{"x":"]}\\"[{"}': {} } } };
  test.each([
    ['first of its object', { managedFields: [entry], name: 'a' }, { name: 'a' }],
    ['last of its object', { name: 'a', managedFields: [entry, entry] }, { name: 'a' }],
    ['alone', { managedFields: [entry] }, {}],
    ['empty', { managedFields: [], name: 'a' }, { name: 'a' }],
    ['in many objects', [{ managedFields: [entry] }, { b: 1, managedFields: [entry], c: 2 }], [{}, { b: 1, c: 2 }]],
    ['only named in a string', { text: ',"managedFields":[{"a":1}]' }, { text: ',"managedFields":[{"a":1}]' }],
    ['of another form', { managedFields: [1] }, { managedFields: [1] }],
    ['absent', { name: 'ü\u2028' }, { name: 'ü\u2028' }],
  ])('%s', (_what, from, to) => {
    expect(JSON.parse(withoutManagedFields(Buffer.from(JSON.stringify(from))))).toEqual(to);
  });

  test('an array without an end is left to the parser', () => {
    const text = '{"managedFields":[{"a":1}';
    expect(withoutManagedFields(Buffer.from(text))).toBe(text);
  });

  test('property: any other JSON is left as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify({ metadata: { name: 'a', managedFields: [{ value }] }, value });
        expect(withoutManagedFields(Buffer.from(text))).toBe(JSON.stringify({ metadata: { name: 'a' }, value }));
      }),
    );
  });
});

describe('Retry-After', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  test.each([
    ['5', 5],
    ['0', 0],
    ['99999', 300],
    ['Thu, 01 Jan 2026 00:00:10 GMT', 10],
    ['Thu, 01 Jan 2015 00:00:10 GMT', 0],
    ['soon', undefined],
    ['-3', undefined],
    ['1.5', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%p is %p seconds', (header, expected) => {
    expect(parseRetryAfter(header, now)).toBe(expected);
  });
});

describe('times', () => {
  test('T13: Leases get six decimals', () => {
    expect(microTime(1_767_225_600_000)).toBe('2026-01-01T00:00:00.000000Z');
    expect(microTime(1_767_225_600_123 + 1 / 4)).toBe('2026-01-01T00:00:00.123250Z');
    expect(microTime(1_767_225_600_999 + 4095 / 4096)).toBe('2026-01-01T00:00:01.000000Z');
    expect(metaTime(1_767_225_600_999)).toBe('2026-01-01T00:00:00Z');
  });
});

describe('paths and keys', () => {
  test('of objects with and without a namespace', () => {
    expect(pathOf(stubDomains, 'ns', 'a', 'status')).toBe(
      '/apis/stubdom.io/v1alpha1/namespaces/ns/stubdomains/a/status',
    );
    expect(pathOf(stubDomains, undefined)).toBe('/apis/stubdom.io/v1alpha1/stubdomains');
    expect(pathOf(xenHosts, 'ignored', 'h')).toBe('/apis/stubdom.io/v1alpha1/xenhosts/h');
    for (const key of ['ns/a', 'h']) {
      const { name, namespace } = refOf(key);
      const metadata = { name, uid: '', resourceVersion: '', creationTimestamp: '' };
      const whole = namespace === undefined ? metadata : { ...metadata, namespace };
      expect(keyOf({ apiVersion: 'v1', kind: 'X', metadata: whole })).toBe(key);
    }
  });
});

describe('owned status', () => {
  const owned = { fields: ['phase', 'domid'], conditions: ['Ready', 'Stalled'] };
  const ready = { type: 'Ready', status: 'True', reason: 'Running' };
  const scheduled = { type: 'Scheduled', status: 'True' };
  test.each([
    ['the same', { phase: 'x', conditions: [ready] }, { phase: 'x', conditions: [ready] }, false],
    [
      'others’ fields and conditions, another order',
      { nodeName: 'h', phase: 'x', conditions: [scheduled, ready] },
      { phase: 'x', conditions: [ready] },
      false,
    ],
    ['a field changed', { phase: 'x' }, { phase: 'y' }, true],
    ['a field given up', { phase: 'x', domid: 3 }, { phase: 'x' }, true],
    ['a condition changed', { conditions: [ready] }, { conditions: [{ ...ready, status: 'False' }] }, true],
    ['a condition new', {}, { conditions: [ready] }, true],
    ['a condition given up', { conditions: [ready] }, { conditions: [] }, true],
    ['no status yet, nothing to say', undefined, {}, false],
  ])('%s', (_what, current, wanted, differs) => {
    expect(ownedStatusDiffers(current, wanted, owned)).toBe(differs);
  });

  test('property: equal means equal as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        expect(jsonEqual(a, JSON.parse(JSON.stringify(a)))).toBe(true);
        // -0 is 0 in JSON.
        if (jsonEqual(a, b)) expect(JSON.parse(JSON.stringify(a))).toEqual(JSON.parse(JSON.stringify(b)));
      }),
    );
  });
});
