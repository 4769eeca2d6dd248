import { type ApiCall, isBeat, mostWritten, tally } from '../../support/api-calls.ts';
import type { DrillProgram } from '../../support/drill-world.ts';

/** What one drill cost. */
export interface Account {
  readonly drill: string;
  /** Calls of all programs, beats apart. */
  readonly calls: readonly ApiCall[];
  readonly beats: number;
  readonly most: { readonly object: string; readonly writes: number };
}

/** Begins to count. What it gives ends it. */
export function openAccount(drill: string, programs: readonly Pick<DrillProgram, 'proxy'>[]): () => Account {
  const from = programs.map(({ proxy }) => proxy.calls.length);
  return () => {
    const all = programs.flatMap(({ proxy }, index) => proxy.calls.slice(from[index]));
    const calls = all.filter((call) => !isBeat(call));
    return { drill, calls, beats: all.length - calls.length, most: mostWritten(calls) };
  };
}

/** Calls that read a whole collection: lists, and watches that begin with everything. */
export const relists = ({ calls }: Account): number =>
  calls.filter(({ verb, resumes }) => (verb === 'list' || verb === 'watch') && !resumes).length;

/** Calls that were answered with an error, or not at all; a conflict or what is not there is an answer. */
export const failures = ({ calls }: Account): number =>
  calls.filter(({ status = 0 }) => status === 0 || status === 429 || status === 410 || status >= 500).length;

/** For people: one line a drill. */
export function accountsTable(accounts: readonly Account[]): string {
  const verbs = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete'] as const;
  const head = ['drill', ...verbs, 'beats', 'failed', 'most writes of one object'];
  const rows = accounts.map((account) => {
    const counts = tally(account.calls, ({ verb }) => verb);
    const most = `${String(account.most.writes)} (${account.most.object})`;
    const numbers = [...verbs.map((verb) => counts.get(verb) ?? 0), account.beats, failures(account)];
    return [account.drill, ...numbers.map(String), most];
  });
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}
