import { type Clock, type Logger, type Random, silentLogger, systemClock } from '../runtime/ports.ts';
import { printable } from './errors.ts';
import { keyOf } from './resources.ts';
import { createStore, type Indexes } from './store.ts';
import type { Informer, KubeObject, KubeWatcher, ListOptions, ObjectKey, ResourceType } from './types.ts';
import { createWatchLoop } from './watch-loop.ts';
import type { RelistReason } from './watch-machine.ts';

/** What an informer counts. All are called with the kind. */
export interface InformerMetrics {
  relisted(kind: string, reason: RelistReason): void;
  failed(kind: string): void;
  /** A handler threw. */
  handlerFailed(kind: string): void;
  /** Changes that a relist found and the watch had not said. */
  missed(kind: string, count: number): void;
  /** Gives what to ask when metrics are read: milliseconds since the server was heard. */
  observe(kind: string, lastContactAgeMs: () => number): void;
}

/** Options of `createInformer`. */
export interface InformerOptions<T extends KubeObject> extends ListOptions {
  readonly client: KubeWatcher;
  readonly type: ResourceType;
  readonly indexes?: Indexes<T>;
  /** Makes an object smaller before it is kept. It must keep apiVersion, kind and metadata's identity. */
  readonly transform?: (object: T) => T;
  /** Freezes what is kept, so that a change by mistake throws. For tests. */
  readonly freeze?: boolean;
  /** Says every key again, jittered, from the store. Default: never. */
  readonly resyncMs?: number;
  /** See `WatchLoopOptions`. */
  readonly idleTimeoutMs?: number;
  readonly streamedLists?: boolean;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  readonly metrics?: InformerMetrics;
}

/** An informer that is started and stopped by its owner. */
export type RunningInformer<T extends KubeObject> = Informer<T> & { start(): void; stop(): Promise<void> };

type Handler<T> = (key: ObjectKey, before: T | undefined, after: T | undefined) => void;

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}

/**
 * A cache of one collection. It never gives up: every failure is followed by another try, `lastError` and
 * `lastContactAgeMs` say how things stand. An object that was deleted and made again under its name is said as two
 * changes (gone, then there), even where the watch or a relist shows only the last state.
 */
export function createInformer<T extends KubeObject>(options: InformerOptions<T>): RunningInformer<T> {
  const { client, type, metrics } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const logger = options.logger ?? silentLogger;
  const store = createStore<T>(options.indexes ?? {}, (error) => {
    handlerFailed('an index function of an informer threw', error);
  });
  const handlers = new Set<Handler<T>>();
  const waiters = new Set<() => void>();
  let aside: Map<ObjectKey, T> | undefined;
  let synced = false;
  let lastError: Error | undefined;
  let contactAt: number | undefined;
  let cancelResync = () => {};

  const handlerFailed = (message: string, error: unknown) => {
    metrics?.handlerFailed(type.kind);
    logger.error(message, { kind: type.kind, error: printable(String(error), 300) });
  };

  const prepare = (object: T): T => {
    // The bytes' fast cut leaves what it does not recognise.
    const metadata = object.metadata as { managedFields?: unknown };
    if (metadata.managedFields !== undefined) delete metadata.managedFields;
    const kept = options.transform === undefined ? object : options.transform(object);
    return options.freeze === true ? deepFreeze(kept) : kept;
  };

  const tell = (key: ObjectKey, before: T | undefined, after: T | undefined) => {
    for (const handler of handlers) {
      try {
        handler(key, before, after);
      } catch (error) {
        handlerFailed('a handler of an informer threw', error);
      }
    }
  };

  const put = (object: T): boolean => {
    const key = keyOf(object);
    const before = store.get(key);
    if (before !== undefined && before.metadata.uid === object.metadata.uid) {
      if (before.metadata.resourceVersion === object.metadata.resourceVersion) return false;
      store.put(object);
      tell(key, before, object);
      return true;
    }
    if (before !== undefined) remove(key);
    store.put(object);
    tell(key, undefined, object);
    return true;
  };

  const remove = (key: ObjectKey) => {
    const before = store.remove(key);
    if (before !== undefined) tell(key, before, undefined);
  };

  const commit = () => {
    const next = aside ?? new Map<ObjectKey, T>();
    aside = undefined;
    let changes = 0;
    for (const key of [...store.keys()]) {
      if (next.has(key)) continue;
      remove(key);
      changes += 1;
    }
    for (const object of next.values()) if (put(object)) changes += 1;
    if (synced) {
      metrics?.missed(type.kind, changes);
      return;
    }
    synced = true;
    for (const waiter of [...waiters]) waiter();
    waiters.clear();
  };

  const { namespace, labelSelector, fieldSelector } = options;
  const loop = createWatchLoop<T>({
    client,
    type,
    clock,
    random,
    selection: {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    },
    ...(options.idleTimeoutMs === undefined ? {} : { idleTimeoutMs: options.idleTimeoutMs }),
    ...(options.streamedLists === undefined ? {} : { streamedLists: options.streamedLists }),
    sink: {
      begin: (reason) => {
        aside = new Map();
        metrics?.relisted(type.kind, reason);
      },
      collect: (items) => {
        for (const item of items) aside?.set(keyOf(item), prepare(item));
      },
      discard: (object) => {
        aside?.delete(keyOf(object));
      },
      commit,
      put: (object) => {
        put(prepare(object));
      },
      remove: (object) => {
        const key = keyOf(object);
        // The deletion of an earlier object of that name says nothing about the one that is here now.
        if (store.get(key)?.metadata.uid === object.metadata.uid) remove(key);
      },
      failed: (error) => {
        lastError = error;
        metrics?.failed(type.kind);
        logger.warn('a watch failed and is tried again', { kind: type.kind, error: printable(error.message, 300) });
      },
      contact: () => {
        contactAt = clock.monotonic();
      },
    },
  });

  const resync = () => {
    if (options.resyncMs === undefined || options.resyncMs <= 0) return;
    cancelResync = clock.setTimer(options.resyncMs * (0.9 + 0.2 * random()), () => {
      for (const key of [...store.keys()]) {
        const object = store.get(key);
        if (object !== undefined) tell(key, object, object);
      }
      resync();
    });
  };

  const lastContactAgeMs = () => (contactAt === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - contactAt);
  metrics?.observe(type.kind, lastContactAgeMs);

  return {
    start: () => {
      loop.start();
      resync();
    },
    stop: async () => {
      cancelResync();
      loop.stop();
    },
    get hasSynced() {
      return synced;
    },
    synced: (signal) =>
      new Promise((resolve, reject) => {
        if (synced) {
          resolve();
          return;
        }
        const onAbort = () => {
          waiters.delete(onSynced);
          reject(signal?.reason instanceof Error ? signal.reason : new Error('given up waiting for the first list'));
        };
        const onSynced = () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        };
        if (signal?.aborted === true) {
          onAbort();
          return;
        }
        waiters.add(onSynced);
        signal?.addEventListener('abort', onAbort, { once: true });
      }),
    get: (key) => store.get(key),
    list: () => [...store.values()],
    byIndex: (index, value) => store.byIndex(index, value),
    onChange: (handler) => {
      handlers.add(handler);
      return () => {
        handlers.delete(handler);
      };
    },
    lastContactAgeMs,
    get lastError() {
      return lastError;
    },
  };
}
