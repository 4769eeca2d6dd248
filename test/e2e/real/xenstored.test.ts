import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { realXenstoredKinds, setUpRealXenstored, startRealXenstored } from '../../support/real-xenstored.ts';
import { liveThroughSamples, startParts } from './scenario.ts';

const setup = await setUpRealXenstored();

const run = setup.available ? describe : describe.skip;

run('the agent on a real xenstored, its device models on real guests’ rings', () => {
  test.each(realXenstoredKinds)(
    '$flavor xenstored of Xen $version',
    async (kind) => {
      const cache = setup.available ? setup.cache : '';
      const dir = await mkdtemp(join(tmpdir(), 'xs-'));
      const daemon = await startRealXenstored({ ...kind, dir });
      try {
        const fabric = { kind: 'fakexen', fakexen: join(cache, 'bin', 'fakexen'), directory: dir } as const;
        const world = await startParts({ xenstoreSocket: daemon.socket, fabric });
        try {
          await liveThroughSamples(world);
        } finally {
          await world.close();
        }
      } finally {
        await daemon.stop();
        await rm(dir, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
