import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { findCondition } from '../../api/conditions.ts';
import type { Reason } from '../../api/reasons.ts';
import { samePin } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import { claimedAddress, isCurrent, noteOf } from '../wanted.ts';
import { differInSegmentOnly } from './bdf.ts';

/** What stands in the way of attaching, in the words of its condition. `forGood`: only a change by somebody helps. */
export interface Obstacle {
  readonly reason: Reason;
  readonly message: string;
  readonly forGood: boolean;
}

/** Without a claim, what the controller said of it is what stands in the way. */
function unclaimed(attachment: PciAttachment): Obstacle {
  const claimed = findCondition(attachment.status?.conditions, 'Claimed');
  if (claimed?.status !== 'False')
    return { reason: 'NotInserted', message: 'No device is claimed yet.', forGood: false };
  return { reason: claimed.reason as Reason, message: claimed.message, forGood: false };
}

/** The first obstacle on the way of a claimed device into the guest, if any. Pure facts; nothing was tried yet. */
export function attachmentObstacle(snapshot: Snapshot, attachment: PciAttachment): Obstacle | undefined {
  const address = claimedAddress(attachment);
  if (address === undefined) return unclaimed(attachment);
  const note = noteOf(snapshot, attachment);
  if (note !== undefined && isCurrent(snapshot, note) && note.stage !== 'claimed') return undefined;
  const device = snapshot.hostDevices.get(address);
  if (device === undefined) {
    return { reason: 'DeviceNotFound', message: `The host has no PCI device ${address}.`, forGood: true };
  }
  const held = snapshot.pciNotes.get(address);
  if (held !== undefined && held.owner !== attachment.metadata.uid) {
    return {
      reason: 'DeviceClaimed',
      message: `${address} is still being taken back from PciAttachment ${held.name}, which is gone.`,
      forGood: false,
    };
  }
  const claim = snapshot.claims.get(address);
  if (claim !== undefined && claim !== snapshot.target?.domid && claim !== note?.target.domid) {
    return {
      reason: 'DeviceInUse',
      message: `${address} is given to domain ${claim} on this host, by something else than this operator. Detach it there.`,
      forGood: false,
    };
  }
  if (device.driver !== 'pciback' && attachment.spec.driverPolicy !== 'Seize') {
    const holder = device.driver === undefined ? 'has no driver' : `is bound to driver ${device.driver} of dom0`;
    return {
      reason: 'DeviceNotAssignable',
      message: `${address} ${holder}. Make it assignable (xl pci-assignable-add ${address}), or set spec.driverPolicy to Seize.`,
      forGood: true,
    };
  }
  for (const [other, otherNote] of snapshot.pciNotes) {
    if (differInSegmentOnly(other, address) && otherNote.stage !== 'removed') {
      return {
        reason: 'SegmentClash',
        message: `The guest has ${other}, which the device model cannot tell from ${address}: it ignores the PCI segment.`,
        forGood: false,
      };
    }
  }
  const { enumerated } = snapshot;
  if (enumerated !== undefined && samePin(enumerated.stub, snapshot.stub) && !enumerated.addresses.includes(address)) {
    return {
      reason: 'EnumerationStale',
      message: `The stub domain listed its PCI devices before ${address} came, and MiniOS lists only once. Restart the guest, or delete and create the StubDomain, to have it listed.`,
      forGood: true,
    };
  }
  return undefined;
}
