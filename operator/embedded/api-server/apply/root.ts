/** The topology of whole objects: the schema of a kind with the parts that every kind has. */
import { metadataSchema } from '../schema/object-meta.ts';
import { isObject, type JsonObject } from '../schema/json.ts';
import { buildTopology, type MapTopology, type Topology } from './topology.ts';

// A memo of a pure function: schemas are long-lived objects, one per served kind.
const roots = new WeakMap<JsonObject, MapTopology>();

/** The topology of objects with this schema: `metadata` is always ObjectMeta. */
export function rootTopology(schema: JsonObject): MapTopology {
  const known = roots.get(schema);
  if (known !== undefined) return known;
  const built = buildTopology({ ...schema, type: 'object' });
  const fields = new Map<string, Topology>(built.kind === 'map' ? built.fields : []);
  fields.set('apiVersion', { kind: 'scalar', type: 'string' });
  fields.set('kind', { kind: 'scalar', type: 'string' });
  fields.set('metadata', buildTopology(metadataSchema));
  const root: MapTopology = {
    kind: 'map',
    fields,
    element: built.kind === 'map' ? built.element : undefined,
    atomic: isObject(schema) && schema['x-kubernetes-map-type'] === 'atomic',
  };
  roots.set(schema, root);
  return root;
}
