/** What differs between two objects, as sets of fields (structured-merge-diff, typed/compare.go). */
import { deepEqual, isObject, own } from '../schema/json.ts';
import { indexItems } from './elements.ts';
import { asMember, EMPTY, type FieldSet, type FieldSetBuilder, LEAF } from './field-set.ts';
import { childTopology, type ListTopology, type MapTopology, type Topology, topologyFor } from './topology.ts';

/** Fields that only `after` has, that only `before` has, and leaves that both have with other values. */
export interface Comparison {
  readonly added: FieldSet;
  readonly removed: FieldSet;
  readonly modified: FieldSet;
}

interface Node {
  added?: FieldSet | undefined;
  removed?: FieldSet | undefined;
  modified?: FieldSet | undefined;
}

const ANY: Topology = { kind: 'any' };

function leaf(before: unknown, after: unknown): Node | undefined {
  if (before === undefined) return { added: LEAF };
  if (after === undefined) return { removed: LEAF };
  return deepEqual(before, after) ? undefined : { modified: LEAF };
}

function isBlank(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

class Collector {
  added: FieldSetBuilder | undefined;
  removed: FieldSetBuilder | undefined;
  modified: FieldSetBuilder | undefined;

  put(element: string, node: Node | undefined): void {
    if (node === undefined) return;
    if (node.added !== undefined) (this.added ??= {})[element] = node.added;
    if (node.removed !== undefined) (this.removed ??= {})[element] = node.removed;
    if (node.modified !== undefined) (this.modified ??= {})[element] = node.modified;
  }

  node(before: unknown, after: unknown): Node | undefined {
    const added = before === undefined ? asMember(this.added) : this.added;
    const removed = after === undefined ? asMember(this.removed) : this.removed;
    if (added === undefined && removed === undefined && this.modified === undefined) return undefined;
    return { added, removed, modified: this.modified };
  }
}

function compareMaps(shape: MapTopology, before: unknown, after: unknown): Node | undefined {
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  const out = new Collector();
  for (const key of Object.keys(left)) {
    out.put(`f:${key}`, compareNodes(childTopology(shape, key) ?? ANY, left[key], own(right, key)));
  }
  for (const key of Object.keys(right)) {
    if (Object.hasOwn(left, key)) continue;
    out.put(`f:${key}`, compareNodes(childTopology(shape, key) ?? ANY, undefined, right[key]));
  }
  return out.node(before, after);
}

function compareLists(shape: ListTopology, before: unknown, after: unknown): Node | undefined {
  const left = indexItems(shape, Array.isArray(before) ? before : []);
  const right = indexItems(shape, Array.isArray(after) ? after : []);
  const out = new Collector();
  const one = (element: string, a: unknown[] | undefined, b: unknown[] | undefined): void => {
    const duplicates = (a?.length ?? 0) > 1 || (b?.length ?? 0) > 1;
    out.put(element, duplicates ? leaf(a, b) : compareNodes(shape.element, a?.[0], b?.[0]));
  };
  for (const [element, items] of left) one(element, items, right.get(element));
  for (const [element, items] of right) if (!left.has(element)) one(element, undefined, items);
  return out.node(before, after);
}

/** The fields below a node, without the node itself. */
function below(node: FieldSet | undefined): FieldSet | undefined {
  if (node === undefined) return undefined;
  const { '.': _, ...rest } = node;
  return Object.keys(rest).length === 0 ? undefined : rest;
}

/** A value without a schema that became another sort of value: it changed, and all that was below it is gone. */
function replaced(topology: Topology, before: unknown, after: unknown): Node {
  const gone = below(compareNodes(topology, before, undefined)?.removed);
  const come = below(compareNodes(topology, undefined, after)?.added);
  return { modified: LEAF, removed: gone, added: come };
}

function compareNodes(topology: Topology, before: unknown, after: unknown): Node | undefined {
  if (before === after) return undefined;
  const shape = topologyFor(topology, after ?? before);
  if (before !== undefined && after !== undefined && topologyFor(topology, before).kind !== shape.kind) {
    return replaced(topology, before, after);
  }
  if (isBlank(before) && isBlank(after)) return leaf(before, after);
  if (shape.kind === 'map' && !shape.atomic) return compareMaps(shape, before, after);
  if (shape.kind === 'list' && shape.relation !== 'atomic') return compareLists(shape, before, after);
  return leaf(before, after);
}

/** Compares two objects. Parts that are the same JavaScript object are not looked into. */
export function compare(topology: Topology, before: unknown, after: unknown): Comparison {
  const node = compareNodes(topology, before, after);
  return { added: node?.added ?? EMPTY, removed: node?.removed ?? EMPTY, modified: node?.modified ?? EMPTY };
}
