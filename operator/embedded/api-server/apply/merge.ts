/**
 * Lays an applied object over the live one (structured-merge-diff, typed/merge.go). Parts that do not change are shared
 * with the live object, so that a comparison afterwards is quick. Nothing is changed in place.
 */
import { copyOf, deepEqual, isObject, own, setOwn, type JsonObject } from '../schema/json.ts';
import { itemElement } from './elements.ts';
import { childTopology, type ListTopology, type MapTopology, type Topology, topologyFor } from './topology.ts';

const ANY: Topology = { kind: 'any' };

function mergeMaps(shape: MapTopology, live: JsonObject, applied: JsonObject): JsonObject {
  let out: JsonObject | undefined;
  for (const key of Object.keys(applied)) {
    const before = own(live, key);
    const after = merge(childTopology(shape, key) ?? ANY, before, applied[key]);
    if (after === before) continue;
    out ??= copyOf(live);
    setOwn(out, key, after);
  }
  return out ?? live;
}

function elementsOf(shape: ListTopology, items: readonly unknown[]): string[] {
  return items.map((item, i) => itemElement(shape, item) ?? `i:${String(i)}`);
}

/** The applied items come in their order; items that only the live list has keep their place among their neighbours. */
function mergeLists(shape: ListTopology, live: readonly unknown[], applied: readonly unknown[]): unknown[] {
  const lefts = elementsOf(shape, live);
  const rights = elementsOf(shape, applied);
  const liveAt = new Map(lefts.map((element, i) => [element, live[i]]));
  const appliedAt = new Map(rights.map((element, i) => [element, applied[i]]));
  const shared = rights.filter((element) => liveAt.has(element));
  const merged = new Set<string>();
  const out: unknown[] = [];
  let nextShared = 0;
  let l = 0;
  let r = 0;
  const takeApplied = (element: string): void => {
    merged.add(element);
    out.push(merge(shape.element, liveAt.get(element), appliedAt.get(element)));
    r++;
    if (shared[nextShared] === element) nextShared++;
  };
  while (l < lefts.length || r < rights.length) {
    const left = lefts[l];
    const right = rights[r];
    if (left !== undefined && right !== undefined) {
      if (left === right) {
        takeApplied(left);
        l++;
        continue;
      }
      if (appliedAt.has(left) && nextShared < shared.length && shared[nextShared] !== left) {
        l++;
        continue;
      }
    }
    if (left !== undefined) {
      if (!appliedAt.has(left)) {
        out.push(live[l]);
        l++;
        continue;
      }
      if (merged.has(left)) {
        l++;
        if (right === undefined) continue;
      }
    }
    if (right !== undefined) takeApplied(right);
  }
  const same = out.length === live.length && out.every((item, i) => item === live[i]);
  return same ? (live as unknown[]) : out;
}

/** The live value with the applied one laid over it; undefined stands for absent. */
export function merge(topology: Topology, live: unknown, applied: unknown): unknown {
  if (applied === undefined || live === applied) return live;
  if (live === undefined) return applied;
  const shape = topologyFor(topology, applied);
  if (shape.kind === 'map' && !shape.atomic) {
    if (isObject(live) && isObject(applied)) return mergeMaps(shape, live, applied);
    if (applied === null && isObject(live) && Object.keys(live).length > 0) return live;
  }
  if (shape.kind === 'list' && shape.relation !== 'atomic') {
    if (Array.isArray(live) && Array.isArray(applied)) return mergeLists(shape, live, applied);
    if (applied === null && Array.isArray(live) && live.length > 0) return live;
  }
  return deepEqual(live, applied) ? live : applied;
}
