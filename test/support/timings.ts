import type { OperatorWorld } from './operator-world.ts';

/** Prints how long each awaited condition took: a figure to look at, nothing is asserted of it. */
export function printTimings({ objects }: OperatorWorld): void {
  const width = Math.max(...objects.times.map(({ what }) => what.length));
  const rows = objects.times.map(({ what, ms }) => `  ${what.padEnd(width)} ${String(ms).padStart(6)} ms`);
  process.stdout.write(`waited for:\n${rows.join('\n')}\n`);
}
