import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { groups } from './cases/all.ts';
import { compare } from './check.ts';
import { startDaemon, type Daemon, type DaemonName } from './daemons.ts';
import { runCase } from './world.ts';

/** Declares the tests of all cases against one daemon. */
export function describeDaemon(name: DaemonName, available = true): void {
  (available ? describe : describe.skip)(name, () => {
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
