import type { PciAttachment, PciAttachmentStatus } from '../../api/generated/pci-attachment.ts';
import { kubeTime } from '../../api/conditions.ts';
import type { Snapshot } from '../snapshot.ts';
import type { PciNote } from '../notes.ts';
import { isReconcilePaused } from '../reconcile-pause.ts';
import { isShown } from './slot.ts';
import { commandStatus } from '../stub-domain/status.ts';
import { formatVdevfn } from '../untrusted.ts';
import { isCurrent, isDeleting, isOnItsWayOut, noteOf } from '../wanted.ts';

type Facts = Omit<PciAttachmentStatus, 'conditions' | 'nodeName' | 'observedGeneration' | 'address'>;
type Phase = NonNullable<PciAttachmentStatus['phase']>;

/** What the agent reports of an attachment besides its conditions. */
export function pciAttachmentFacts(
  snapshot: Snapshot,
  attachment: PciAttachment,
  stalled: boolean,
  failed: boolean,
): Facts {
  const note = noteOf(snapshot, attachment);
  const current = note !== undefined && isCurrent(snapshot, note) ? note : undefined;
  const command = commandStatus(snapshot, attachment.metadata.uid);
  const isLeftAlone = isReconcilePaused(attachment) || isReconcilePaused(snapshot.object);
  return {
    phase: phase(attachment, shownStage(snapshot, current), (stalled && !isLeftAlone) || failed),
    ...(current?.vdevfn === undefined || (current.stage !== 'inserted' && current.stage !== 'attached')
      ? {}
      : { virtualDeviceFunction: formatVdevfn(current.vdevfn) }),
    ...(isOnItsWayOut(snapshot, attachment) ? { removingSince: removingSince(snapshot, attachment) } : {}),
    ...(note?.originalDriver === undefined ? {} : { originalDriver: note.originalDriver }),
    ...(command === undefined ? {} : { command: command as NonNullable<PciAttachmentStatus['command']> }),
  };
}

/** When somebody asked for the removal, as near as is known. What was shown once stays. */
function removingSince({ object, now }: Snapshot, { metadata, status }: PciAttachment): string {
  return status?.removingSince ?? metadata.deletionTimestamp ?? object?.metadata.deletionTimestamp ?? kubeTime(now);
}

/** A device that the guest was not told of is on its way, whatever the device model has. */
function shownStage(snapshot: Snapshot, note: PciNote | undefined): PciNote['stage'] | undefined {
  return note?.stage === 'attached' && !isShown(snapshot, note) ? 'inserted' : note?.stage;
}

function phase(attachment: PciAttachment, stage: string | undefined, failed: boolean): Phase {
  if (isDeleting(attachment)) return 'Detaching';
  switch (stage) {
    case 'attached':
      return 'Attached';
    case 'unknown':
      return 'Unknown';
    case 'removed':
      return 'Detaching';
    case 'inserted':
      return 'Attaching';
    default:
      return failed ? 'Failed' : stage === 'claimed' ? 'Attaching' : 'Claimed';
  }
}
