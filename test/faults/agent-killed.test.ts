import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startFaultWorld, type FaultWorld } from '../support/world-parts.ts';
import { attach, attachTwo, create, detachOneOfTwo, pause, resume, takeDown } from './scenarios.ts';
import { sweep, type Fault, type Scenario } from './sweep.ts';

/** Hosts, each with its agent: so many runs go on at the same time, since most of each is waiting. */
const hosts = 4;
const devicesPerHost = 80;
const minutes = 60_000;
/** A new process takes its time: of long transactions one request of so many. The cut ones try every one. */
const sample = 5;

describe('an agent that loses its life or its link at any request that changes XenStore or the hypervisor goes on where it was', () => {
  let world: FaultWorld;
  beforeAll(async () => {
    world = await startFaultWorld(hosts, devicesPerHost);
  }, 2 * minutes);
  afterAll(async () => {
    await world.close();
  }, minutes);

  test.each<[Fault, string, string, Scenario, number]>([
    ['kill', 'attach', 'exactly one pci-ins is consumed', attach, 1],
    ['kill', 'detach', 'one pci-rem is consumed, and the device is back with its driver', detachOneOfTwo, 1],
    ['kill', 'create', 'there is exactly one stub domain', create, sample],
    ['kill', 'pause', 'the state is saved once', pause, 1],
    ['kill', 'resume', 'it is told to continue once', resume, 1],
    ['kill', 'delete', 'the devices leave the guest first, and nothing stays', takeDown, sample],
    ['cut', 'attach', 'exactly one pci-ins is consumed for each of two devices', attachTwo, 1],
    ['cut', 'detach', 'one pci-rem is consumed, and the device is back with its driver', detachOneOfTwo, 1],
    ['cut', 'create', 'there is exactly one stub domain', create, 1],
    ['cut', 'pause', 'the state is saved once', pause, 1],
    ['cut', 'resume', 'it is told to continue once', resume, 1],
    ['cut', 'delete', 'the devices leave the guest first, and nothing stays', takeDown, 1],
  ])(
    '%s, %s: %s',
    async (fault, label, _, scenario, every) => {
      const { requests, points, failures, leftovers } = await sweep(world, `${fault}-${label}`, fault, scenario, every);
      process.stdout.write(`${fault}, ${label}: ${requests.length} requests, ${points} points\n`);
      expect(failures).toEqual([]);
      expect(leftovers).toEqual([]);
      expect(requests.length).toBeGreaterThan(0);
    },
    10 * minutes,
  );
});
