import type { Clock, Random } from '../runtime/ports.ts';

/** Milliseconds to wait before attempt `attempt` (from 1): exponential, with jitter over the upper half. */
export function backoffDelay(attempt: number, baseMs: number, mostMs: number, random: Random): number {
  const full = Math.min(mostMs, baseMs * 2 ** Math.min(attempt - 1, 20));
  return full * (0.5 + random() / 2);
}

/** Waits; rejects with the signal's reason when it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return abortable(
    new Promise((resolve) => {
      clock.setTimer(delayMs, resolve);
    }),
    signal,
  );
}

/** `promise`, or a rejection with the signal's reason as soon as it aborts. What `promise` does then is not heard. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(reasonOf(signal));
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort);
    });
  });
}

/** Why a signal aborted, as an Error. */
export function reasonOf(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted', { cause: signal.reason });
}
