/**
 * What the rest of the operator knows of XenStore: a tree of small values with permissions, watches and transactions.
 * Implemented by the client (client.ts) over a unix socket or /dev/xen/xenbus.
 *
 * Paths are absolute. Values are bytes; `readString` and `tryReadString` decode strictly (UTF-8, no NUL) and are meant
 * for values that the toolstack itself wrote. Values that a guest can write are read as bytes and vetted by `domain`.
 */

/** Who may do what: `none`, `read`, `write`, `both`. The wire letters are n, r, w, b. */
export type Access = 'none' | 'read' | 'write' | 'both';

/** Permissions of a node: the owner, what everybody else may do, and exceptions from that. */
export interface Permissions {
  readonly owner: number;
  readonly others: Access;
  readonly entries: readonly { readonly domid: number; readonly access: Access }[];
}

/** Reads of the tree. A missing node is an ENOENT `XenStoreError` except from the `try…` forms, which give undefined. */
export interface XenStoreReader {
  read(path: string): Promise<Uint8Array>;
  tryRead(path: string): Promise<Uint8Array | undefined>;
  readString(path: string): Promise<string>;
  tryReadString(path: string): Promise<string | undefined>;
  /** Names of the children, in the daemon's order. Uses DIRECTORY_PART where the answer is too large for one message. */
  list(path: string): Promise<string[]>;
  tryList(path: string): Promise<string[] | undefined>;
  getPermissions(path: string): Promise<Permissions>;
}

/** Changes to the tree. Each call is one request; calls made in one tick travel in one write to the socket. */
export interface XenStoreWriter {
  write(path: string, value: string | Uint8Array): Promise<void>;
  mkdir(path: string): Promise<void>;
  /** Removes the node and everything below. A node that is already gone is no error. `/` is refused. */
  remove(path: string): Promise<void>;
  setPermissions(path: string, permissions: Permissions): Promise<void>;
}

/** The tree as one transaction sees it. Of no use after the callback of `XenStore.transaction` has returned. */
export interface XenStoreTransaction extends XenStoreReader, XenStoreWriter {
  readonly id: number;
}

/** One change below a watched path: the path that changed, as the daemon reported it. */
export interface WatchEvent {
  readonly path: string;
}

/** A watch that is registered until `close`. It survives reconnects: after one it fires with its own path. */
export interface WatchHandle {
  readonly path: string;
  /** Resolves when the daemon has registered the watch for the first time. */
  readonly ready: Promise<void>;
  close(): Promise<void>;
}

export interface TransactionOptions {
  /** How often the callback may run in all when commits meet EAGAIN. Default 16, with jittered back-off. */
  readonly attempts?: number;
  readonly signal?: AbortSignal;
}

export interface WaitOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/** Whether requests can be answered now. `disconnected` heals by itself; `closed` is for ever. */
export type LinkState = 'connecting' | 'connected' | 'disconnected' | 'closed';

export interface XenStore extends XenStoreReader, XenStoreWriter {
  readonly state: LinkState;
  /** Calls `listener` at each change of `state`; gives back what stops it. */
  onStateChange(listener: (state: LinkState, error?: Error) => void): () => void;
  /** Resolves once connected; rejects when the signal aborts or the client is closed. */
  connected(signal?: AbortSignal): Promise<void>;

  /**
   * Runs `callback` in a transaction and commits it. A conflicting commit (EAGAIN) runs it again, so that it must have no
   * effects but through its argument. What it throws aborts the transaction and is thrown on. `ABORT` (from
   * transaction.ts), returned by the callback, aborts without an error.
   */
  transaction<T>(callback: (tx: XenStoreTransaction) => Promise<T>, options?: TransactionOptions): Promise<T>;

  /** Calls `listener` for each event at or below `path` and once at the start. It must not throw and must re-read. */
  watch(path: string, listener: (event: WatchEvent) => void): WatchHandle;
  /** The same as an async iterator; leaving the loop ends the watch. Events not yet taken are kept as a set of paths. */
  events(path: string, options?: { readonly signal?: AbortSignal }): AsyncIterableIterator<WatchEvent>;
  /**
   * Runs `condition` until it gives something else than undefined. Every path it reads through its argument becomes a
   * watch, and any change runs it again. Rejects with `WaitTimeoutError` or the signal's reason.
   */
  wait<T>(condition: (tree: XenStoreReader) => Promise<T | undefined>, options?: WaitOptions): Promise<T>;

  introduce(domid: number, gfn: bigint, eventChannel: number): Promise<void>;
  release(domid: number): Promise<void>;
  isIntroduced(domid: number): Promise<boolean>;
  getDomainPath(domid: number): Promise<string>;
  resume(domid: number): Promise<void>;
  /** Gives `domid` all rights of `target` in the tree (SET_TARGET). */
  setTarget(domid: number, target: number): Promise<void>;
  resetWatches(): Promise<void>;
  control(...args: string[]): Promise<string>;
  getFeatures(domid?: number): Promise<number>;
  getQuota(name?: string, domid?: number): Promise<string>;

  /** Counters since the start, for metrics and for tests that count round trips. */
  readonly stats: XenStoreStats;

  /** Waits for what is in flight, ends watches, and closes. Idempotent. */
  close(): Promise<void>;
  /** Closes now: everything in flight rejects with `error` (default ECLOSED). Idempotent. */
  destroy(error?: Error): void;
}

export interface XenStoreStats {
  readonly requests: number;
  /** Bursts in a row: writes to the transport at a moment when nothing was in flight. Overlapping callers share them. */
  readonly roundTrips: number;
  readonly events: number;
  readonly reconnects: number;
  readonly conflicts: number;
  /** Events that came for a watch after its end, and were dropped. */
  readonly lateEvents: number;
}
