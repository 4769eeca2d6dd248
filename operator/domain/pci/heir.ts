import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { PciNote } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import { claimedAddress, isCurrent, isWanted, pciOptions, wantedVdevfn } from '../wanted.ts';

/** How a device was asked for: two attachments with the same words can have the same insert. */
export function requestText(attachment: PciAttachment): string {
  const { msiTranslate, powerManagement, permissive, rdmPolicy } = pciOptions(attachment);
  const slot = wantedVdevfn(attachment) ?? 'any';
  return `slot=${slot},msitranslate=${msiTranslate},power_mgmt=${powerManagement},permissive=${permissive},rdm_policy=${rdmPolicy}`;
}

/**
 * The attachment that takes over a device whose own attachment is gone: the object was deleted without its finalizer and
 * created again, and asks for the same. The guest keeps the device.
 */
export function heirOf(snapshot: Snapshot, address: string, note: PciNote): PciAttachment | undefined {
  const { attachments, channel } = snapshot;
  if (!isCurrent(snapshot, note) || note.request === undefined || channel?.inflight?.address === address)
    return undefined;
  if (note.stage !== 'claimed' && note.stage !== 'inserted' && note.stage !== 'attached') return undefined;
  if (attachments.some(({ metadata }) => metadata.uid === note.owner)) return undefined;
  return attachments.find(
    (attachment) =>
      isWanted(snapshot, attachment) &&
      claimedAddress(attachment) === address &&
      requestText(attachment) === note.request,
  );
}
