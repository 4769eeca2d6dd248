/** OpenAPI documents of what is served: enough for `kubectl explain`, client-side apply and field validation. */
import { groupVersionOf, type ServedResource } from '../served-resource.ts';
import { isObject, type JsonObject } from './json.ts';
import { metadataSchema } from './object-meta.ts';
import { operations, type PathDialect } from './openapi-paths.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1';

/** What openApiV2 and openApiV3 need to know of a resource. */
export type OpenApiResource = Pick<
  ServedResource,
  'group' | 'version' | 'kind' | 'listKind' | 'plural' | 'namespaced' | 'schema' | 'statusSubresource' | 'custom'
> & { readonly selectableFields?: readonly string[] };

const BUILTIN_GROUPS: Readonly<Record<string, string>> = {
  '': 'io.k8s.api.core',
  'events.k8s.io': 'io.k8s.api.events',
  'coordination.k8s.io': 'io.k8s.api.coordination',
  'apiextensions.k8s.io': 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions',
};

/** `io.stubdom.v1alpha1.StubDomain` */
export function definitionName(resource: Pick<OpenApiResource, 'group' | 'version' | 'custom'>, kind: string): string {
  const builtin = resource.custom ? undefined : BUILTIN_GROUPS[resource.group];
  const prefix = builtin ?? resource.group.split('.').reverse().join('.');
  return `${prefix}.${resource.version}.${kind}`;
}

const TEXTS = {
  apiVersion:
    'APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources',
  kind: 'Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds',
  metadata:
    "Standard object's metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata",
};

interface Dialect extends PathDialect {
  readonly version: 2 | 3;
}

const V3: Dialect = { version: 3, ref: (name) => ({ $ref: `#/components/schemas/${name}` }) };
const V2: Dialect = { version: 2, ref: (name) => ({ $ref: `#/definitions/${name}` }) };

function reference(dialect: Dialect, name: string, description: string): JsonObject {
  return dialect.version === 3 ? { description, allOf: [dialect.ref(name)] } : { description, ...dialect.ref(name) };
}

const NOT_IN_V2 = new Set(['nullable', 'oneOf', 'anyOf', 'allOf', 'not']);
const PRESERVES = 'x-kubernetes-preserve-unknown-fields';

/**
 * A schema for the older dialect, as apiextensions-apiserver's ToStructuralOpenAPIV2 makes it: what that dialect or
 * kubectl's reading of it cannot say is left out; a node that may be anything or null loses its type.
 */
function forDialect(dialect: Dialect, schema: JsonObject): JsonObject {
  if (dialect.version === 3) return schema;
  const nullable = schema['nullable'] === true;
  const preserves = schema[PRESERVES] === true;
  const out: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (NOT_IN_V2.has(key)) continue;
    if (key === 'type') {
      if (!nullable && !(preserves && (value === 'object' || value === 'array'))) out[key] = value;
    } else if (key === 'items' && isObject(value)) {
      if (!nullable && !preserves) out[key] = forDialect(dialect, value);
    } else if (key === 'properties' && isObject(value)) {
      if (!nullable && !preserves) out[key] = mapped(value, (child) => forDialect(dialect, child));
    } else if (key === 'required' && Array.isArray(value)) {
      const required = value.filter((name) => !mayBeNull(schema['properties'], String(name)));
      if (required.length > 0) out[key] = required;
    } else {
      out[key] = key === 'additionalProperties' && isObject(value) ? forDialect(dialect, value) : value;
    }
  }
  return out;
}

function mapped(children: JsonObject, change: (child: JsonObject) => JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(children).map(([name, child]) => [name, isObject(child) ? change(child) : child]),
  );
}

function mayBeNull(properties: unknown, name: string): boolean {
  const child = isObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined;
  return isObject(child) && child['nullable'] === true;
}

function kindSchema(dialect: Dialect, resource: OpenApiResource): JsonObject {
  const { group, version, kind } = resource;
  if (dialect.version === 2 && resource.schema[PRESERVES] === true) {
    // With any property named, kubectl would complain of all others.
    return { type: 'object', 'x-kubernetes-group-version-kind': [{ group, version, kind }] };
  }
  const schema = forDialect(dialect, resource.schema);
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  const fields = resource.selectableFields ?? [];
  return {
    ...schema,
    type: 'object',
    properties: {
      ...properties,
      apiVersion: { description: TEXTS.apiVersion, type: 'string' },
      kind: { description: TEXTS.kind, type: 'string' },
      metadata: reference(dialect, `${META}.ObjectMeta`, TEXTS.metadata),
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind }],
    ...(resource.custom && fields.length > 0
      ? { 'x-kubernetes-selectable-fields': fields.map((fieldPath) => ({ fieldPath })) }
      : {}),
  };
}

function listSchema(dialect: Dialect, resource: OpenApiResource): JsonObject {
  const { group, version, listKind, kind, plural } = resource;
  return {
    description: `${listKind} is a list of ${kind}`,
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { description: TEXTS.apiVersion, type: 'string' },
      items: {
        description: `List of ${plural}.`,
        type: 'array',
        items: dialect.ref(definitionName(resource, kind)),
      },
      kind: { description: TEXTS.kind, type: 'string' },
      metadata: reference(dialect, `${META}.ListMeta`, 'Standard list metadata.'),
    },
    'x-kubernetes-group-version-kind': [{ group, version, kind: listKind }],
  };
}

function shared(dialect: Dialect): JsonObject {
  const text = { type: 'string' };
  const number = { type: 'integer', format: 'int64' };
  return {
    [`${META}.ObjectMeta`]: forDialect(dialect, metadataSchema),
    [`${META}.ListMeta`]: {
      description: 'ListMeta describes metadata that lists have.',
      type: 'object',
      properties: { continue: text, remainingItemCount: number, resourceVersion: text, selfLink: text },
    },
    [`${META}.Patch`]: { description: 'Patch is a patch of any kind.', type: 'object' },
    [`${META}.Preconditions`]: {
      description: 'Preconditions must hold before a deletion is carried out.',
      type: 'object',
      properties: { resourceVersion: text, uid: text },
    },
    [`${META}.DeleteOptions`]: {
      description: 'DeleteOptions may be given when deleting an object.',
      type: 'object',
      properties: {
        apiVersion: text,
        dryRun: { type: 'array', items: text, 'x-kubernetes-list-type': 'atomic' },
        gracePeriodSeconds: number,
        kind: text,
        orphanDependents: { type: 'boolean' },
        preconditions: reference(dialect, `${META}.Preconditions`, 'What must hold before.'),
        propagationPolicy: text,
      },
    },
    [`${META}.Status`]: {
      description: 'Status is the answer of calls that return no other objects.',
      type: 'object',
      properties: {
        apiVersion: text,
        code: { type: 'integer', format: 'int32' },
        details: { type: 'object' },
        kind: text,
        message: text,
        metadata: reference(dialect, `${META}.ListMeta`, 'Standard list metadata.'),
        reason: text,
        status: text,
      },
      'x-kubernetes-group-version-kind': [{ group: '', version: 'v1', kind: 'Status' }],
    },
  };
}

function definitions(dialect: Dialect, resources: readonly OpenApiResource[]): JsonObject {
  const out = shared(dialect);
  for (const resource of resources) {
    out[definitionName(resource, resource.kind)] = kindSchema(dialect, resource);
    out[definitionName(resource, resource.listKind)] = listSchema(dialect, resource);
  }
  return out;
}

function paths(dialect: Dialect, resources: readonly OpenApiResource[]): JsonObject {
  const out: JsonObject = {};
  for (const resource of resources) {
    const kind = definitionName(resource, resource.kind);
    const list = definitionName(resource, resource.listKind);
    Object.assign(out, operations(dialect, resource, { kind, list, meta: META }));
  }
  return out;
}

/** The OpenAPI v3 document of one group version, for `/openapi/v3/apis/GROUP/VERSION`. */
export function openApiV3(
  groupVersion: Pick<OpenApiResource, 'group' | 'version'>,
  resources: readonly OpenApiResource[],
): JsonObject {
  const wanted = groupVersionOf(groupVersion);
  const served = resources.filter((resource) => groupVersionOf(resource) === wanted);
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.0' },
    paths: paths(V3, served),
    components: { schemas: definitions(V3, served) },
  };
}

/** The OpenAPI v2 document of everything, for `/openapi/v2`. */
export function openApiV2(resources: readonly OpenApiResource[]): JsonObject {
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.36.0' },
    paths: paths(V2, resources),
    definitions: definitions(V2, resources),
  };
}
