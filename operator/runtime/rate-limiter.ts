import type { Random } from './ports.ts';

/** How long an item waits before it is tried again, by how often it failed in a row. */
export interface RateLimiter {
  /** Milliseconds; counts one more failure. */
  next(key: string): number;
  /** The item is well again. */
  forget(key: string): void;
  failures(key: string): number;
  /** Items that are counted. */
  readonly size: number;
}

/** Bounds in milliseconds. */
export interface ExponentialOptions {
  readonly baseMs: number;
  readonly maxMs: number;
  readonly random: Random;
}

/**
 * `base · 2^failures`, at most `max`, of which the last fifth is left to chance: items that failed together do not come
 * back together, and still each wait is longer than the one before.
 */
export function exponentialRateLimiter({ baseMs, maxMs, random }: ExponentialOptions): RateLimiter {
  const counts = new Map<string, number>();
  return {
    next: (key) => {
      const count = counts.get(key) ?? 0;
      counts.set(key, count + 1);
      const full = Math.min(maxMs, baseMs * 2 ** Math.min(count, 40));
      return full * (0.8 + 0.2 * random());
    },
    forget: (key) => {
      counts.delete(key);
    },
    failures: (key) => counts.get(key) ?? 0,
    get size() {
      return counts.size;
    },
  };
}
