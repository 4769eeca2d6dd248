import type { PciNote } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import { isWanted } from '../wanted.ts';
import { siblingsOf } from './iommu-group.ts';

interface Other {
  readonly address: string;
  readonly stage: PciNote['stage'];
  readonly wanted: boolean;
}

/** Devices of the same IOMMU group that the guest has, or had, or is being given. */
function others(snapshot: Snapshot, address: string): Other[] {
  const device = snapshot.hostDevices.get(address);
  if (device === undefined) return [];
  return siblingsOf(device, snapshot.hostDevices.values()).flatMap((sibling) => {
    const note = snapshot.pciNotes.get(sibling.address);
    if (note === undefined) return [];
    const attachment = snapshot.attachments.find(({ metadata }) => metadata.uid === note.owner);
    const wanted = attachment !== undefined && isWanted(snapshot, attachment);
    return [{ address: sibling.address, stage: note.stage, wanted }];
  });
}

/** Whether the device must not get its dom0 driver back: the guest keeps another device of its IOMMU group. */
export function staysWithGroup(snapshot: Snapshot, address: string): boolean {
  return others(snapshot, address).some(({ wanted }) => wanted);
}

/** The device of the same IOMMU group that has to leave the guest before this one can get its dom0 driver back. */
export function leavesAfter(snapshot: Snapshot, address: string, note: PciNote): string | undefined {
  if (note.originalDriver === undefined || note.unconfirmed === true) return undefined;
  if (staysWithGroup(snapshot, address)) return undefined;
  return others(snapshot, address).find(({ stage }) => stage !== 'removed' && stage !== 'claimed')?.address;
}
