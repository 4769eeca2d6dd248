import { setImmediate } from 'node:timers/promises';

/** Most files that are open at once, and most devices that are read before others get their turn. */
const batch = 32;

/** `work` of every item, in order, so many at a time: a host has thousands of devices, and a process few threads. */
export async function inBatches<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += batch) {
    results.push(...(await Promise.all(items.slice(start, start + batch).map(work))));
    await setImmediate();
  }
  return results;
}
