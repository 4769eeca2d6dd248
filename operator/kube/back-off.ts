import type { Clock, Random } from '../runtime/ports.ts';
import { networkError } from './errors.ts';

/** Bounds of an exponential back-off, in milliseconds. */
export interface BackOffRange {
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Full jitter: somewhere between 0 and `baseMs · 2^failures`, at most `maxMs`. `failures` counts from 0. */
export function exponentialDelay(failures: number, range: BackOffRange, random: Random): number {
  return random() * Math.min(range.maxMs, range.baseMs * 2 ** Math.min(failures, 30));
}

/** Resolves after `delayMs`; rejects with `EABORTED` when the signal says so first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      cancel();
      reject(networkError('EABORTED', 'given up while waiting', signal?.reason));
    };
    const cancel = clock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    if (signal?.aborted === true) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** What `tried` comes to; rejects with `EDEADLINE` after `limitMs`. What it comes to then is not heard. */
export function within<T>(clock: Clock, limitMs: number, tried: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.setTimer(limitMs, () => {
      reject(networkError('EDEADLINE', `no answer within ${limitMs} ms`));
    });
    tried.then(resolve, reject).finally(cancel);
  });
}
