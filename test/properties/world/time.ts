import type { Clock } from '../../../operator/runtime/ports.ts';

const epochMs = Date.parse('2026-01-01T00:00:00Z');

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** The time of one world. It stands still but for `fireNext` and `pass`. */
export class WorldTime {
  #elapsed = 0;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return this.#elapsed;
  }

  /** When the next timer comes due; undefined if none is set. */
  get nextAt(): number | undefined {
    return this.#next()?.at;
  }

  /** Goes on to the next timer and runs it. */
  fireNext(): void {
    const timer = this.#next();
    if (timer === undefined) return;
    this.#timers.delete(timer);
    this.#elapsed = Math.max(this.#elapsed, timer.at);
    timer.callback();
  }

  /** Goes on to that time; what comes due meanwhile is late. */
  pass(until: number): void {
    this.#elapsed = Math.max(this.#elapsed, until);
  }

  /** A clock whose timers all end when its owner's life does. */
  life(): { readonly clock: Clock; end(): void } {
    const mine = new Set<Timer>();
    let alive = true;
    const clock: Clock = {
      now: () => epochMs + this.#elapsed,
      monotonic: () => this.#elapsed,
      setTimer: (delayMs, callback) => {
        this.#order += 1;
        const timer = {
          // Whole milliseconds, as those of setTimeout.
          at: this.#elapsed + Math.max(0, Math.ceil(delayMs)),
          order: this.#order,
          callback: () => {
            mine.delete(timer);
            callback();
          },
        };
        if (alive) {
          mine.add(timer);
          this.#timers.add(timer);
        }
        return () => {
          mine.delete(timer);
          this.#timers.delete(timer);
        };
      },
    };
    return {
      clock,
      end: () => {
        alive = false;
        for (const timer of mine) this.#timers.delete(timer);
        mine.clear();
      },
    };
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (next === undefined || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }
}
