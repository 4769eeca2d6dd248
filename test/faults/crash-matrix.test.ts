import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFaultWorld, type FaultWorld } from '../support/world-parts.ts';
import { apiGone, cut, kill, type Fault } from './fault.ts';
import { tree } from './observe.ts';
import {
  attach,
  attachShown,
  attachTwo,
  create,
  detach,
  pause,
  resume,
  takeDown,
  type Operation,
} from './operations.ts';
import { Subjects } from './subjects.ts';
import { sweep, type Swept, type SweepOptions } from './sweep.ts';
import { pointsTable } from './table.ts';

/** Hosts, each with its agent: so many runs go on at the same time, since most of each is waiting. */
const hosts = 6;
/** Two for each stub domain: an agent that starts looks at all of them, which takes its time. */
const devicesPerHost = 24;
const minutes = 60_000;

const complete: SweepOptions = {};
/** A new process takes its time: of long transactions one request of so many. The cut ones try every one. */
const sampled: SweepOptions = { every: 10 };

describe('an agent that loses its life, XenStore or the API server at any request that changes something goes on where it was', () => {
  let world: FaultWorld;
  let subjects: Subjects;
  let before: string[][];
  const done: Swept[] = [];

  beforeAll(async () => {
    world = await startFaultWorld({ hosts, devicesPerHost });
    subjects = new Subjects(world);
    before = await Promise.all(world.hosts.map(tree));
  }, 2 * minutes);

  afterAll(async () => {
    await world.close();
    process.stdout.write(`${pointsTable(done)}\n`);
  }, minutes);

  const rows = [kill, cut, apiGone].flatMap((fault): [Fault, Operation, string, SweepOptions][] => [
    [fault, create, 'there is exactly one stub domain', fault === kill ? sampled : complete],
    [fault, attach, 'one pci-ins is consumed', complete],
    [fault, attachTwo, 'one pci-ins is consumed for each of two devices', fault === kill ? sampled : complete],
    [fault, detach, 'one pci-rem is consumed, and the device is back with its driver', complete],
    [fault, pause, 'the state is saved once', complete],
    [fault, resume, 'it is told to continue once', complete],
    [fault, takeDown, 'the devices leave the guest first, and nothing stays', fault === kill ? sampled : complete],
    [fault, attachShown, 'the host says who has the device', { links: ['host object'] }],
  ]);
  test.each(rows.map(([fault, operation, end, options]) => ({ fault, operation, end, options })))(
    '$fault.name, $operation.name: $end',
    async ({ fault, operation, options }) => {
      const swept = await sweep(world, subjects, operation, fault, options);
      done.push(swept);
      expect(swept.failures).toEqual([]);
      expect(Object.values(swept.points).length).toBeGreaterThan(0);
    },
    10 * minutes,
  );

  test(
    'when all is deleted, XenStore is as it was before',
    async () => {
      await subjects.removeAll();
      expect(await Promise.all(world.hosts.map(tree))).toEqual(before);
    },
    minutes,
  );
});
