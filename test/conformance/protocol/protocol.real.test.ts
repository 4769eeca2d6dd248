import { describe, test } from '@jest/globals';
import { type RealXenstoredKind, setUpRealXenstored } from '../../support/real-xenstored.ts';
import { realDaemon } from '../../support/world-daemon.ts';
import { play } from './play.ts';
import { scenarios } from './scenarios.ts';

const setup = await setUpRealXenstored();
const daemons: readonly RealXenstoredKind[] = [
  { flavor: 'c', version: '4.20' },
  { flavor: 'ocaml', version: '4.17' },
];

describe.each(daemons)('the protocol on $flavor xenstored of Xen $version', (kind) => {
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
