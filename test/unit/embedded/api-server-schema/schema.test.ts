/** Messages and paths are those of kube-apiserver 1.36.3 for the same schema and object. */
import { describe, expect, test } from '@jest/globals';
import { checkSchema, compileSchema } from '../../../../operator/embedded/api-server/schema/schema.ts';

type Json = Record<string, unknown>;

const text = { type: 'string' };
const properties: Json = {
  s: { ...text, maxLength: 3 },
  i: { type: 'integer' },
  n: { type: 'number', minimum: 1, exclusiveMinimum: true, maximum: 10, exclusiveMaximum: true, multipleOf: 2 },
  b: { type: 'boolean' },
  l: { type: 'array', minItems: 1, maxItems: 2, items: text },
  m: { type: 'object', maxProperties: 1, additionalProperties: { type: 'integer' } },
  ios: { 'x-kubernetes-int-or-string': true },
  p: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, properties: { a: { type: 'integer' } } },
  nn: { ...text, nullable: true },
  ed: { ...text, default: 'd', enum: ['d', 'e'] },
  any: { ...text, anyOf: [{ pattern: '^a' }, { pattern: '^b' }] },
  one: { type: 'object', properties: { a: text, b: text }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
  not: { ...text, not: { enum: ['x'] } },
  dt: { ...text, format: 'date-time' },
  uuid: { ...text, format: 'uuid' },
  unk: { ...text, format: 'zork' },
  emb: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  mk: {
    type: 'array',
    maxItems: 5,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['a', 'b'],
    items: { type: 'object', required: ['a'], properties: { a: text, b: { type: 'integer', default: 7 }, c: text } },
  },
};
const schema: Json = { type: 'object', properties: { spec: { type: 'object', properties } } };
const compiled = compileSchema(schema);
const object = (spec: unknown): Json => ({ apiVersion: 'x.io/v1', kind: 'T', metadata: { name: 'a' }, spec });
const lines = (spec: unknown, old?: unknown): string[] =>
  compiled
    .validate(compiled.applyDefaults(object(spec)), old === undefined ? undefined : object(old))
    .map((error) => `${error.field}: ${error.message}`);
const wrongType = (field: string, type: string, actual: string): string =>
  `${field}: Invalid value: "${actual}": ${field} in body must be of type ${type}: "${actual}"`;

describe('validation', () => {
  test.each<[string, Json, string[]]>([
    ['too long', { s: 'abcd' }, ['spec.s: Too long: may not be more than 3 bytes']],
    ['length in characters, not in UTF-16', { s: '😀😀😀' }, []],
    [
      'a fraction',
      { i: 1.5 },
      [
        wrongType('spec.i', 'integer', 'number'),
        '<nil>: Invalid value: "": Checked value must be of type integer (default format) in spec.i',
      ],
    ],
    [
      'multiples and exclusive bounds',
      { n: 11 },
      [
        'spec.n: Invalid value: 11: spec.n in body should be a multiple of 2',
        'spec.n: Invalid value: 11: spec.n in body should be less than 10',
      ],
    ],
    [
      'the lower bound',
      { n: 1 },
      [
        'spec.n: Invalid value: 1: spec.n in body should be a multiple of 2',
        'spec.n: Invalid value: 1: spec.n in body should be greater than 1',
      ],
    ],
    ['a text for a boolean', { b: 'true' }, [wrongType('spec.b', 'boolean', 'string')]],
    ['too few items', { l: [] }, ['spec.l: Invalid value: 0: spec.l in body should have at least 1 items']],
    ['too many items', { l: ['a', 'b', 'c'] }, ['spec.l: Too many: 3: must have at most 2 items']],
    ['too many properties', { m: { a: 1, b: 2 } }, ['spec.m: Too many: 2: must have at most 1 item']],
    ['int or string', { ios: true }, [wrongType('spec.ios', 'integer,string', 'boolean')]],
    ['int or string, both', { ios: 5 }, []],
    ['a known field among unknown ones', { p: { a: 'x', z: 1 } }, [wrongType('spec.p.a', 'integer', 'string')]],
    ['null where it may be', { nn: null }, []],
    [
      'anyOf',
      { any: 'c' },
      [
        '<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)',
        'spec.any: Invalid value: "c": spec.any in body should match \'^a\'',
      ],
    ],
    [
      'oneOf, none',
      { one: {} },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found none valid',
        'spec.one.a: Required value',
      ],
    ],
    [
      'oneOf, two',
      { one: { a: '1', b: '2' } },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    ['not', { not: 'x' }, ['<nil>: Invalid value: "": "spec.not" must not validate the schema (not)']],
    ['date-time', { dt: 'x' }, [wrongType('spec.dt', 'date-time', 'x')]],
    ['uuid', { uuid: 'x' }, [wrongType('spec.uuid', 'uuid', 'x')]],
    ['a format that is not known', { unk: 'x' }, []],
    [
      'an embedded resource',
      { emb: { a: 5 } },
      ['spec.emb.apiVersion: Required value', 'spec.emb.kind: Required value'],
    ],
    [
      'the same keys, one by default',
      { mk: [{ a: 'x' }, { a: 'x', b: 7 }, { a: 'x', b: 8 }] },
      ['spec.mk[1]: Duplicate value: {"a":"x","b":7}'],
    ],
  ])('%s', (_, spec, expected) => {
    expect(lines(spec)).toEqual(expected);
  });

  test('what was wrong before and did not change is let through', () => {
    const old = { s: 'abcd', l: [], mk: [{ a: 'x', b: 1, c: 5 }] };
    expect(lines({ ...structuredClone(old), i: 1, ed: 'e' }, old)).toEqual([]);
    expect(lines({ ...structuredClone(old), s: 'abcde' }, old)).toEqual([
      'spec.s: Too long: may not be more than 3 bytes',
    ]);
    expect(
      lines(
        {
          ...structuredClone(old),
          mk: [
            { a: 'y', b: 1 },
            { a: 'x', b: 1, c: 5 },
          ],
        },
        old,
      ),
    ).toEqual([]);
  });
});

describe('pruning and defaults', () => {
  test('unknown fields go, and are told', () => {
    const pruned = compiled.prune({ ...object({ s: 'a', zz: 1, mk: [{ a: 'x', q: 1 }], p: { free: 1 } }), extra: 1 });
    expect(pruned.dropped).toEqual(['extra', 'spec.mk[0].q', 'spec.zz']);
    expect(pruned.object['spec']).toEqual({ s: 'a', mk: [{ a: 'x' }], p: { free: 1 } });
  });

  test('defaults come, nulls go, and the object that went in stays', () => {
    const before = object({ s: null, ed: null, nn: null, mk: [{ a: 'x' }], m: { a: null } });
    const copy = structuredClone(before);
    expect(compiled.applyDefaults(before)['spec']).toEqual({ ed: 'd', nn: null, mk: [{ a: 'x', b: 7 }], m: {} });
    expect(before).toEqual(copy);
  });

  test('an object that needs nothing is the same object', () => {
    const whole = object({ ed: 'e' });
    expect(compiled.prune(whole).object).toBe(whole);
    expect(compiled.applyDefaults(whole)).toBe(whole);
  });

  test('labels with names of JavaScript objects are plain data', () => {
    const spec = JSON.parse('{"ed":"e","p":{"__proto__":{"polluted":1}},"constructor":1}') as Json;
    const pruned = compiled.prune(object(spec));
    expect(pruned.dropped).toEqual(['spec.constructor']);
    expect(({} as Json)['polluted']).toBeUndefined();
  });
});

describe('rules', () => {
  const withRules = (rules: Json[], fields: Json = { a: { ...text, maxLength: 9 }, n: { type: 'integer' } }): Json => ({
    type: 'object',
    properties: { spec: { type: 'object', properties: fields, 'x-kubernetes-validations': rules } },
  });
  const check = (rules: Json[], spec: Json, old?: Json): string[] =>
    compileSchema(withRules(rules))
      .validate(object(spec), old === undefined ? undefined : object(old))
      .map((error) => `${error.reason} ${error.field}: ${error.message}`);

  test.each<[string, Json, Json, Json | undefined, string[]]>([
    ['a rule that holds', { rule: 'self.n > 3' }, { n: 4 }, undefined, []],
    [
      'no message',
      { rule: 'self.n > 3' },
      { n: 3 },
      undefined,
      ['FieldValueInvalid spec: Invalid value: failed rule: self.n > 3'],
    ],
    [
      'a message',
      { rule: 'self.n > 3', message: 'more' },
      { n: 3 },
      undefined,
      ['FieldValueInvalid spec: Invalid value: more'],
    ],
    [
      'a message that is computed',
      { rule: 'self.n > 3', messageExpression: "'n is ' + string(self.n)" },
      { n: 3 },
      undefined,
      ['FieldValueInvalid spec: Invalid value: n is 3'],
    ],
    [
      'a reason and a path',
      { rule: 'self.n > 3', message: 'no', reason: 'FieldValueForbidden', fieldPath: '.n' },
      { n: 3 },
      undefined,
      ['FieldValueForbidden spec.n: Forbidden: no'],
    ],
    ['a transition, at creation', { rule: 'self.n >= oldSelf.n' }, { n: 3 }, undefined, []],
    [
      'a transition, at an update',
      { rule: 'self.n >= oldSelf.n', message: 'never less' },
      { n: 3 },
      { n: 4 },
      ['FieldValueInvalid spec: Invalid value: never less'],
    ],
    [
      'a text that only speaks of oldSelf',
      { rule: "self.a != 'oldSelf'", message: 'no' },
      { a: 'oldSelf' },
      undefined,
      ['FieldValueInvalid spec: Invalid value: no'],
    ],
    [
      'an optional old value',
      { rule: 'oldSelf.hasValue() || self.n == 1', optionalOldSelf: true, message: 'begin at 1' },
      { n: 3 },
      undefined,
      ['FieldValueInvalid spec: Invalid value: begin at 1'],
    ],
    ['what was wrong before and did not change', { rule: 'self.n > 3', message: 'more' }, { n: 3 }, { n: 3 }, []],
  ])('%s', (_, rule, spec, old, expected) => {
    expect(check([rule], spec, old)).toEqual(expected);
  });

  test.each<[string, Json, unknown]>([
    ['sum', { rule: 'self.l.sum() == 6' }, [1, 2, 3]],
    ['min and max', { rule: 'self.l.min() == 1 && self.l.max() == 3' }, [3, 1, 2]],
    ['isSorted', { rule: 'self.l.isSorted()' }, [1, 2, 3]],
    ['indexOf', { rule: 'self.l.indexOf(2) == 1 && self.l.lastIndexOf(9) == -1' }, [1, 2]],
    [
      'find',
      { rule: "'ab12'.find('[0-9]+') == '12' && 'a1b2'.findAll('[0-9]') == ['1', '2'] && self.l.size() == 0" },
      [],
    ],
  ])('%s of Kubernetes', (_, rule, list) => {
    const fields = { l: { type: 'array', maxItems: 9, items: { type: 'integer' } } };
    expect(compileSchema(withRules([rule], fields)).validate(object({ l: list }))).toEqual([]);
    expect(checkSchema(withRules([rule], fields))).toEqual([]);
  });

  test('names that CEL cannot spell are escaped', () => {
    const fields = { 'a-b': text, namespace: text };
    const rule = { rule: "self.a__dash__b == 'x' && self.__namespace__ == 'y'" };
    expect(compileSchema(withRules([rule], fields)).validate(object({ 'a-b': 'x', namespace: 'y' }))).toEqual([]);
  });

  test.each<[string, string]>([
    ['self.zz == 5', "undefined field 'zz'"],
    ['self.a ==', 'Syntax error'],
    ['self.n', 'cel expression must evaluate to a bool'],
    ['self.a.all(x, x == 1)', 'compilation failed'],
    ['', 'rule is not specified'],
  ])('the rule %j is refused when the schema is checked', (rule, message) => {
    const [error, ...more] = checkSchema(withRules([{ rule }]));
    expect(more).toEqual([]);
    expect(error?.field).toBe('spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule');
    expect(error?.message).toContain(message);
  });
});

test('a schema that is not structural is refused, with paths', () => {
  const spec = {
    properties: {
      b: { type: 'strin' },
      l: { type: 'array' },
      m: { type: 'array', 'x-kubernetes-list-type': 'map', items: text },
      d: { type: 'string', default: 5 },
    },
  };
  const at = 'spec.validation.openAPIV3Schema.properties[spec]';
  expect(
    checkSchema({ type: 'object', properties: { spec } })
      .map((error) => `${error.field}: ${error.message}`)
      .sort(),
  ).toEqual([
    `${at}.properties[b].type: Unsupported value: "strin": supported values: "array", "boolean", "integer", "number", "object", "string"`,
    `${at}.properties[d].default: Invalid value: "integer": ${at}.properties[d].default in body must be of type string: "integer"`,
    `${at}.properties[l].items: Required value: must be specified`,
    `${at}.properties[m].items.type: Invalid value: "string": must be object if parent array's x-kubernetes-list-type is map`,
    `${at}.properties[m].x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    `${at}.type: Required value: must not be empty for specified object fields`,
  ]);
});
