import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFaultWorld, type FaultWorld } from '../support/world-parts.ts';
import { attach, create, detach, pause, resume, takeDown } from './scenarios.ts';
import { sweep, type Fault, type Scenario } from './sweep.ts';

/** Hosts, each with its agent: so many runs go on at the same time, since most of each is waiting. */
const hosts = 4;
const devicesPerHost = 40;
const minutes = 60_000;

describe('an agent that loses its life or its link at any request that changes XenStore goes on where it was', () => {
  let world: FaultWorld;
  beforeAll(async () => {
    world = await startFaultWorld(hosts, devicesPerHost);
  }, 2 * minutes);
  afterAll(async () => {
    await world.close();
  }, minutes);

  test.each<[Fault, string, string, Scenario]>([
    ['kill', 'attach', 'exactly one pci-ins is consumed', attach],
    ['kill', 'detach', 'one pci-rem is consumed, and the device is back with its driver', detach],
    ['kill', 'create', 'there is exactly one stub domain', create],
    ['kill', 'pause', 'the state is saved once', pause],
    ['kill', 'resume', 'it is told to continue once', resume],
    ['kill', 'delete', 'the device leaves the guest first, and nothing stays', takeDown],
    ['cut', 'attach', 'exactly one pci-ins is consumed', attach],
  ])(
    '%s, %s: %s',
    async (fault, label, _, scenario) => {
      const { requests, points, failures, leftovers } = await sweep(world, `${fault}-${label}`, fault, scenario);
      process.stdout.write(`${fault}, ${label}: ${requests.length} requests, ${points} points\n`);
      expect(failures).toEqual([]);
      expect(leftovers).toEqual([]);
      expect(requests.length).toBeGreaterThan(0);
    },
    10 * minutes,
  );
});
