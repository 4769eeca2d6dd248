import { FieldIndex } from './field-index.ts';
import { lowerBound, SortedKeys } from './sorted-keys.ts';
import type { StoreEvent, StoreListener } from './store-event.ts';
import type { StoredObject } from './stored-object.ts';

/** A listener that only wants objects with one value of one field may say so: others do not cost it anything. */
export interface ListenerFilter {
  readonly field: string;
  readonly value: string;
}

/** All objects of one kind, in the order of their keys, with the recent history. */
export class Collection {
  readonly id: string;
  readonly historySize: number;
  readonly #objects = new Map<string, StoredObject>();
  readonly #listeners = new Set<StoreListener>();
  readonly #byField = new Map<string, Map<string, Set<StoreListener>>>();
  readonly #keys = new SortedKeys();
  readonly #index = new FieldIndex();
  #history: StoreEvent[] = [];
  #compacted: number;

  /** `compacted`: changes up to this resource version are not in the history. */
  constructor(id: string, historySize: number, compacted: number) {
    this.id = id;
    this.historySize = historySize;
    this.#compacted = compacted;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** Objects in key order; with a namespace, only those in it. */
  list(namespace?: string): StoredObject[] {
    const keys = this.#keys.all();
    if (namespace === undefined || namespace === '') return keys.map((key) => this.#mustGet(key));
    const result: StoredObject[] = [];
    for (let index = lowerBound(keys, `${namespace}/`); index < keys.length; index++) {
      const object = this.#mustGet(keys[index] ?? '');
      if (object.namespace !== namespace) break;
      result.push(object);
    }
    return result;
  }

  /** Objects whose field has the value, in key order; undefined if the field is not indexed. */
  withField({ field, value }: ListenerFilter): StoredObject[] | undefined {
    return this.#index
      .keys(field, value)
      ?.sort()
      .map((key) => this.#mustGet(key));
  }

  /** Any order, without a copy. */
  values(): IterableIterator<StoredObject> {
    return this.#objects.values();
  }

  set(object: StoredObject): void {
    const before = this.#objects.get(object.key);
    if (before === undefined) this.#keys.add(object.key);
    this.#index.replace(before, object);
    this.#objects.set(object.key, object);
  }

  delete(key: string): void {
    const before = this.#objects.get(key);
    if (before === undefined) return;
    this.#objects.delete(key);
    this.#keys.delete(key);
    this.#index.replace(before, undefined);
  }

  /** Reads every object anew, for instance because other fields became selectable. History keeps what it has. */
  reindex(fields: readonly string[], read: (object: StoredObject) => StoredObject): void {
    this.#index.reset(fields);
    for (const [key, object] of this.#objects) {
      const anew = read(object);
      this.#objects.set(key, anew);
      this.#index.replace(undefined, anew);
    }
  }

  /** Adds to the history and tells the listeners. */
  publish(event: StoreEvent): void {
    this.record(event);
    for (const listener of this.#listeners) listener(event);
    for (const [field, byValue] of this.#byField) {
      const before = event.before?.fields[field];
      const after = event.after?.fields[field];
      if (before !== undefined) tell(byValue.get(before), event);
      if (after !== undefined && after !== before) tell(byValue.get(after), event);
    }
    // Every watcher has them now; those that come later and want the past are few, and make their own.
    event.frames.clear();
  }

  /** Adds to the history only. */
  record(event: StoreEvent): void {
    this.#history.push(event);
    if (this.#history.length < this.historySize * 2) return;
    const dropped = this.#history.length - this.historySize;
    this.#compacted = this.#history[dropped - 1]?.resourceVersion ?? this.#compacted;
    this.#history = this.#history.slice(dropped);
  }

  /** Changes after `resourceVersion`, or undefined if the history does not reach back that far. */
  since(resourceVersion: number): readonly StoreEvent[] | undefined {
    if (resourceVersion < this.#compacted) return undefined;
    const history = this.#history;
    let low = 0;
    let high = history.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((history[middle]?.resourceVersion ?? 0) <= resourceVersion) low = middle + 1;
      else high = middle;
    }
    return history.slice(low);
  }

  /** The oldest resource version from which a watch can start. */
  get compacted(): number {
    return this.#compacted;
  }

  /** Forgets the history up to `resourceVersion`. */
  compact(resourceVersion: number): void {
    this.#history = this.#history.filter((event) => event.resourceVersion > resourceVersion);
    this.#compacted = Math.max(this.#compacted, resourceVersion);
  }

  /** Calls `listener` for each later event; gives back what stops it. */
  listen(listener: StoreListener, filter?: ListenerFilter): () => void {
    if (filter === undefined) {
      this.#listeners.add(listener);
      return () => {
        this.#listeners.delete(listener);
      };
    }
    const byValue = this.#byField.get(filter.field) ?? new Map<string, Set<StoreListener>>();
    this.#byField.set(filter.field, byValue);
    const set = byValue.get(filter.value) ?? new Set<StoreListener>();
    byValue.set(filter.value, set);
    set.add(listener);
    return () => {
      set.delete(listener);
      if (set.size === 0) byValue.delete(filter.value);
      if (byValue.size === 0) this.#byField.delete(filter.field);
    };
  }

  #mustGet(key: string): StoredObject {
    const object = this.#objects.get(key);
    if (object === undefined) throw new Error('the key index of a collection is out of step');
    return object;
  }
}

function tell(listeners: ReadonlySet<StoreListener> | undefined, event: StoreEvent): void {
  if (listeners === undefined) return;
  for (const listener of listeners) listener(event);
}
