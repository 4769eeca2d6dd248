import { describe, expect, test } from '@jest/globals';
import { groups } from './cases/all.ts';
import { differences } from './differences.ts';
import { describeDaemon } from './suite.ts';

describeDaemon('embedded');

describe('the tables', () => {
  const cases = groups.flatMap((group) => group.cases);

  test('no two cases have the same name', () => {
    expect(new Set(cases.map((entry) => entry.name)).size).toBe(cases.length);
  });

  test('each difference is of a row that is there, and says something else than the row', () => {
    for (const difference of differences) {
      const found = cases.find((entry) => entry.name === difference.case);
      for (const [row, sees] of Object.entries(difference.sees)) {
        const expected = found?.rows[Number(row) - 1]?.[2];
        expect([difference.case, row, expected]).not.toContain(undefined);
        expect([difference.case, row, sees]).not.toEqual([difference.case, row, expected]);
      }
    }
  });
});
