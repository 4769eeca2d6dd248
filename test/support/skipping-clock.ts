import type { Clock } from '../../operator/runtime/ports.ts';

/** The time of day, and a way to skip some of it: for what waits longer than a test shall. */
export interface SkippingClock extends Clock {
  /** Lets that much time pass at once; timers that come due run before this returns, in their order. */
  skip(ms: number): void;
}

interface Timer {
  /** On `monotonic`. */
  readonly at: number;
  readonly callback: () => void;
  handle: NodeJS.Timeout | undefined;
}

/** A clock that goes like the system's. */
export function skippingClock(): SkippingClock {
  let skipped = 0;
  const timers = new Set<Timer>();
  const monotonic = (): number => performance.now() + skipped;
  const arm = (timer: Timer): void => {
    clearTimeout(timer.handle);
    timer.handle = setTimeout(
      () => {
        timers.delete(timer);
        timer.callback();
      },
      Math.max(0, timer.at - monotonic()),
    );
    timer.handle.unref();
  };
  return {
    now: () => Date.now() + skipped,
    monotonic,
    setTimer: (delayMs, callback) => {
      const timer: Timer = { at: monotonic() + delayMs, callback, handle: undefined };
      timers.add(timer);
      arm(timer);
      return () => {
        clearTimeout(timer.handle);
        timers.delete(timer);
      };
    },
    skip: (ms) => {
      skipped += ms;
      const now = monotonic();
      const due = [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      for (const timer of due) {
        if (!timers.delete(timer)) continue;
        clearTimeout(timer.handle);
        timer.callback();
      }
      for (const timer of timers) arm(timer);
    },
  };
}
