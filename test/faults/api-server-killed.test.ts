import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFaultWorld, type FaultWorld } from '../support/world-parts.ts';
import { apiKilled } from './fault.ts';
import { attach, detach, pause, resume, type Operation } from './operations.ts';
import { Subjects } from './subjects.ts';
import { sweep, type Swept } from './sweep.ts';
import { pointsTable } from './table.ts';

const minutes = 60_000;

describe('an API server that is killed at any write of an agent, and started again on its data, costs nothing', () => {
  let world: FaultWorld;
  let subjects: Subjects;
  const done: Swept[] = [];

  beforeAll(async () => {
    // One host: all of them would lose the API server at the same time.
    world = await startFaultWorld({ hosts: 1, devicesPerHost: 24, apiServer: 'process' });
    subjects = new Subjects(world);
  }, 2 * minutes);

  afterAll(async () => {
    await world.close();
    process.stdout.write(`${pointsTable(done)}\n`);
  }, minutes);

  test.each<{ operation: Operation }>([
    { operation: attach },
    { operation: detach },
    { operation: pause },
    { operation: resume },
  ])(
    '$operation.name',
    async ({ operation }) => {
      const swept = await sweep(world, subjects, operation, apiKilled, { links: ['API'] });
      done.push(swept);
      expect(swept.failures).toEqual([]);
      expect(swept.points.API).toBeGreaterThan(0);
    },
    5 * minutes,
  );
});
