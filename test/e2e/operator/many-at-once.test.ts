import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
});
afterAll(() => world.close());

test('one stub domain gets its devices in the order in which they were asked for, all in one listing', async () => {
  await world.running('row');
  const addresses = ['0000:10:08.0', '0000:10:03.0', '0000:10:05.0', '0000:10:01.0'];
  for (const [index, address] of addresses.entries()) await objects.attachment(`row-${String(index)}`, 'row', address);
  for (const index of addresses.keys()) await objects.ready('PciAttachment', `row-${String(index)}`);
  expect((await world.host().deviceModel('row'))?.commands).toMatchObject({ 'pci-ins': 4 });
  const slots = await Promise.all(
    [...addresses.keys()].map(async (index) => {
      const { status } = await objects.get('PciAttachment', `row-${String(index)}`);
      return Number((status as { virtualDeviceFunction?: string }).virtualDeviceFunction);
    }),
  );
  // The device model takes the first free slot each time.
  expect(slots).toEqual([...slots].sort((a, b) => a - b));
});

test('a device model that takes its time, and one that never answers, delay nobody else', async () => {
  await world.running('sluggish', 'reply-delay=60000');
  await world.running('mute', 'drop-replies');
  await world.running('brisk');
  await objects.attachment('sluggish-0', 'sluggish', '0000:10:09.0');
  await objects.attachment('mute-0', 'mute', '0000:10:0a.0');
  await eventually(async () => {
    expect((await world.host().deviceModel('mute'))?.commands).toMatchObject({ 'pci-ins': 1 });
  });
  await objects.attachment('brisk-0', 'brisk', '0000:10:0b.0');
  await objects.ready('PciAttachment', 'brisk-0');
  for (const name of ['sluggish-0', 'mute-0']) {
    const { status } = await objects.get('PciAttachment', name);
    expect(status).not.toMatchObject({ phase: 'Attached' });
  }
});
