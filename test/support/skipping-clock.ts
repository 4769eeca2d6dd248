import type { Clock } from '../../operator/runtime/ports.ts';
import { runningClock } from './running-clock.ts';

/** The time of day, and a way to skip some of it: for what waits longer than a test shall. */
export interface SkippingClock extends Clock {
  /** Lets that much time pass at once; timers that come due run before this returns, in their order. */
  skip(ms: number): void;
}

interface Timer {
  /** On `monotonic`. */
  readonly at: number;
  readonly callback: () => void;
  cancel: () => void;
}

/** A clock that goes like `base`. */
export function skippingClock(base: Clock = runningClock()): SkippingClock {
  let skipped = 0;
  const timers = new Set<Timer>();
  const monotonic = (): number => base.monotonic() + skipped;
  const arm = (timer: Timer): void => {
    timer.cancel();
    timer.cancel = base.setTimer(Math.max(0, timer.at - monotonic()), () => {
      timers.delete(timer);
      timer.callback();
    });
  };
  return {
    now: () => base.now() + skipped,
    monotonic,
    setTimer: (delayMs, callback) => {
      const timer: Timer = { at: monotonic() + delayMs, callback, cancel: () => {} };
      timers.add(timer);
      arm(timer);
      return () => {
        timer.cancel();
        timers.delete(timer);
      };
    },
    skip: (ms) => {
      skipped += ms;
      const now = monotonic();
      const due = [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
      for (const timer of due) {
        if (!timers.delete(timer)) continue;
        timer.cancel();
        timer.callback();
      }
      for (const timer of timers) arm(timer);
    },
  };
}
