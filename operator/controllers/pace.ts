import type { Clock } from '../runtime/ports.ts';

/** So many at once, then one each `intervalMs`, over all that ask. */
export interface PaceOptions {
  readonly burst: number;
  readonly intervalMs: number;
}

/** Gives out places in a row: a host that is lost has thousands of objects, and others may be lost with it. */
export class Pace {
  readonly #clock: Clock;
  readonly #options: PaceOptions;
  /** When the last place that was given out is due, by the monotonic clock. */
  #last = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, options: PaceOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  /** Takes the next place; how long to wait for it, in milliseconds. */
  next(): number {
    const now = this.#clock.monotonic();
    const { burst, intervalMs } = this.#options;
    this.#last = Math.max(this.#last + intervalMs, now - (burst - 1) * intervalMs);
    return Math.max(0, this.#last - now);
  }
}
