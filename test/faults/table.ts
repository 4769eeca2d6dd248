import type { Link } from '../support/fault-line.ts';
import type { Swept } from './sweep.ts';

const columns: readonly Link[] = ['XenStore', 'hypervisor', 'API', 'host object'];

/** How many points were tried, by operation and fault, as a table for people. */
export function pointsTable(all: readonly Swept[]): string {
  const rows = all.map(({ operation, fault, points }) => {
    const counts = columns.map((link) => points[link] ?? 0);
    return [fault, operation, ...[...counts, sum(counts)].map(String)];
  });
  const total = sum(all.flatMap(({ points }) => Object.values(points)));
  const table = [
    ['fault', 'operation', ...columns, 'points'],
    ...rows,
    ['total', '', ...columns.map((link) => String(sum(all.map(({ points }) => points[link] ?? 0)))), String(total)],
  ];
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table
    .map((row) =>
      row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join('  '),
    )
    .join('\n');
}

const sum = (counts: readonly number[]): number => counts.reduce((total, count) => total + count, 0);
