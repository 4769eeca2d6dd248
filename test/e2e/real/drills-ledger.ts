import { type ApiCall, isBeat, isWrite, mostWritten, tally } from '../../support/api-calls.ts';
import type { DrillProgram } from '../../support/drill-world.ts';

/** What one drill cost. */
export interface Account {
  readonly drill: string;
  /** Calls of all programs, beats apart. */
  readonly calls: readonly ApiCall[];
  readonly beats: number;
  /** Of the beats. */
  readonly failedBeats: number;
  readonly most: { readonly object: string; readonly writes: number };
}

/** Begins to count. What it gives ends it. */
export function openAccount(drill: string, programs: readonly Pick<DrillProgram, 'proxy'>[]): () => Account {
  const from = programs.map(({ proxy }) => proxy.calls.length);
  return () => {
    const all = programs.flatMap(({ proxy }, index) => proxy.calls.slice(from[index]));
    const calls = all.filter((call) => !isBeat(call));
    const beats = all.filter(isBeat);
    return {
      drill,
      calls,
      beats: beats.length,
      failedBeats: beats.filter(hasFailed).length,
      most: mostWritten(calls),
    };
  };
}

/** How many calls change something, words for people among them. */
export const writes = ({ calls }: Account): number =>
  calls.filter(({ verb }) => ['create', 'update', 'patch', 'delete'].includes(verb)).length;

/** How many watches were asked for. */
export const watches = ({ calls }: Account): number => calls.filter(({ verb }) => verb === 'watch').length;

/**
 * Calls that read a whole collection: lists, and watches that begin with everything. One that is refused reads nothing:
 * Kubernetes 1.31 refuses such watches, and a list is asked for in its place.
 */
export const relists = ({ calls }: Account): number =>
  calls.filter(({ verb, resumes, status }) => (verb === 'list' || verb === 'watch') && !resumes && status !== 422)
    .length;

/** Whether a call was refused for no fault of the caller's; a conflict or what is not there is an answer. */
const isRefused = ({ status = 0 }: ApiCall): boolean => status === 429 || status === 410 || status >= 500;

const hasFailed = (call: ApiCall): boolean => isRefused(call) || call.status === undefined || call.lost === true;

/** Calls that were refused for no fault of the caller's. */
export const refused = ({ calls }: Account): readonly string[] =>
  calls.filter(isRefused).map(({ verb, resource, name, status }) => `${verb} ${resource} ${name}: ${String(status)}`);

/** Calls that were refused, or not answered at all. */
export const failures = ({ calls }: Account): number => calls.filter(hasFailed).length;

/** Writes of objects that were taken, and were sent once more with the same words. When a word was said does not count. */
export function repeated({ calls }: Account): readonly string[] {
  const taken = calls.filter((call) => isWrite(call) && (call.status ?? 500) < 300);
  const timeless = (body: string): string => body.replaceAll(/"lastTransitionTime":"[^"]*"/g, '');
  const sent = tally(taken, ({ verb, resource, name, body }) => [verb, resource, name, timeless(body)].join(' '));
  return [...sent].filter(([, times]) => times > 1).map(([words]) => words);
}

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
