/** The paths of OpenAPI documents: one set of operations per resource. */
import type { ServedResource } from '../served-resource.ts';
import type { JsonObject } from './json.ts';

/** How a dialect refers to schemas. */
export interface PathDialect {
  readonly version: 2 | 3;
  readonly ref: (name: string) => JsonObject;
}

type PathResource = Pick<
  ServedResource,
  'group' | 'version' | 'kind' | 'plural' | 'namespaced' | 'statusSubresource' | 'custom'
>;

interface Names {
  readonly kind: string;
  readonly list: string;
  readonly meta: string;
}

interface Operation {
  readonly verb: 'get' | 'list' | 'post' | 'put' | 'patch' | 'delete' | 'deletecollection';
  readonly words: string;
}

const METHODS = {
  get: 'get',
  list: 'get',
  post: 'post',
  put: 'put',
  patch: 'patch',
  delete: 'delete',
  deletecollection: 'delete',
};
const QUERY: Readonly<Record<Operation['verb'], readonly string[]>> = {
  get: [],
  list: [
    'continue',
    'fieldSelector',
    'labelSelector',
    'limit',
    'resourceVersion',
    'resourceVersionMatch',
    'timeoutSeconds',
    'watch',
  ],
  post: ['dryRun', 'fieldManager', 'fieldValidation'],
  put: ['dryRun', 'fieldManager', 'fieldValidation'],
  patch: ['dryRun', 'fieldManager', 'fieldValidation', 'force'],
  delete: ['dryRun', 'gracePeriodSeconds', 'propagationPolicy'],
  deletecollection: ['dryRun', 'fieldSelector', 'labelSelector', 'propagationPolicy'],
};
const NOT_TEXT: Readonly<Record<string, string>> = {
  force: 'boolean',
  watch: 'boolean',
  limit: 'integer',
  timeoutSeconds: 'integer',
  gracePeriodSeconds: 'integer',
};

function parameter(dialect: PathDialect, name: string, where: 'query' | 'path'): JsonObject {
  const type = NOT_TEXT[name] ?? 'string';
  const base = { name, in: where, ...(where === 'path' ? { required: true } : {}) };
  return dialect.version === 3
    ? { ...base, schema: { type, uniqueItems: true } }
    : { ...base, type, uniqueItems: true };
}

function content(dialect: PathDialect, types: readonly string[], name: string): JsonObject {
  return Object.fromEntries(types.map((type) => [type, { schema: dialect.ref(name) }]));
}

function patchTypes(resource: PathResource): string[] {
  return [
    'application/apply-patch+yaml',
    'application/json-patch+json',
    'application/merge-patch+json',
    ...(resource.custom ? [] : ['application/strategic-merge-patch+json']),
  ];
}

function operation(dialect: PathDialect, resource: PathResource, names: Names, { verb, words }: Operation): JsonObject {
  const { group, version, kind } = resource;
  const tag =
    group === '' ? 'core' : group.replaceAll(/[^A-Za-z0-9]+(.)/g, (_, letter: string) => letter.toUpperCase());
  const answer = verb === 'list' ? names.list : verb.startsWith('delete') ? `${names.meta}.Status` : names.kind;
  const body = verb === 'patch' ? `${names.meta}.Patch` : verb === 'post' || verb === 'put' ? names.kind : undefined;
  const bodyTypes = verb === 'patch' ? patchTypes(resource) : ['application/json', 'application/yaml'];
  const query = QUERY[verb].map((name) => parameter(dialect, name, 'query'));
  const codes = verb === 'post' ? ['200', '201'] : ['200'];
  const common = {
    tags: [`${tag}_${version}`],
    description: words,
    operationId: `${verb}${tag.charAt(0).toUpperCase()}${tag.slice(1)}${version}${words.replaceAll(/[^A-Za-z]+/g, '')}`,
    'x-kubernetes-action': verb,
    'x-kubernetes-group-version-kind': { group, version, kind },
  };
  if (dialect.version === 3) {
    const answers = codes.map((code) => [
      code,
      { description: 'OK', content: content(dialect, ['application/json'], answer) },
    ]);
    return {
      ...common,
      parameters: query,
      ...(body === undefined ? {} : { requestBody: { content: content(dialect, bodyTypes, body), required: true } }),
      responses: Object.fromEntries(answers) as JsonObject,
    };
  }
  const bodyParameter =
    body === undefined ? [] : [{ name: 'body', in: 'body', required: true, schema: dialect.ref(body) }];
  return {
    ...common,
    consumes: body === undefined ? ['*/*'] : bodyTypes,
    produces: ['application/json', 'application/yaml'],
    schemes: ['https'],
    parameters: [...bodyParameter, ...query],
    responses: Object.fromEntries(codes.map((code) => [code, { description: 'OK', schema: dialect.ref(answer) }])),
  };
}

/** All paths of one resource. */
export function operations(dialect: PathDialect, resource: PathResource, names: Names): JsonObject {
  const { group, version, kind, plural, namespaced } = resource;
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  const collection = namespaced ? `${root}/namespaces/{namespace}/${plural}` : `${root}/${plural}`;
  const scope = namespaced ? [parameter(dialect, 'namespace', 'path')] : [];
  const item = [...scope, parameter(dialect, 'name', 'path')];
  const make = (verbs: readonly Operation[], parameters: readonly JsonObject[]): JsonObject => ({
    ...Object.fromEntries(verbs.map((one) => [METHODS[one.verb], operation(dialect, resource, names, one)])),
    parameters,
  });
  const out: JsonObject = {
    [collection]: make(
      [
        { verb: 'list', words: `list or watch objects of kind ${kind}` },
        { verb: 'post', words: `create a ${kind}` },
        { verb: 'deletecollection', words: `delete collection of ${kind}` },
      ],
      scope,
    ),
    [`${collection}/{name}`]: make(
      [
        { verb: 'get', words: `read the specified ${kind}` },
        { verb: 'put', words: `replace the specified ${kind}` },
        { verb: 'patch', words: `partially update the specified ${kind}` },
        { verb: 'delete', words: `delete a ${kind}` },
      ],
      item,
    ),
  };
  if (namespaced) {
    out[`${root}/${plural}`] = make(
      [{ verb: 'list', words: `list or watch objects of kind ${kind} in all namespaces` }],
      [],
    );
  }
  if (resource.statusSubresource) {
    out[`${collection}/{name}/status`] = make(
      [
        { verb: 'get', words: `read status of the specified ${kind}` },
        { verb: 'put', words: `replace status of the specified ${kind}` },
        { verb: 'patch', words: `partially update status of the specified ${kind}` },
      ],
      item,
    );
  }
  return out;
}
