import type { Clock } from '../../operator/runtime/ports.ts';

/** A clock that goes when it is told to. */
export interface ManualClock extends Clock {
  /** Lets time pass, and runs the timers that come due, in their order. */
  advance(ms: number): void;
  /** Milliseconds until each timer that is set, ascending. */
  readonly timers: readonly number[];
  /** Resolves with its delay when a timer that fits is set, also one that is set already. */
  timerSet(fits: (remainingMs: number) => boolean): Promise<number>;
}

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** `startMs`: the wall clock at first. */
export function manualClock(startMs = Date.parse('2026-01-01T00:00:00Z')): ManualClock {
  let elapsed = 0;
  const timers = new Set<Timer>();
  const waiters = new Set<{ fits: (remainingMs: number) => boolean; resolve: (remainingMs: number) => void }>();
  const next = (until: number): Timer | undefined =>
    [...timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];

  return {
    now: () => startMs + elapsed,
    monotonic: () => elapsed,
    setTimer: (delayMs, callback) => {
      const timer = { at: elapsed + Math.max(0, delayMs), callback };
      timers.add(timer);
      for (const waiter of [...waiters]) {
        if (!waiter.fits(delayMs)) continue;
        waiters.delete(waiter);
        waiter.resolve(delayMs);
      }
      return () => {
        timers.delete(timer);
      };
    },
    advance: (ms) => {
      const until = elapsed + ms;
      for (let timer = next(until); timer !== undefined; timer = next(until)) {
        timers.delete(timer);
        elapsed = Math.max(elapsed, timer.at);
        timer.callback();
      }
      elapsed = until;
    },
    get timers() {
      return [...timers].map((timer) => timer.at - elapsed).sort((a, b) => a - b);
    },
    timerSet: (fits) => {
      const there = [...timers].map((timer) => timer.at - elapsed).find(fits);
      if (there !== undefined) return Promise.resolve(there);
      return new Promise((resolve) => waiters.add({ fits, resolve }));
    },
  };
}
