import { describe, test } from '@jest/globals';
import { type RealXenstoredKind, setUpRealXenstored } from '../../support/real-xenstored.ts';
import { realDaemon } from '../../support/world-daemon.ts';
import { play } from './play.ts';
import { scenarios } from './scenarios.ts';

const setup = await setUpRealXenstored();

/** Plays all scenarios on a real daemon. One file for each daemon: together they would be the longest of all by far. */
export function describeProtocolOn(kind: RealXenstoredKind): void {
  describe(`the protocol on ${kind.flavor} xenstored of Xen ${kind.version}`, () => {
    (setup.available ? test : test.skip).each(
      scenarios.map((scenario) => [scenario.case, scenario.title, scenario] as const),
    )(
      '%d: %s',
      async (_case, _title, scenario) => {
        await play(scenario, realDaemon(kind));
      },
      60_000,
    );
  });
}
