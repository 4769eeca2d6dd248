import { isObject } from '../json.ts';
import type { JsonObject } from '../served-resource.ts';
import { Collection } from './collection.ts';
import type { Journal, Recovery } from './journal.ts';
import type { StoreRecord } from './record.ts';
import type { StoreEvent } from './store-event.ts';
import { parseStored, toStored, type StoredObject } from './stored-object.ts';

/** How a store is made. */
export interface StoreOptions {
  /** Changes that every collection keeps for watches that start in the past (between this and twice as many). */
  readonly historySize?: number;
  /** Called when a snapshot failed: nothing is lost, but the journal keeps growing until the next one. */
  readonly onSnapshotError?: (error: unknown) => void;
}

/** Hears of every write at once, before it is durable. It must not write in the same turn. */
export type StoreObserver = (collection: string, event: StoreEvent) => void;

/**
 * Every object of every kind, under one counter of resource versions. Writes are synchronous, so that a read, a check and
 * a write in one turn are atomic; watchers hear of a write when it is durable, and whoever answers a request waits for
 * `durable()` first, so that nothing is seen that a crash could take back.
 */
export class ObjectStore implements Recovery {
  readonly #collections = new Map<string, Collection>();
  readonly #selectable = new Map<string, readonly string[]>();
  readonly #historySize: number;
  readonly #onSnapshotError: (error: unknown) => void;
  #journal: Journal | undefined;
  #revision = 1;
  /** Nothing is known of changes up to this version. */
  #base = 1;
  #unpublished: { collection: Collection; event: StoreEvent }[] = [];
  #lastDurable: Promise<void> | undefined;
  readonly #observers = new Set<StoreObserver>();

  constructor(options: StoreOptions = {}) {
    this.#historySize = options.historySize ?? 2000;
    this.#onSnapshotError = options.onSnapshotError ?? (() => undefined);
  }

  /** The resource version of the last write. */
  get revision(): number {
    return this.#revision;
  }

  /** The resource version up to which watchers have heard of everything. */
  get publishedRevision(): number {
    const first = this.#unpublished[0];
    return first === undefined ? this.#revision : first.event.resourceVersion - 1;
  }

  collection(id: string): Collection {
    let collection = this.#collections.get(id);
    if (collection === undefined) {
      collection = new Collection(id, this.#historySize, this.#base);
      this.#collections.set(id, collection);
    }
    return collection;
  }

  /** Says which fields of a collection selectors can ask for. */
  define(id: string, selectable: readonly string[]): void {
    const known = this.#selectable.get(id);
    if (known !== undefined && known.join() === selectable.join()) return;
    this.#selectable.set(id, selectable);
    this.collection(id).reindex(selectable, (object) => toStored(parseStored(object), selectable, object.json));
  }

  /** Calls `observer` for every write, until what it gives back is called. */
  observe(observer: StoreObserver): () => void {
    this.#observers.add(observer);
    return () => {
      this.#observers.delete(observer);
    };
  }

  /** The ids of all collections. */
  collectionIds(): string[] {
    return [...this.#collections.keys()];
  }

  /** Stores `object` (with the new resource version in its metadata) in place of what has its key. */
  put(id: string, object: JsonObject): StoredObject {
    const collection = this.collection(id);
    const after = this.#stamp(id, object);
    const before = collection.get(after.key);
    collection.set(after);
    this.#journal?.append({
      resourceVersion: after.resourceVersion,
      collection: id,
      removed: false,
      object: after.json,
    });
    this.#announce(collection, { before, after, removed: undefined });
    return after;
  }

  /** Removes the object with the key of `object`, which is its last state. */
  remove(id: string, object: JsonObject): StoredObject {
    const collection = this.collection(id);
    const removed = this.#stamp(id, object);
    const before = collection.get(removed.key);
    collection.delete(removed.key);
    this.#journal?.append({
      resourceVersion: removed.resourceVersion,
      collection: id,
      removed: true,
      object: removed.json,
    });
    this.#announce(collection, { before, after: undefined, removed });
    return removed;
  }

  /** Resolves when every write so far is on disk and announced; at once when data lives in memory only. */
  durable(): Promise<void> | undefined {
    return this.#lastDurable;
  }

  /** Before anything is stored: changes up to `snapshotVersion` will not come one by one, watches cannot start there. */
  begin(snapshotVersion: number): void {
    this.#base = Math.max(this.#base, snapshotVersion);
    this.#revision = this.#base;
    for (const collection of this.#collections.values()) collection.compact(this.#base);
  }

  /** Takes over a record from disk, before anything is served. */
  load(record: StoreRecord, fromSnapshot: boolean): void {
    const collection = this.collection(record.collection);
    const object = JSON.parse(record.object) as JsonObject;
    const stored = toStored(object, this.#selectable.get(record.collection) ?? [], record.object);
    const before = collection.get(stored.key);
    if (record.removed) collection.delete(stored.key);
    else collection.set(stored);
    this.#revision = Math.max(this.#revision, record.resourceVersion);
    if (fromSnapshot) return;
    collection.record({
      resourceVersion: record.resourceVersion,
      before,
      after: record.removed ? undefined : stored,
      removed: record.removed ? stored : undefined,
      frames: new Map(),
    });
  }

  /** After `load`: writes go to `journal`. */
  attach(journal: Journal): void {
    this.#journal = journal;
  }

  /** All objects as records, for a snapshot. They are immutable, so that later writes do not show. */
  records(): StoreRecord[] {
    const records: StoreRecord[] = [];
    for (const [id, collection] of this.#collections) {
      for (const object of collection.values()) {
        records.push({
          resourceVersion: object.resourceVersion,
          collection: id,
          removed: false,
          object: object.json,
        });
      }
    }
    return records;
  }

  #stamp(id: string, object: JsonObject): StoredObject {
    const metadata = object['metadata'];
    if (!isObject(metadata)) throw new Error('an object without metadata cannot be stored');
    this.#revision++;
    const stamped = { ...object, metadata: { ...metadata, resourceVersion: String(this.#revision) } };
    return toStored(stamped, this.#selectable.get(id) ?? []);
  }

  #announce(collection: Collection, change: Pick<StoreEvent, 'before' | 'after' | 'removed'>): void {
    const event: StoreEvent = { resourceVersion: this.#revision, ...change, frames: new Map() };
    for (const observer of this.#observers) observer(collection.id, event);
    const journal = this.#journal;
    if (journal === undefined) {
      collection.publish(event);
      return;
    }
    this.#unpublished.push({ collection, event });
    const upTo = event.resourceVersion;
    this.#lastDurable = journal.durable().then(() => {
      this.#publishUpTo(upTo);
    });
    // Whoever answers the request sees the rejection; without a request there is nobody to tell.
    this.#lastDurable.catch(() => undefined);
    if (journal.wantsSnapshot()) journal.snapshot(this.#revision, this.records()).catch(this.#onSnapshotError);
  }

  #publishUpTo(resourceVersion: number): void {
    let count = 0;
    for (const { collection, event } of this.#unpublished) {
      if (event.resourceVersion > resourceVersion) break;
      collection.publish(event);
      count++;
    }
    if (count > 0) this.#unpublished = this.#unpublished.slice(count);
  }
}
