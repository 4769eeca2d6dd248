/** Below this many waiting changes each is put in its place; above, all are merged in one go. */
const mergeFrom = 16;

/** The keys of a collection in order. Changes wait until somebody reads, so that bulk writes stay cheap. */
export class SortedKeys {
  readonly #added = new Set<string>();
  readonly #removed = new Set<string>();
  #keys: string[] = [];

  /** Adds a key that is not there. */
  add(key: string): void {
    if (!this.#removed.delete(key)) this.#added.add(key);
  }

  /** Removes a key that is there. */
  delete(key: string): void {
    if (!this.#added.delete(key)) this.#removed.add(key);
  }

  /** All keys in order; valid until the next change. */
  all(): readonly string[] {
    if (this.#added.size + this.#removed.size === 0) return this.#keys;
    if (this.#added.size + this.#removed.size < mergeFrom) this.#place();
    else this.#merge();
    this.#added.clear();
    this.#removed.clear();
    return this.#keys;
  }

  #place(): void {
    for (const key of this.#removed) this.#keys.splice(lowerBound(this.#keys, key), 1);
    for (const key of this.#added) this.#keys.splice(lowerBound(this.#keys, key), 0, key);
  }

  #merge(): void {
    const added = [...this.#added].sort();
    const merged: string[] = [];
    let next = 0;
    for (const key of this.#keys) {
      for (; next < added.length && (added[next] ?? '') < key; next++) merged.push(added[next] ?? '');
      if (!this.#removed.has(key)) merged.push(key);
    }
    for (; next < added.length; next++) merged.push(added[next] ?? '');
    this.#keys = merged;
  }
}

/** Index of the first key that is not before `key`. */
export function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
