/**
 * The guest's PCI bus as qemu-traditional's hot-plug code sees it: 32 slots of 8 functions, by device and function
 * number (`slot << 3 | function`).
 */

/** What sits at a device and function number. */
export type Occupant =
  | { readonly kind: 'emulated' }
  | {
      readonly kind: 'device';
      /** BDF as the toolstack spelled it, without segment: that is all that the device model compares. */
      readonly device: string;
      /** Whether registration made a device object. Without one the slot is lost until the stub domain restarts. */
      readonly registered: boolean;
      /** Whether the guest can see it: a device whose configuration space reads as zeros is there and yet not seen. */
      readonly visible: boolean;
      /** Whether the guest was told of it: it looks at a slot when function 0 comes, and then at all functions. */
      readonly told: boolean;
    };

export type Slots = ReadonlyMap<number, Occupant>;

export const slotCount = 32;
export const functionsPerSlot = 8;

/** Slots with the first `count` taken by emulated devices: bridge, IDE, graphics, Xen platform, network cards. */
export function emulatedSlots(count: number): Slots {
  const taken = Math.min(Math.max(count, 0), slotCount);
  return new Map(Array.from({ length: taken }, (_, slot) => [slot * functionsPerSlot, { kind: 'emulated' } as const]));
}

/** Whether no function of the slot is taken. */
export function slotIsFree(slots: Slots, slot: number): boolean {
  for (let fn = 0; fn < functionsPerSlot; fn += 1) {
    if (slots.has(slot * functionsPerSlot + fn)) return false;
  }
  return true;
}

/** Device and function number or why there is none; the texts are those that the device model writes. */
export type SlotChoice =
  { readonly kind: 'chosen'; readonly devfn: number } | { readonly kind: 'refused'; readonly text: InsertFailure };

/** The two sentences that a failed pci-ins leaves in `parameter` (stubdom-protocol §4.4). */
export type InsertFailure = 'no free hotplug devfn' | 'wrong bdf or vdevfn';

/**
 * Where an insert goes. `wish` undefined, or with bit 0x100 set, means the first slot with all functions free; the low
 * three bits of such a wish become the function. Everything else must be a free number below 0x100.
 */
export function chooseSlot(slots: Slots, wish: number | undefined): SlotChoice {
  if (wish === undefined || (wish & 0x100) !== 0) {
    for (let slot = 0; slot < slotCount; slot += 1) {
      if (slotIsFree(slots, slot)) {
        return { kind: 'chosen', devfn: slot * functionsPerSlot + ((wish ?? 0) & 7) };
      }
    }
    return { kind: 'refused', text: 'no free hotplug devfn' };
  }
  if (wish > 0xff || slots.has(wish)) return { kind: 'refused', text: 'wrong bdf or vdevfn' };
  return { kind: 'chosen', devfn: wish };
}

/** The lowest device and function number that holds `device`. */
export function findDevice(slots: Slots, device: string): number | undefined {
  let found: number | undefined;
  for (const [devfn, occupant] of slots) {
    if (occupant.kind === 'device' && occupant.device === device && (found === undefined || devfn < found))
      found = devfn;
  }
  return found;
}

export function withOccupant(slots: Slots, devfn: number, occupant: Occupant): Slots {
  return new Map(slots).set(devfn, occupant);
}

/** Powers off all eight functions of the slot, except those that have no device object to power off. */
export function withoutSlot(slots: Slots, devfn: number): Slots {
  const slot = devfn >> 3;
  return new Map([...slots].filter(([at, held]) => at >> 3 !== slot || (held.kind === 'device' && !held.registered)));
}

/** The guest looks at the slot. */
export function withTold(slots: Slots, slot: number): Slots {
  return new Map(
    [...slots].map(([at, held]) => [at, held.kind === 'device' && at >> 3 === slot ? { ...held, told: true } : held]),
  );
}
