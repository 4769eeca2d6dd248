import { createDelayQueue } from './delay-queue.ts';
import type { Clock } from './ports.ts';

/** What a queue tells about itself, under the names that dashboards know. Seconds. */
export interface WorkqueueMetrics {
  depth(count: number): void;
  added(): void;
  retried(): void;
  /** How long an item waited until it was taken. */
  waited(seconds: number): void;
  /** How long an item was worked on. */
  worked(seconds: number): void;
}

/**
 * Keys that wait to be worked on, first come first served.
 * - A key waits at most once, however often it is added.
 * - A key that is worked on is never handed out a second time; when it is added meanwhile it waits again once it is done.
 * - A delayed key is there at the earliest time that was asked for; adding it at once takes the place of that.
 */
export interface Workqueue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** The same, for an item that failed: counted as a retry. */
  addRetry(key: string, delayMs: number): void;
  /** The next key, which then is worked on until `done`. */
  take(): string | undefined;
  done(key: string): void;
  /** Nothing is added any more, and what waits is dropped; what is worked on may be finished. */
  shutDown(): void;
  readonly waiting: number;
  readonly delayed: number;
  readonly processing: number;
  /** Nothing waits, nothing is worked on; something may be delayed. */
  readonly idle: boolean;
  /** Since when the key that takes longest is worked on, in seconds, and the sum over all keys. */
  unfinished(): { readonly longestSeconds: number; readonly sumSeconds: number };
}

export interface WorkqueueOptions {
  readonly clock: Clock;
  /** Called whenever a key has come to wait. */
  readonly onReady: () => void;
  readonly metrics?: WorkqueueMetrics | undefined;
}

export function createWorkqueue({ clock, onReady, metrics }: WorkqueueOptions): Workqueue {
  // Sets keep the order of insertion: this is the queue. The value is since when the key waits.
  const waiting = new Map<string, number>();
  const processing = new Map<string, number>();
  const dirty = new Set<string>();
  let open = true;

  const add = (key: string) => {
    if (!open) return;
    delayed.delete(key);
    if (waiting.has(key) || dirty.has(key)) return;
    metrics?.added();
    if (processing.has(key)) {
      dirty.add(key);
      return;
    }
    waiting.set(key, clock.monotonic());
    metrics?.depth(waiting.size);
    onReady();
  };
  const delayed = createDelayQueue(clock, add);
  const addAfter = (key: string, delayMs: number) => {
    if (!open || waiting.has(key) || dirty.has(key)) return;
    if (delayMs <= 0) add(key);
    else delayed.add(key, delayMs);
  };

  return {
    add,
    addAfter,
    addRetry: (key, delayMs) => {
      if (open) metrics?.retried();
      addAfter(key, delayMs);
    },
    take: () => {
      const next = waiting.entries().next();
      if (next.done === true) return undefined;
      const [key, since] = next.value;
      const now = clock.monotonic();
      waiting.delete(key);
      processing.set(key, now);
      metrics?.depth(waiting.size);
      metrics?.waited((now - since) / 1000);
      return key;
    },
    done: (key) => {
      const since = processing.get(key);
      if (since === undefined) return;
      processing.delete(key);
      const now = clock.monotonic();
      metrics?.worked((now - since) / 1000);
      if (!dirty.delete(key) || !open) return;
      delayed.delete(key);
      waiting.set(key, now);
      metrics?.depth(waiting.size);
      onReady();
    },
    shutDown: () => {
      open = false;
      delayed.clear();
      dirty.clear();
      waiting.clear();
      metrics?.depth(0);
    },
    get waiting() {
      return waiting.size;
    },
    get delayed() {
      return delayed.size;
    },
    get processing() {
      return processing.size;
    },
    get idle() {
      return waiting.size === 0 && processing.size === 0;
    },
    unfinished: () => {
      const now = clock.monotonic();
      const ages = [...processing.values()].map((since) => (now - since) / 1000);
      return { longestSeconds: Math.max(0, ...ages), sumSeconds: ages.reduce((sum, age) => sum + age, 0) };
    },
  };
}
