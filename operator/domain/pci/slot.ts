import { type PciNote, samePin } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import { isCurrent } from '../wanted.ts';

/** Slot and function in the guest share a byte: `slot << 3 | function`. */
export const slotOf = (vdevfn: number): number => vdevfn >> 3;
export const functionOf = (vdevfn: number): number => vdevfn & 7;

/** Whether the device model has the device, or may have it. */
export function isIn({ stage }: PciNote): boolean {
  return stage === 'inserted' || stage === 'attached' || stage === 'unknown';
}

/** A device that the device model has, by its address on the host. */
export interface InSlot {
  readonly address: string;
  readonly note: PciNote;
}

/** What the device model has at a slot of the guest, or may have. */
export function inSlot(snapshot: Snapshot, slot: number): InSlot[] {
  return [...snapshot.pciNotes].flatMap(([address, note]) =>
    isIn(note) && isCurrent(snapshot, note) && note.vdevfn !== undefined && slotOf(note.vdevfn) === slot
      ? [{ address, note }]
      : [],
  );
}

/**
 * What leaves the guest together with `note`: the other devices of its slot. Only function 0 can be asked to leave, and
 * takes all eight with it (qemu-traditional, piix4acpi.c).
 */
export function slotMates(notes: ReadonlyMap<string, PciNote>, note: PciNote): InSlot[] {
  const { vdevfn } = note;
  if (vdevfn === undefined || functionOf(vdevfn) !== 0) return [];
  return [...notes].flatMap(([address, other]) => {
    const together =
      other !== note && isIn(other) && samePin(other.stub, note.stub) && samePin(other.target, note.target);
    return together && other.vdevfn !== undefined && slotOf(other.vdevfn) === slotOf(vdevfn)
      ? [{ address, note: other }]
      : [];
  });
}

/** What is at function 0 of a slot. */
export function functionZeroIn(snapshot: Snapshot, slot: number): InSlot | undefined {
  return inSlot(snapshot, slot).find(({ note }) => functionOf(note.vdevfn ?? 0) === 0);
}

/** Whether the guest was told of the device: it learns of a slot when function 0 comes. */
export function isShown(snapshot: Snapshot, { vdevfn }: PciNote): boolean {
  if (vdevfn === undefined || functionOf(vdevfn) === 0) return true;
  return functionZeroIn(snapshot, slotOf(vdevfn)) !== undefined;
}
