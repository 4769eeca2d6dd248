/** The set of fields of a value, and the closure of a set over named fields (structured-merge-diff, typed/tofieldset.go). */
import { isObject } from '../schema/json.ts';
import { indexItems } from './elements.ts';
import { asMember, EMPTY, type FieldSet, type FieldSetBuilder, isMember, LEAF } from './field-set.ts';
import { childTopology, type Topology, topologyFor } from './topology.ts';

const ANY: Topology = { kind: 'any' };

function isEmptyObject(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0;
}

function nodeFor(topology: Topology, value: unknown): FieldSet | undefined {
  const shape = topologyFor(topology, value);
  if (shape.kind === 'map' && !shape.atomic) {
    if (!isObject(value)) return undefined;
    const out: FieldSetBuilder = {};
    let any = false;
    for (const key of Object.keys(value)) {
      const child = value[key];
      if (child === undefined) continue;
      const node = nodeFor(childTopology(shape, key) ?? ANY, child);
      const member = child === null || isEmptyObject(child) || !shape.fields.has(key);
      if (node === undefined && !member) continue;
      out[`f:${key}`] = member ? asMember(node) : (node ?? LEAF);
      any = true;
    }
    return any ? out : undefined;
  }
  if (shape.kind === 'list' && shape.relation !== 'atomic') {
    if (!Array.isArray(value) || value.length === 0) return undefined;
    const out: FieldSetBuilder = {};
    for (const [element, items] of indexItems(shape, value)) out[element] = asMember(nodeFor(shape.element, items[0]));
    return out;
  }
  return LEAF;
}

/** Every field of an object that its writer owns by applying it. */
export function fieldsOf(topology: Topology, object: unknown): FieldSet {
  return nodeFor(topology, object) ?? EMPTY;
}

/** The set with every named field that has fields below it in the set, too: an emptied `spec.graphics` goes as a whole. */
export function withNamedFields(topology: Topology | undefined, set: FieldSet): FieldSet {
  const out: FieldSetBuilder = {};
  const map = topology?.kind === 'map' ? topology : undefined;
  const list = topology?.kind === 'list' ? topology : undefined;
  for (const key of Object.keys(set)) {
    const node = set[key];
    if (node === undefined) continue;
    if (key === '.' || isLeaf(node)) {
      out[key] = node;
      continue;
    }
    const name = key.slice(2);
    const child = key.startsWith('f:') && map !== undefined ? childTopology(map, name) : list?.element;
    const inner = withNamedFields(child ?? (topology?.kind === 'any' ? topology : undefined), node);
    const named = key.startsWith('f:') && map?.fields.has(name) === true;
    out[key] = named && !isMember(inner) ? asMember(inner) : inner;
  }
  return out;
}

function isLeaf(node: FieldSet): boolean {
  for (const _ in node) return false;
  return true;
}
