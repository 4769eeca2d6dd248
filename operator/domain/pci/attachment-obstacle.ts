import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { findCondition } from '../../api/conditions.ts';
import type { Reason } from '../../api/reasons.ts';
import { samePin } from '../notes.ts';
import { isAdopting } from '../stub-domain/adoption.ts';
import { unknownDomainsMessage } from '../stub-domain/unknown-domains.ts';
import type { HostDevice, Snapshot } from '../snapshot.ts';
import { claimedAddress, isCurrent, noteOf } from '../wanted.ts';
import { differInSegmentOnly } from './bdf.ts';
import { changedDeviceMessage } from './device-identity.ts';
import { hostUseMessage, hostUseOf } from './host-critical.ts';
import { groupSharedMessage, isFreeOfHost, siblingsOf } from './iommu-group.ts';

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

/**
 * Whether dom0 drives another device of the group that does not go to this guest too. The controller looked before it
 * claimed the device; a driver may have been bound since.
 */
function sharedGroup(snapshot: Snapshot, device: HostDevice): string | undefined {
  const sibling = siblingsOf(device, snapshot.hostDevices.values()).find(
    (other) =>
      !isFreeOfHost(other) && !snapshot.attachments.some((attachment) => claimedAddress(attachment) === other.address),
  );
  return sibling === undefined ? undefined : groupSharedMessage(device, sibling, { by: 'host' });
}

/** A device of the same group that goes to the guest too, and that is not taken from the host yet. */
export function groupPending(snapshot: Snapshot, address: string): string | undefined {
  const device = snapshot.hostDevices.get(address);
  if (device === undefined) return undefined;
  return siblingsOf(device, snapshot.hostDevices.values()).find((other) => !isFreeOfHost(other))?.address;
}

const xenStoreEmptyMessage =
  'XenStore has lost what it knew of the guest, so that nobody knows whether it has the device. The conditions of the StubDomain say more.';

const linuxMessage =
  'The stub domain runs upstream QEMU (flavor Linux), which takes PCI devices through QMP; that is not spoken yet. Attach the device with the toolstack that made the guest.';

/** The first obstacle on the way of a claimed device into the guest, if any. Pure facts; nothing was tried yet. */
export function attachmentObstacle(snapshot: Snapshot, attachment: PciAttachment): Obstacle | undefined {
  const address = claimedAddress(attachment);
  if (address === undefined) return unclaimed(attachment);
  const note = noteOf(snapshot, attachment);
  if (note !== undefined && isCurrent(snapshot, note) && note.stage !== 'claimed') return undefined;
  if (unknownDomainsMessage(snapshot) !== undefined) {
    return { reason: 'XenStoreEmpty', message: xenStoreEmptyMessage, forGood: false };
  }
  if (snapshot.object?.spec.flavor === 'Linux') {
    return { reason: 'Unsupported', message: linuxMessage, forGood: true };
  }
  const device = snapshot.hostDevices.get(address);
  if (device === undefined) {
    return { reason: 'DeviceNotFound', message: `The host has no PCI device ${address}.`, forGood: true };
  }
  const changed = changedDeviceMessage(address, attachment.status?.device, device);
  if (changed !== undefined) return { reason: 'DeviceChanged', message: changed, forGood: true };
  if (hostUseOf(device) !== undefined) {
    return { reason: 'DeviceDenied', message: hostUseMessage(device), forGood: true };
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
  if (claim !== undefined && claim === snapshot.target?.domid && note === undefined && isAdopting(snapshot)) {
    return {
      reason: 'DeviceInUse',
      message: `The guest has ${address} already: its toolstack gave it (xl pci-attach, or pci= in its configuration), and is the one to take it back. Delete this PciAttachment; or take the device out of the guest's configuration and start the guest anew (xl pci-detach does not work for guests with a stub domain), and it is attached here.`,
      forGood: false,
    };
  }
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
  const shared = sharedGroup(snapshot, device);
  if (shared !== undefined) return { reason: 'IommuGroupShared', message: shared, forGood: true };
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
