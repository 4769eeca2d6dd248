import type { Clock } from './ports.ts';

/**
 * Milliseconds that begin at the time of day and then go on by themselves: for what is measured and compared within one
 * life of a program. Setting the wall clock changes nothing.
 */
export function steadyClock(clock: Clock): () => number {
  const offset = clock.now() - clock.monotonic();
  return () => Math.round(offset + clock.monotonic());
}
