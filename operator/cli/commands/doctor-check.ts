/** What a check came to: `warn` may be as somebody wants it, `fail` cannot be. */
export type Verdict = 'ok' | 'warn' | 'fail';

/** One line of what `stubdom doctor` says. Nothing in it comes from a guest but numbers and uuids that were parsed. */
export interface Check {
  readonly check: string;
  readonly verdict: Verdict;
  readonly what: string;
  /** What to do; absent where nothing is to be done, or `what` says it. */
  readonly next?: string;
}

/** All is well. */
export const ok = (check: string, what: string): Check => ({ check, verdict: 'ok', what });

/** Perhaps somebody wants it so. */
export const warn = (check: string, what: string, next?: string): Check => ({
  check,
  verdict: 'warn',
  what,
  ...(next === undefined ? {} : { next }),
});

/** Nobody can want it so. */
export const fail = (check: string, what: string, next?: string): Check => ({
  check,
  verdict: 'fail',
  what,
  ...(next === undefined ? {} : { next }),
});

/** A span of time for people: `42 s`, `7 min`, `3 h`, `2 d`. */
export function ageText(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 120) return `${String(seconds)} s`;
  if (seconds < 7200) return `${String(Math.floor(seconds / 60))} min`;
  if (seconds < 172_800) return `${String(Math.floor(seconds / 3600))} h`;
  return `${String(Math.floor(seconds / 86_400))} d`;
}
