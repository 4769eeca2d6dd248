import type { Clock } from '../../operator/runtime/ports.ts';

/** Between two looks at the time no more passes than that, in milliseconds. */
const mostMs = 50;
/** It is looked at at least so often while a timer is set, in milliseconds of its own and of the system's. */
const tickMs = { own: 40, system: 20 };

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/**
 * A clock that goes like the system's while this process runs. What of the time it had to stand still, since the machine
 * was busy with something else, does not count: between two moments a second apart it always comes to do what it has to,
 * so that what a program does "in less than a second" happens in less than a second on a loaded machine, too.
 * With a `speed` it goes so many times as fast, for programs that mostly wait; the time of day goes as ever.
 */
export function runningClock(speed = 1): Clock {
  const lookAgainMs = Math.min(tickMs.own / speed, tickMs.system);
  let passed = 0;
  let lookedAt = performance.now();
  const timers = new Set<Timer>();
  let handle: NodeJS.Timeout | undefined;

  const monotonic = (): number => {
    const now = performance.now();
    passed += Math.min((now - lookedAt) * speed, mostMs);
    lookedAt = now;
    return passed;
  };
  const arm = (): void => {
    clearTimeout(handle);
    if (timers.size === 0) return;
    const next = (Math.min(...[...timers].map(({ at }) => at)) - monotonic()) / speed;
    handle = setTimeout(tick, Math.max(0, Math.min(lookAgainMs, next)));
    handle.unref();
  };
  const tick = (): void => {
    const now = monotonic();
    const due = [...timers].filter(({ at }) => at <= now).sort((a, b) => a.at - b.at);
    for (const timer of due) {
      if (timers.delete(timer)) timer.callback();
    }
    arm();
  };
  return {
    now: () => Date.now(),
    monotonic,
    setTimer: (delayMs, callback) => {
      const timer = { at: monotonic() + delayMs, callback };
      timers.add(timer);
      arm();
      return () => {
        timers.delete(timer);
      };
    },
  };
}
