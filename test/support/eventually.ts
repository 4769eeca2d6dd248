import { setTimeout as sleep } from 'node:timers/promises';

const intervalMs = 20;
const limitMs = 15_000;

/**
 * Runs `check` again and again until it does not throw, and gives what it gave. After the limit (milliseconds) the last
 * failure is thrown: it says what was still wrong.
 */
export async function eventually<T>(check: () => Promise<T> | T, limit = limitMs): Promise<T> {
  const end = performance.now() + limit;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await sleep(intervalMs);
  }
}
