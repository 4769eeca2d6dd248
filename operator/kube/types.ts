/** Shapes of the Kubernetes API that every part agrees on. Raw JSON: dates are strings, nothing is a class. */

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly generation?: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
}

/** Which collection: group ('' for core), version, plural, and whether it lives in namespaces. */
export interface ResourceType {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
}

export interface ObjectRef {
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** `namespace/name`, or `name` for cluster-scoped kinds. */
export type ObjectKey = string;

export interface ListOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ApplyOptions {
  readonly fieldManager: string;
  /** Take fields that another manager owns. Default false: a conflict is an error (`isConflict`). */
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

/** One operation of a JSON patch (RFC 6902). */
export type JsonPatchOperation =
  | { readonly op: 'add' | 'replace' | 'test'; readonly path: string; readonly value: unknown }
  | { readonly op: 'remove'; readonly path: string };

export interface DeleteOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagationPolicy?: 'Foreground' | 'Background' | 'Orphan';
}

/**
 * The verbs of the API, typed by the caller. Answers are raw JSON. Every failure is an `ApiError` (errors.ts) with
 * `status`, `reason`, `message`, `retryAfterSeconds`, `details`.
 */
export interface KubeClient {
  get<T extends KubeObject>(type: ResourceType, ref: ObjectRef): Promise<T>;
  /** The same, undefined if there is none. */
  tryGet<T extends KubeObject>(type: ResourceType, ref: ObjectRef): Promise<T | undefined>;
  list<T extends KubeObject>(type: ResourceType, options?: ListOptions): Promise<T[]>;
  create<T extends KubeObject>(type: ResourceType, object: object, options?: { fieldManager?: string }): Promise<T>;
  replace<T extends KubeObject>(type: ResourceType, object: KubeObject, subresource?: 'status'): Promise<T>;
  /** Server-side apply of `object` (apiVersion, kind, metadata.name, and the fields that are owned, nothing else). */
  apply<T extends KubeObject>(type: ResourceType, object: object, options: ApplyOptions): Promise<T>;
  applyStatus<T extends KubeObject>(type: ResourceType, object: object, options: ApplyOptions): Promise<T>;
  mergePatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: object,
    subresource?: 'status',
  ): Promise<T>;
  jsonPatch<T extends KubeObject>(
    type: ResourceType,
    ref: ObjectRef,
    patch: readonly JsonPatchOperation[],
    subresource?: 'status',
  ): Promise<T>;
  /** Resolves when the server accepted it; the object may live on until its finalizers are off. Gone is no error. */
  delete(type: ResourceType, ref: ObjectRef, options?: DeleteOptions): Promise<void>;
}

/** A cache of one collection that follows the API server. Handlers get keys, after the store was updated. */
export interface Informer<T extends KubeObject> {
  readonly hasSynced: boolean;
  /** Resolves when the first list is in. */
  synced(signal?: AbortSignal): Promise<void>;
  get(key: ObjectKey): T | undefined;
  list(): readonly T[];
  /** Objects for which the index function (given at construction) named `value`. */
  byIndex(index: string, value: string): readonly T[];
  /** Calls `handler` for each object that was added, changed or removed, with the objects before and after. */
  onChange(handler: (key: ObjectKey, before: T | undefined, after: T | undefined) => void): () => void;
  /** Milliseconds since the server was heard last (an event, a bookmark or a list). */
  lastContactAgeMs(): number;
  readonly lastError: Error | undefined;
}

/** One page of a list. */
export interface ListPage<T extends KubeObject> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  /** Asks for the next page; absent on the last. */
  readonly continueToken?: string | undefined;
}

export interface PageOptions extends ListOptions {
  readonly limit?: number;
  readonly continueToken?: string | undefined;
}

export interface WatchOptions extends ListOptions {
  /** Where to go on from. Without it, together with `initialEvents`, the stream begins with what there is. */
  readonly resourceVersion?: string | undefined;
  readonly initialEvents?: boolean;
  /** After this the server ends the stream. */
  readonly timeoutSeconds: number;
  /** After this many milliseconds without one byte the stream counts as dead. */
  readonly idleTimeoutMs: number;
}

/** What a watch says, in order. After `ended`, `failed` or `malformed` nothing more comes. */
export interface WatchSink<T extends KubeObject> {
  /** The server accepted the watch. */
  opened(): void;
  event(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: T): void;
  bookmark(resourceVersion: string, initialEventsEnd: boolean): void;
  ended(): void;
  /** No stream, a broken one, or an ERROR event: always an `ApiError`. */
  failed(error: Error): void;
  /** The server said something that is no watch event. */
  malformed(reason: string): void;
}

/** The two reads that informers are made of. */
export interface KubeWatcher {
  listPage<T extends KubeObject>(type: ResourceType, options: PageOptions, signal?: AbortSignal): Promise<ListPage<T>>;
  /** Gives back what ends the watch; the sink is not called after that. */
  watch<T extends KubeObject>(type: ResourceType, options: WatchOptions, sink: WatchSink<T>): () => void;
}
