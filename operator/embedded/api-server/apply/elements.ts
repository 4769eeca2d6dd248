/** Path elements: how the items of a list are named in a set of fields. */
import { isObject, own } from '../schema/json.ts';
import type { ListTopology } from './topology.ts';

/**
 * The path element of a list item: by its keys, by its value, or undefined if it has none (an item that is no object,
 * or that lacks all keys). Numbers in keys print as JSON does.
 */
export function itemElement(list: ListTopology, item: unknown): string | undefined {
  if (list.relation === 'set') return `v:${JSON.stringify(item)}`;
  if (!isObject(item)) return undefined;
  if (list.keys.length === 1) {
    const key = list.keys[0] ?? '';
    const value = own(item, key) ?? list.keyDefaults.get(key);
    return value === undefined ? undefined : `${list.prefix}${JSON.stringify(value)}}`;
  }
  const parts: string[] = [];
  for (const key of [...list.keys].sort()) {
    const value = own(item, key) ?? list.keyDefaults.get(key);
    if (value !== undefined) parts.push(`${JSON.stringify(key)}:${JSON.stringify(value)}`);
  }
  return parts.length === 0 ? undefined : `k:{${parts.join(',')}}`;
}

/** Items of an associative list by path element, in order. Items without one get their index. */
export function indexItems(list: ListTopology, items: readonly unknown[]): Map<string, unknown[]> {
  const index = new Map<string, unknown[]>();
  for (const [i, item] of items.entries()) {
    const element = itemElement(list, item) ?? `i:${String(i)}`;
    const same = index.get(element);
    if (same === undefined) index.set(element, [item]);
    else same.push(item);
  }
  return index;
}
