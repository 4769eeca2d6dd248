import { setTimeout as sleep } from 'node:timers/promises';

const intervalMs = 20;
const limitMs = 15_000;

/**
 * Runs `check` again and again until it does not throw, and gives what it gave. After the limit (milliseconds) the last
 * failure is thrown: it says what was still wrong. Looking takes at most half of the time: what is waited for has to be
 * done by this process, too.
 */
export async function eventually<T>(check: () => Promise<T> | T, limit = limitMs): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    const began = performance.now();
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await sleep(Math.max(intervalMs, performance.now() - began));
  }
}
