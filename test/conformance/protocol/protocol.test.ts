import { describe, test } from '@jest/globals';
import { embeddedDaemon } from '../../support/world-daemon.ts';
import { play } from './play.ts';
import { scenarios } from './scenarios.ts';

describe('the protocol on the embedded daemon', () => {
  test.each(scenarios.map((scenario) => [scenario.case, scenario.title, scenario] as const))(
    '%d: %s',
    async (_case, _title, scenario) => {
      await play(scenario, embeddedDaemon);
    },
  );
});
