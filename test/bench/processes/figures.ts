/** Prints one figure. */
export function row(what: string, figure: string, note = ''): void {
  console.log(`${what.padEnd(66)}${figure.padStart(14)}${note === '' ? '' : `   ${note}`}`);
}

/** The value below which `share` of them are. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Median and largest of times in milliseconds. */
export const spread = (values: readonly number[]): string =>
  `${quantile(values, 0.5).toFixed(1)} / ${Math.max(...values).toFixed(1)} ms`;
