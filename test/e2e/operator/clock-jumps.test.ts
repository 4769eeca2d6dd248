import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { printTimings } from '../../support/timings.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;
const hour = 3_600_000;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
});
afterEach(() => {
  world.host().clock.setAhead(0);
});
afterAll(async () => {
  printTimings(world);
  await world.close();
});

test('the time of day is set forward: a stub domain that dies then is made again soon', async () => {
  await world.running('mortal');
  world.host().clock.setAhead(hour);
  const { status } = await objects.get('StubDomain', 'mortal');
  await world.host().admin.killDomain(status?.domid ?? 0);
  await eventually(async () => {
    expect((await objects.ready('StubDomain', 'mortal')).status?.uuid).not.toBe(status?.uuid);
  });
});

test.each([
  ['forward', hour],
  ['back', -hour],
])('the time of day is set %s: a device model has its time to start, and no more', async (direction, ahead) => {
  const name = `silent-${direction}`;
  const host = world.host();
  host.clock.setAhead(ahead);
  await host.admin.addQuirk(`no-boot@${name}`);
  await host.addGuest(name);
  await objects.stubDomain(name);
  await objects.condition('StubDomain', name, 'DeviceModelRunning', { status: 'False', reason: 'Starting' });
  host.clock.skip(30_000);
  await objects.condition('StubDomain', name, 'Ready', { reason: 'StartTimeout' });
});

test('the time of day is set back: an insert without an answer is waited for before the next one', async () => {
  const host = world.host();
  await world.running('mute', 'drop-replies');
  host.clock.setAhead(-hour);
  await Promise.all(['1', '2'].map((unit) => objects.attachment(`mute-${unit}`, 'mute', `0000:10:0${unit}.0`)));
  const sent = async (): Promise<(string | undefined)[]> => {
    const both = await Promise.all(['1', '2'].map((unit) => objects.get('PciAttachment', `mute-${unit}`)));
    return both.flatMap(({ status }) => (status?.command === undefined ? [] : [status.command.outcome]));
  };
  await eventually(async () => {
    expect(await sent()).toEqual(['Pending']);
  });
  host.clock.skip(60_000);
  await eventually(async () => {
    const all = await objects.list('PciAttachment');
    const reasons = all.map(({ status }) => status?.conditions?.find(({ type }) => type === 'Inserted')?.reason);
    expect(reasons).toContain('WaitingForOther');
  });
  expect(await sent()).toEqual(['Unknown']);
});
