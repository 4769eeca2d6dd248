import type { Clock } from '../../operator/runtime/ports.ts';
import { runningClock } from './running-clock.ts';
import { type SkippingClock, skippingClock } from './skipping-clock.ts';

/** A program's clock in a drill. */
export interface DrillClock extends SkippingClock {
  /** Sets the time of day so far ahead of the system's, as an administrator or NTP does: no timer and no monotonic time moves. */
  setAhead(ms: number): void;
}

/** A clock that goes like `base`. */
export function drillClock(base: Clock = runningClock()): DrillClock {
  const clock = skippingClock(base);
  let ahead = 0;
  return {
    ...clock,
    now: () => clock.now() + ahead,
    setAhead: (ms) => {
      ahead = ms;
    },
  };
}
