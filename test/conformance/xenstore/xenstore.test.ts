import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setUpRealXenstored } from '../../support/real-xenstored.ts';
import { groups } from './cases/all.ts';
import { compare } from './check.ts';
import { daemonNames, startDaemon, type Daemon } from './daemons.ts';
import { differences } from './differences.ts';
import { runCase } from './world.ts';

const setup = await setUpRealXenstored();

for (const name of daemonNames) {
  const describeHere = name === 'embedded' || setup.available ? describe : describe.skip;
  describeHere(name, () => {
    let shared: Daemon;

    beforeAll(async () => {
      shared = await startDaemon(name);
    });
    afterAll(async () => {
      await shared.stop();
    });

    for (const group of groups) {
      describe(group.name, () => {
        test.each(group.cases.map((entry) => [entry.name, entry] as const))('%s', async (_, entry) => {
          const daemon = entry.alone === undefined ? shared : await startDaemon(name);
          try {
            const { seen, expected } = compare(name, entry, await runCase(daemon, entry));
            expect(seen).toEqual(expected);
          } finally {
            if (daemon !== shared) await daemon.stop();
          }
        });
      });
    }
  });
}

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
