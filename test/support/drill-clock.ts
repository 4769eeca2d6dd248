import { type SkippingClock, skippingClock } from './skipping-clock.ts';

/** A program's clock in a drill. */
export interface DrillClock extends SkippingClock {
  /** Sets the time of day forward or back, as an administrator or NTP does: no timer and no monotonic time moves. */
  jump(ms: number): void;
}

/** A clock that goes like the system's. */
export function drillClock(): DrillClock {
  const clock = skippingClock();
  let offset = 0;
  return {
    ...clock,
    now: () => clock.now() + offset,
    jump: (ms) => {
      offset += ms;
    },
  };
}
