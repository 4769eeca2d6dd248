import { describe, expect, test } from '@jest/globals';
import {
  chooseSlot,
  emulatedSlots,
  findDevice,
  withOccupant,
  withoutSlot,
  type Slots,
} from '../../../../../operator/embedded/simulated-host/device-model/slots.ts';

const card = { kind: 'device', device: '03:00.0', registered: true, visible: true, told: true } as const;
const lost = { kind: 'device', device: '03:00.0', registered: false, visible: false, told: false } as const;

describe('slots', () => {
  test.each<[string, Slots, number | undefined, string]>([
    ['the first free slot', emulatedSlots(4), undefined, '20'],
    ['a slot with one function taken is not free', withOccupant(emulatedSlots(4), 0x23, card), undefined, '28'],
    ['bit 0x100 is any slot, with that function', emulatedSlots(4), 0x103, '23'],
    ['a wished number', emulatedSlots(4), 0x88, '88'],
    ['a wished function beside another', withOccupant(emulatedSlots(4), 0x88, card), 0x89, '89'],
    ['a wished number that is taken', withOccupant(emulatedSlots(4), 0x88, card), 0x88, 'wrong bdf or vdevfn'],
    ['beyond the bus', emulatedSlots(4), 0x200, 'wrong bdf or vdevfn'],
    ['the last slot', emulatedSlots(31), undefined, 'f8'],
    ['no slot', emulatedSlots(32), undefined, 'no free hotplug devfn'],
    ['more slots in use than there are', emulatedSlots(99), undefined, 'no free hotplug devfn'],
  ])('%s', (_what, slots, wish, expected) => {
    const choice = chooseSlot(slots, wish);
    expect(choice.kind === 'chosen' ? choice.devfn.toString(16) : choice.text).toBe(expected);
  });

  test('a device in two slots is found at the lower one', () => {
    const slots = withOccupant(withOccupant(emulatedSlots(4), 0x50, card), 0x20, card);
    expect(findDevice(slots, '03:00.0')).toBe(0x20);
    expect(findDevice(slots, '04:00.0')).toBeUndefined();
  });

  test('powering off takes all functions, except those that never became a device', () => {
    const slots = withOccupant(withOccupant(emulatedSlots(4), 0x20, card), 0x21, lost);
    expect([...withoutSlot(slots, 0x20).keys()]).toEqual([0, 8, 16, 24, 0x21]);
  });
});
