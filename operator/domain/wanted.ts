import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import { findCondition } from '../api/conditions.ts';
import type { PciOptions } from './command-channel/parameter.ts';
import { type PciNote, samePin } from './notes.ts';
import type { Snapshot } from './snapshot.ts';

export const isDeleting = (object: { readonly metadata: { readonly deletionTimestamp?: string } }): boolean =>
  object.metadata.deletionTimestamp !== undefined;

/** The address that the controller pinned, if it also holds the claim now. */
export function claimedAddress(attachment: PciAttachment): string | undefined {
  const claimed = findCondition(attachment.status?.conditions, 'Claimed');
  return claimed?.status === 'True' ? attachment.status?.address : undefined;
}

/** Whether the guest shall have the device: neither side is being deleted, and the device is claimed. */
export function isWanted(snapshot: Snapshot, attachment: PciAttachment): boolean {
  return (
    snapshot.object !== undefined &&
    !isDeleting(snapshot.object) &&
    !isDeleting(attachment) &&
    claimedAddress(attachment) !== undefined
  );
}

/** Whether the device is being taken back: it is noted, and nobody wants it there any more. */
export function isOnItsWayOut(snapshot: Snapshot, attachment: PciAttachment): boolean {
  return !isWanted(snapshot, attachment) && noteOf(snapshot, attachment) !== undefined;
}

/** Our note of the attachment's device. */
export function noteOf(snapshot: Snapshot, attachment: PciAttachment): PciNote | undefined {
  for (const note of snapshot.pciNotes.values()) if (note.owner === attachment.metadata.uid) return note;
  return undefined;
}

/** The address under which the note is kept. */
export function notedAddress(snapshot: Snapshot, uid: string): string | undefined {
  for (const [address, note] of snapshot.pciNotes) if (note.owner === uid) return address;
  return undefined;
}

/** Whether the note speaks of the stub domain and the guest that live now. */
export function isCurrent(snapshot: Snapshot, note: PciNote): boolean {
  return samePin(note.stub, snapshot.stub) && samePin(note.target, snapshot.target);
}

/** The attachment's options as the protocol has them. */
export function pciOptions(attachment: PciAttachment): PciOptions {
  const { options } = attachment.spec;
  return {
    msiTranslate: options.msiTranslate === 'Enabled',
    powerManagement: options.powerManagement === 'Enabled',
    permissive: options.permissive === 'Enabled',
    rdmPolicy: options.rdmPolicy === 'Relaxed' ? 'relaxed' : 'strict',
  };
}

/** Slot and function in the guest that the spec asks for. */
export function wantedVdevfn({ spec }: PciAttachment): number | undefined {
  return spec.virtualSlot === undefined ? undefined : (spec.virtualSlot << 3) | spec.virtualFunction;
}
