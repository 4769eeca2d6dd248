import { describe, expect, test } from '@jest/globals';
import { openApiV2 } from '../../../../operator/embedded/api-server/schema/openapi.ts';
import { openApiProtobuf } from '../../../../operator/embedded/api-server/schema/openapi-protobuf.ts';

/** Fields are in the order of their numbers, so that the bytes can be compared. */
const document = {
  swagger: '2.0',
  info: { title: 'T', version: 'v1' },
  paths: {
    '/a/{name}': {
      get: {
        tags: ['t'],
        description: 'd',
        operationId: 'get',
        produces: ['application/json'],
        consumes: ['*/*'],
        parameters: [{ in: 'query', name: 'limit', type: 'integer', uniqueItems: true }],
        responses: { '200': { description: 'OK', schema: { $ref: '#/definitions/A' } } },
        schemes: ['https'],
      },
      put: { operationId: 'put', responses: { '200': { description: 'OK' } } },
      post: { operationId: 'post', responses: { '201': { description: 'OK' } } },
      delete: { operationId: 'delete', responses: { '200': { description: 'OK' } } },
      patch: {
        operationId: 'patch',
        parameters: [{ name: 'body', in: 'body', required: true, schema: { $ref: '#/definitions/A' } }],
        responses: { '200': { description: 'OK' } },
      },
      parameters: [{ required: true, in: 'path', name: 'name', type: 'string', uniqueItems: true }],
    },
  },
  definitions: {
    A: {
      description: 'd',
      required: ['m'],
      type: 'object',
      properties: {
        m: { additionalProperties: { type: 'string' }, type: 'object' },
        free: { additionalProperties: true, type: 'object' },
        l: { type: 'array', items: { format: 'int64', type: 'integer' } },
        any: { description: 'anything' },
      },
    },
  },
};

/** The same document after ParseDocument and Marshal of gnostic-models 0.7.0. */
const gnostic =
  'CgMyLjASBwoBVBICdjFCsgISrwIKCS9hL3tuYW1lfRKhAhJxCgF0GgFkKgNnZXQyEGFwcGxpY2F0aW9uL2pzb246AyovKkIgCh4SHBoaEgVxdWVyeSIFbGltaXQyB2ludGVnZXKgAQFKJAoiCgMyMDASGwoZCgJPSxITChEKDyMvZGVmaW5pdGlvbnMvQVIFaHR0cHMaFioDcHV0Sg8KDQoDMjAwEgYKBAoCT0siFyoEcG9zdEoPCg0KAzIwMRIGCgQKAk9LKhkqBmRlbGV0ZUoPCg0KAzIwMBIGCgQKAk9LQj8qBXBhdGNoQiUKIwohEgRib2R5GgRib2R5IAEqEQoPIy9kZWZpbml0aW9ucy9BSg8KDQoDMjAwEgYKBAoCT0tKHwodEhsiGQgBEgRwYXRoIgRuYW1lKgZzdHJpbmeYAQFKlgEKkwEKAUESjQEiAWSaAQFtsgEICgZvYmplY3TKAXgKIAoBbRIbqgENCguyAQgKBnN0cmluZ7IBCAoGb2JqZWN0ChgKBGZyZWUSEKoBAhABsgEICgZvYmplY3QKJwoBbBIisgEHCgVhcnJheboBFQoTEgVpbnQ2NLIBCQoHaW50ZWdlcgoRCgNhbnkSCiIIYW55dGhpbmc=';

/** A definition that has only a vendor extension. */
const extended = (value: unknown): string =>
  openApiProtobuf({ definitions: { D: { 'x-k': value } } }).toString('latin1');

describe('OpenAPI v2 as protobuf', () => {
  test('is what gnostic makes of the same document', () => {
    expect(openApiProtobuf(document).toString('base64')).toBe(gnostic);
  });

  test('vendor extensions are YAML under their name', () => {
    expect(extended([{ group: '', version: 'v1' }])).toContain(
      '\n\x03x-k\x12\x1f\x12\x1d[{"group":"","version":"v1"}]',
    );
  });

  test('what YAML does not take as it is, is escaped', () => {
    expect(extended('\x7f\u2028\ufeff')).toContain('"\\u007f\\u2028\\ufeff"');
  });

  test('bounds and patterns are left out, names of properties are not taken for fields', () => {
    const schema = { type: 'object', maxLength: 5, pattern: 'x', properties: { pattern: { type: 'string' } } };
    const bytes = openApiProtobuf({ definitions: { D: schema } });
    const same = openApiProtobuf({ definitions: { D: { type: 'object', properties: schema.properties } } });
    expect(bytes.equals(same)).toBe(true);
    expect(bytes.includes('pattern')).toBe(true);
  });
});

describe('the schema of a kind for kubectl, which reads version 2', () => {
  const definition = (schema: object): unknown => {
    const names = { group: 'g.io', version: 'v1', kind: 'Thing', listKind: 'ThingList', plural: 'things' };
    const thing = { ...names, namespaced: true, statusSubresource: false, custom: true };
    const all = openApiV2([{ ...thing, schema: { type: 'object', ...schema } }]) as { definitions: object };
    return (all.definitions as Record<string, unknown>)['io.g.v1.Thing'];
  };
  const properties = (schema: object): unknown =>
    (definition({ properties: schema }) as { properties: unknown }).properties;

  test('a property may be called as a keyword that version 2 does not have', () => {
    const not = { type: 'string' };
    expect(
      properties({ spec: { type: 'object', properties: { not, nullable: not }, not: {}, anyOf: [] } }),
    ).toMatchObject({
      spec: { type: 'object', properties: { not, nullable: not } },
    });
  });

  test('what may be null or anything has no type, and no parts that kubectl would check', () => {
    const part = { type: 'object', properties: { a: { type: 'string' } } };
    const spec = (
      properties({
        spec: {
          type: 'object',
          required: ['free', 'empty'],
          properties: {
            free: { ...part, 'x-kubernetes-preserve-unknown-fields': true },
            empty: { ...part, nullable: true },
          },
        },
      }) as { spec: unknown }
    ).spec;
    expect(spec).toEqual({
      type: 'object',
      required: ['free'],
      properties: { free: { 'x-kubernetes-preserve-unknown-fields': true }, empty: {} },
    });
  });

  test('a kind that keeps unknown fields has no properties at all', () => {
    const open = { 'x-kubernetes-preserve-unknown-fields': true, properties: { spec: { type: 'object' } } };
    const gvk = [{ group: 'g.io', version: 'v1', kind: 'Thing' }];
    expect(definition(open)).toEqual({ type: 'object', 'x-kubernetes-group-version-kind': gvk });
  });
});
