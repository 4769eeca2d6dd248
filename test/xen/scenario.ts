import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { setUpXenLab } from '../support/xen-lab.ts';
import { type XenLabWorld, type XenLabWorldOptions, startXenLabWorld } from '../support/xen-lab-world.ts';

const bootLimitMs = 900_000;
const scenarioLimitMs = 420_000;

type Define = (name: string, work: (world: XenLabWorld) => Promise<unknown>) => void;

/** Scenarios that go on from one another in one booted lab. */
export interface Scenarios {
  /** A part of the run, with its own line in the table of times. When one has failed, those that need it do not begin. */
  readonly scenario: Define;
  /** One that no other goes on from. */
  readonly aside: Define;
}

/** Boots a lab for the tests that are defined next, in order; skips them, loudly, where it cannot be had. */
export async function inXenLab(options: XenLabWorldOptions): Promise<Scenarios> {
  const setup = await setUpXenLab();
  if (!setup.available) {
    const skipped: Define = (name) => {
      test.skip(name, () => undefined);
    };
    return { scenario: skipped, aside: skipped };
  }
  let world: XenLabWorld | undefined;
  let failed: string | undefined;
  beforeAll(async () => {
    world = await startXenLabWorld(options);
  }, bootLimitMs);
  afterAll(() => world?.close(), 120_000);
  const defining =
    (goesOn: boolean): Define =>
    (name, work) => {
      test(
        name,
        async () => {
          if (world === undefined) throw new Error('the lab did not boot');
          if (failed !== undefined) throw new Error(`not begun, since this failed: ${failed}`);
          const here = world;
          try {
            await here.steps.step(name, () => work(here));
          } catch (error) {
            if (goesOn) failed = name;
            throw error;
          }
          expect(await here.lab.file('serial.log')).not.toMatch(/Dom0 crashed|Panic on CPU/);
        },
        scenarioLimitMs,
      );
    };
  return { scenario: defining(true), aside: defining(false) };
}
