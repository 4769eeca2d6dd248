/**
 * What server-side apply needs to know of a schema: which maps and lists are owned as a whole and which item by item.
 * The same reading of OpenAPI as kube-openapi's schemaconv.
 */
import { isObject, type JsonObject } from '../schema/json.ts';

/** How a value is owned. `any` is a value without a schema: maps item by item, lists whole. */
export type Topology =
  | { readonly kind: 'scalar'; readonly type: 'string' | 'numeric' | 'boolean' | 'untyped' }
  | {
      readonly kind: 'map';
      readonly fields: ReadonlyMap<string, Topology>;
      readonly element: Topology | undefined;
      readonly atomic: boolean;
    }
  | {
      readonly kind: 'list';
      readonly relation: 'atomic' | 'set' | 'map';
      readonly keys: readonly string[];
      /** How the path element of an item begins, where there is one key: `k:{"name":`. */
      readonly prefix: string;
      readonly keyDefaults: ReadonlyMap<string, unknown>;
      readonly element: Topology;
    }
  | { readonly kind: 'any' };

export type MapTopology = Extract<Topology, { kind: 'map' }>;
export type ListTopology = Extract<Topology, { kind: 'list' }>;

const ANY: Topology = { kind: 'any' };
const UNTYPED: Topology = { kind: 'scalar', type: 'untyped' };
const ANY_MAP: MapTopology = { kind: 'map', fields: new Map(), element: ANY, atomic: false };
const ANY_LIST: ListTopology = {
  kind: 'list',
  relation: 'atomic',
  keys: [],
  prefix: '',
  keyDefaults: new Map(),
  element: ANY,
};

/** The topology of a value: `any` becomes what the value is. */
export function topologyFor(topology: Topology, value: unknown): Exclude<Topology, { kind: 'any' }> {
  if (topology.kind !== 'any') return topology;
  if (Array.isArray(value)) return ANY_LIST;
  return isObject(value) ? ANY_MAP : (UNTYPED as Exclude<Topology, { kind: 'any' }>);
}

/** The topology of one key of a map; undefined if the schema does not know the key. */
export function childTopology(map: MapTopology, key: string): Topology | undefined {
  return map.fields.get(key) ?? map.element;
}

function scalarOf(type: unknown): Topology {
  switch (type) {
    case 'string':
      return { kind: 'scalar', type: 'string' };
    case 'integer':
    case 'number':
      return { kind: 'scalar', type: 'numeric' };
    case 'boolean':
      return { kind: 'scalar', type: 'boolean' };
    default:
      return UNTYPED;
  }
}

function listOf(schema: JsonObject): Topology {
  const items = isObject(schema['items']) ? schema['items'] : {};
  const relation = schema['x-kubernetes-list-type'];
  const keys = Array.isArray(schema['x-kubernetes-list-map-keys']) ? schema['x-kubernetes-list-map-keys'] : [];
  const properties = isObject(items['properties']) ? items['properties'] : {};
  const keyDefaults = new Map<string, unknown>();
  for (const key of keys) {
    const property = typeof key === 'string' ? properties[key] : undefined;
    if (isObject(property) && property['default'] !== undefined) keyDefaults.set(key as string, property['default']);
  }
  return {
    kind: 'list',
    relation: relation === 'map' || relation === 'set' ? relation : 'atomic',
    keys: keys.filter((key): key is string => typeof key === 'string'),
    prefix: `k:{${JSON.stringify(keys[0] ?? '')}:`,
    keyDefaults,
    element: buildTopology(items),
  };
}

function mapOf(schema: JsonObject): Topology {
  const fields = new Map<string, Topology>();
  if (isObject(schema['properties'])) {
    for (const [key, property] of Object.entries(schema['properties'])) {
      if (isObject(property)) fields.set(key, buildTopology(property));
    }
  }
  const additional = schema['additionalProperties'];
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true || additional === true;
  const element = isObject(additional) ? buildTopology(additional) : open ? ANY : undefined;
  return { kind: 'map', fields, element, atomic: schema['x-kubernetes-map-type'] === 'atomic' };
}

/** Reads a structural schema (no `$ref`). */
export function buildTopology(schema: JsonObject): Topology {
  if (schema['x-kubernetes-int-or-string'] === true) return UNTYPED;
  switch (schema['type']) {
    case 'array':
      return listOf(schema);
    case 'object':
      return mapOf(schema);
    case undefined:
      return isObject(schema['properties']) ? mapOf(schema) : ANY;
    default:
      return scalarOf(schema['type']);
  }
}
