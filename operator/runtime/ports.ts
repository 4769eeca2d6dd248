/** The edges that pure code gets as arguments: time, chance, words. */

/** Time. `now` is wall clock milliseconds; timers are those of `setTimeout`, and never keep the process alive. */
export interface Clock {
  now(): number;
  /** Milliseconds that never go back. */
  monotonic(): number;
  /** Runs `callback` after `delayMs`; gives back what cancels it. */
  setTimer(delayMs: number, callback: () => void): () => void;
}

/** A number in [0, 1). */
export type Random = () => number;

/** Structured words: a short constant message, and facts beside it. Never raw bytes from a guest. */
export interface Logger {
  debug(message: string, facts?: Readonly<Record<string, unknown>>): void;
  info(message: string, facts?: Readonly<Record<string, unknown>>): void;
  warn(message: string, facts?: Readonly<Record<string, unknown>>): void;
  error(message: string, facts?: Readonly<Record<string, unknown>>): void;
  child(facts: Readonly<Record<string, unknown>>): Logger;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => {
      clearTimeout(timer);
    };
  },
};

export const silentLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLogger,
};
