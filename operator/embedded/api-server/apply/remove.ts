/** Takes fields out of an object (structured-merge-diff, typed/remove.go). */
import { copyOf, isObject, setOwn, type JsonObject } from '../schema/json.ts';
import { itemElement } from './elements.ts';
import { type FieldSet, isMember } from './field-set.ts';
import { childTopology, type ListTopology, type MapTopology, type Topology, topologyFor } from './topology.ts';

const ANY: Topology = { kind: 'any' };

function removeFromMap(shape: MapTopology, value: JsonObject, fields: FieldSet): JsonObject | undefined {
  let out: JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const node = fields[`f:${key}`];
    if (node === undefined) continue;
    const before = value[key];
    // A container that loses all it holds, but not itself, is null: it still counts as there when owners are settled.
    const after = isMember(node) ? undefined : (removeFields(childTopology(shape, key) ?? ANY, before, node) ?? null);
    if (after === before) continue;
    out ??= copyOf(value);
    if (after === undefined) delete out[key];
    else setOwn(out, key, after);
  }
  if (out === undefined) return value;
  return Object.keys(out).length === 0 ? undefined : out;
}

function removeFromList(shape: ListTopology, value: readonly unknown[], fields: FieldSet): unknown {
  const out: unknown[] = [];
  let changed = false;
  for (const [i, item] of value.entries()) {
    const node = fields[itemElement(shape, item) ?? `i:${String(i)}`];
    const after = node === undefined ? item : isMember(node) ? undefined : removeFields(shape.element, item, node);
    if (after !== item) changed = true;
    if (after !== undefined) out.push(after);
  }
  if (!changed) return value;
  return out.length === 0 ? undefined : out;
}

/** The value without the fields of the set; undefined if nothing is left of it. Unchanged parts are shared. */
export function removeFields(topology: Topology, value: unknown, fields: FieldSet): unknown {
  const shape = topologyFor(topology, value);
  if (shape.kind === 'map' && !shape.atomic && isObject(value)) return removeFromMap(shape, value, fields);
  if (shape.kind === 'list' && shape.relation !== 'atomic' && Array.isArray(value)) {
    return removeFromList(shape, value, fields);
  }
  return value;
}
