import type { StoredObject } from './stored-object.ts';

/** Which objects have which value of a field: what makes a list by `status.nodeName` cost what it returns. */
export class FieldIndex {
  #byField = new Map<string, Map<string, Set<string>>>();

  /** Starts again, empty, with these fields. */
  reset(fields: readonly string[]): void {
    this.#byField = new Map(fields.map((field) => [field, new Map<string, Set<string>>()]));
  }

  /** Takes in a change of one object. */
  replace(before: StoredObject | undefined, after: StoredObject | undefined): void {
    for (const [field, byValue] of this.#byField) {
      const old = before?.fields[field];
      const value = after?.fields[field];
      if (old === value) continue;
      if (before !== undefined && old !== undefined) remove(byValue, old, before.key);
      if (after !== undefined && value !== undefined) add(byValue, value, after.key);
    }
  }

  /** Keys of the objects with this value, in any order; undefined if the field is not indexed. */
  keys(field: string, value: string): string[] | undefined {
    const byValue = this.#byField.get(field);
    return byValue === undefined ? undefined : [...(byValue.get(value) ?? [])];
  }
}

function add(byValue: Map<string, Set<string>>, value: string, key: string): void {
  const keys = byValue.get(value) ?? new Set();
  byValue.set(value, keys);
  keys.add(key);
}

function remove(byValue: Map<string, Set<string>>, value: string, key: string): void {
  const keys = byValue.get(value);
  keys?.delete(key);
  if (keys?.size === 0) byValue.delete(value);
}
