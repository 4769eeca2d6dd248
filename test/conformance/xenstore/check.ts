import type { Case } from './case.ts';
import type { DaemonName } from './daemons.ts';
import { differences } from './differences.ts';
import type { Observation } from './world.ts';

/** A row as it is to be and as it was. */
export interface Line {
  readonly row: string;
  readonly seen: readonly string[];
}

/** What was seen and what is to be seen for a case, the known differences of the daemon put in. */
export function compare(
  daemon: DaemonName,
  test: Case,
  observations: readonly Observation[],
): { readonly seen: Line[]; readonly expected: Line[] } {
  const known = differences.filter((entry) => entry.case === test.name && entry.daemons.includes(daemon));
  const seen: Line[] = [];
  const expected: Line[] = [];
  observations.forEach((observation, index) => {
    const row = `${String(index + 1)} ${observation.connection}: ${observation.request.slice(0, 100)}`;
    const otherwise = known.map((entry) => entry.sees[index + 1]).find((sees) => sees !== undefined);
    const list =
      otherwise === undefined ? observation.expected : typeof otherwise === 'string' ? [otherwise] : otherwise;
    expected.push({ row, seen: list });
    seen.push({
      row,
      seen: observation.seen.map((text, at) =>
        list[at] === 'any error' && /^E[A-Z0-9]+$/.test(text) ? 'any error' : text,
      ),
    });
  });
  return { seen, expected };
}
