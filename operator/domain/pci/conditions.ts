import { type ConditionDecision, decide } from '../../api/conditions.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { forceRemovalAnnotation } from '../../api/names.ts';
import type { PciAttachmentConditionType, Reason } from '../../api/reasons.ts';
import type { ChannelPhase } from '../command-channel/channel.ts';
import type { PciNote } from '../notes.ts';
import type { Attempt, Snapshot } from '../snapshot.ts';
import { isRefusal } from '../step-owner.ts';
import { pauseMessage, whilePaused } from '../reconcile-pause.ts';
import { formatVdevfn } from '../untrusted.ts';
import { claimedAddress, isCurrent, isDeleting, isWanted, noteOf } from '../wanted.ts';
import { undecidedUntil } from './attach-step.ts';
import { type Obstacle, attachmentObstacle, groupPending } from './attachment-obstacle.ts';
import { type PciBackendView, backendEntry } from './backend.ts';
import { forceRequest, unexplainedMessage } from './force-removal.ts';
import { insertGate } from './gate.ts';
import { leavesAfter } from './group-removal.ts';
import { isUnknown } from '../stub-domain/unknown-domains.ts';
import { functionOf, functionZeroIn, isIn, isShown, slotOf } from './slot.ts';
import { isSlotWanted, placeObstacle, unitPending, unshownMessage } from './unit.ts';
import { xenbusState } from '../xenbus.ts';

type Decision = ConditionDecision<PciAttachmentConditionType>;

const failures: Readonly<Partial<Record<string, string>>> = {
  NoFreeSlot: 'The device model says that the guest has no free slot for hotplug. Detach another device.',
  SlotBusy: 'The device model says that the slot in spec.virtualSlot is taken. Ask for another slot, or leave it out.',
  InsertRefused: 'The device model refused the device.',
  InsertFailed:
    'The device model refused the device and gave a reason that is not one of the known ones; its log has it.',
  NotDelivered: 'The device model did not take the command in time, and it was withdrawn. It is sent again.',
};

function notInserted(
  snapshot: Snapshot,
  attachment: PciAttachment,
  channel: ChannelPhase | undefined,
): [Reason, string] {
  const inflight = snapshot.channel?.inflight;
  if (inflight?.owner === attachment.metadata.uid && inflight.command === 'pci-ins') {
    return ['Inserting', 'The device model was asked to insert the device.'];
  }
  const attempt = snapshot.memory.attempts.get(attachment.metadata.uid);
  const known = attempt === undefined ? undefined : failures[attempt.reason];
  if (attempt !== undefined && known !== undefined) return [attempt.reason as Reason, known];
  if (attempt !== undefined) {
    return ['HypervisorFailed', `The device could not be made ready: ${attempt.detail ?? 'the hypervisor refused'}`];
  }
  const { object } = snapshot;
  if (object === undefined)
    return ['StubDomainNotFound', `There is no StubDomain ${attachment.spec.stubDomainRef.name} in this namespace.`];
  if (snapshot.target === undefined) {
    return ['TargetNotFound', 'The guest does not run on this host. The device is attached when it starts.'];
  }
  if (object.spec.runState === 'Paused' || snapshot.channel?.state === 'paused') {
    return ['StubDomainPaused', 'The device model is paused; the device is inserted when it runs again.'];
  }
  if (channel === undefined || (channel.kind === 'blocked' && channel.reason === 'Starting')) {
    return ['StubDomainNotReady', 'The device model does not run yet.'];
  }
  if (undecidedUntil(snapshot) !== undefined) {
    const other = snapshot.channel?.undecided?.address ?? 'another device';
    const message = `The insert of ${other} got no answer, and a late one would be taken for this one's: it goes on when that is answered, or five minutes after.`;
    return ['WaitingForOther', message];
  }
  if (channel.kind === 'waitingForGuest') {
    return ['WaitingForOther', 'Another device is on its way out of the guest; nothing is inserted meanwhile.'];
  }
  if (channel.kind === 'blocked') {
    const who = channel.reason === 'ForeignCommand' ? ': another program gave it a command' : '';
    return [channel.reason, `The device model takes no command now${who}. The conditions of the StubDomain say more.`];
  }
  const address = claimedAddress(attachment) ?? '';
  const pending = groupPending(snapshot, address);
  if (pending !== undefined) {
    return ['BackendPending', `${pending}, which shares the IOMMU group of ${address}, is not bound to pciback yet.`];
  }
  const gate = insertGate(snapshot.pciBackend, address, snapshot.memory.frontendConnectedSince, snapshot.now);
  if (gate.kind === 'pending') return ['BackendPending', `The PV back end is not ready: ${gate.missing} is missing.`];
  const unit = unitPending(snapshot, attachment);
  if (unit !== undefined) return ['UnitIncomplete', unit];
  return ['Queued', 'The insert waits for its turn on the command channel.'];
}

function inserted(
  snapshot: Snapshot,
  attachment: PciAttachment,
  note: PciNote | undefined,
  channel: ChannelPhase | undefined,
): Decision {
  const current = note !== undefined && isCurrent(snapshot, note) ? note : undefined;
  switch (current?.stage) {
    case 'attached':
    case 'inserted':
      if (!isShown(snapshot, current)) {
        return decide('Inserted', 'True', 'Inserted', unshownMessage(snapshot, attachment));
      }
      return decide(
        'Inserted',
        'True',
        'Inserted',
        `The guest has the device at ${formatVdevfn(current.vdevfn ?? 0)}.`,
      );
    case 'unknown':
      return decide(
        'Inserted',
        'Unknown',
        'InsertUnknown',
        'The device model took the command and gave no clear answer. It is not sent again, since that could insert the device twice. Look into the guest; to try anew, delete and create the PciAttachment.',
      );
    case 'removed': {
      const attempt = snapshot.memory.attempts.get(attachment.metadata.uid);
      return isWanted(snapshot, attachment) && attempt !== undefined
        ? decide('Inserted', 'False', ...notInserted(snapshot, attachment, channel))
        : decide('Inserted', 'False', 'NotInserted', 'The device left the guest.');
    }
    case 'claimed':
    case undefined: {
      const obstacle = isDeleting(attachment) ? undefined : obstacleOf(snapshot, attachment);
      if (obstacle !== undefined) return decide('Inserted', 'False', obstacle.reason, obstacle.message);
      if (isDeleting(attachment)) return decide('Inserted', 'False', 'NotInserted', 'The device is not in the guest.');
      return decide('Inserted', 'False', ...notInserted(snapshot, attachment, channel));
    }
  }
}

/**
 * Whether the back end serves a device that is in the guest already. The gate of the insert is stricter: an agent that
 * has just started has seen nothing settle, and the coming or going of another device passes through states 7 and 8.
 */
function isServed(view: PciBackendView, address: string): boolean {
  const { connected, reconfiguring, reconfigured, initialised } = xenbusState;
  const entry = backendEntry(view, address);
  const serves = view.state === connected || view.state === reconfiguring || view.state === reconfigured;
  return serves && entry?.state === initialised && entry.hasVirtualAddress;
}

function backendReady(snapshot: Snapshot, attachment: PciAttachment, note: PciNote | undefined): Decision {
  const address = claimedAddress(attachment) ?? attachment.status?.address ?? '';
  const current = note !== undefined && isCurrent(snapshot, note);
  const gate = insertGate(snapshot.pciBackend, address, snapshot.memory.frontendConnectedSince, snapshot.now);
  const isIn = current && note.stage !== 'claimed';
  if (isIn ? isServed(snapshot.pciBackend, address) : current && gate.kind === 'ready') {
    return decide(
      'BackendReady',
      'True',
      'BackendReady',
      'The device is in the PV back end, and both ends are connected.',
    );
  }
  const missing = gate.kind === 'pending' && current ? `: ${gate.missing} is missing` : '';
  return decide('BackendReady', 'False', 'BackendPending', `The device is not ready in the PV back end${missing}.`);
}

/** An annotation without a reason is told beside whatever the removal waits for. */
function removing(snapshot: Snapshot, attachment: PciAttachment, note: PciNote | undefined): Decision {
  if (isDeleting(attachment) && isUnknown(snapshot)) {
    const message =
      'XenStore has lost what it knew of the guest, so that nobody knows whether the device is out of it. It is released when the guest is gone or was started anew.';
    return decide('Removing', 'Unknown', 'XenStoreEmpty', message);
  }
  const decision = removingByItself(snapshot, attachment, note);
  if (decision.status !== 'True' || forceRequest(attachment).kind !== 'unexplained') return decision;
  const message = `${unexplainedMessage(attachment)} ${decision.message}`;
  return decide('Removing', 'True', 'ForceUnexplained', message);
}

function removingByItself(snapshot: Snapshot, attachment: PciAttachment, note: PciNote | undefined): Decision {
  if (isWanted(snapshot, attachment) || note === undefined) {
    return decide('Removing', 'False', 'NotRemoving', 'Nobody asked to remove the device.');
  }
  const inflight = snapshot.channel?.inflight;
  if (inflight?.owner === attachment.metadata.uid && inflight.command === 'pci-rem') {
    return decide(
      'Removing',
      'True',
      'WaitingForGuest',
      `The guest was asked to let the device go and has not done so yet. With spec.removalPolicy Force it is taken after removalTimeoutSeconds; the annotation ${forceRemovalAnnotation}, with a reason as its value, has it taken at once.`,
    );
  }
  const together = leavesWith(snapshot, note);
  if (together !== undefined) return decide('Removing', 'True', 'LeavesWithFunctionZero', together);
  const { channel } = snapshot;
  if (isCurrent(snapshot, note) && note.stage !== 'removed' && note.stage !== 'claimed') {
    if (channel?.state === 'paused') {
      return decide(
        'Removing',
        'True',
        'StubDomainPaused',
        'The device model is paused; the guest is asked to let the device go when it runs again (spec.runState Running).',
      );
    }
    if (inflight !== undefined) {
      return decide(
        'Removing',
        'True',
        'WaitingForOther',
        `Another command (${inflight.command}) is under way; this one follows.`,
      );
    }
  }
  const attempt = snapshot.memory.attempts.get(attachment.metadata.uid);
  if (attempt !== undefined && isRefusal(attempt.reason)) {
    const detail = attempt.detail ?? 'it gave no reason';
    return decide(
      'Removing',
      'True',
      'HypervisorFailed',
      `The device could not be taken back, and is tried again: ${detail}`,
    );
  }
  const claimed = attachment.status?.address;
  const group = claimed === undefined ? undefined : leavesAfter(snapshot, claimed, note);
  if (note.stage === 'removed' && group !== undefined) {
    return decide(
      'Removing',
      'True',
      'WaitingForOther',
      `The device left the guest; it goes back to the host when ${group}, which shares its IOMMU group, has left too.`,
    );
  }
  const inGuest = note.stage !== 'claimed' && note.stage !== 'removed' && isCurrent(snapshot, note);
  if (inGuest && snapshot.channel?.state === 'paused') {
    const message = 'The device model is paused: the guest can let the device go when it runs again.';
    return decide('Removing', 'True', 'StubDomainPaused', message);
  }
  return decide('Removing', 'True', 'Removing', 'The device is on its way out.');
}

const obstacleOf = (snapshot: Snapshot, attachment: PciAttachment): Obstacle | undefined =>
  attachmentObstacle(snapshot, attachment) ?? placeObstacle(snapshot, attachment);

/** What a function other than 0 waits for on its way out. */
function leavesWith(snapshot: Snapshot, note: PciNote): string | undefined {
  const { vdevfn = 0 } = note;
  if (functionOf(vdevfn) === 0 || !isIn(note) || !isCurrent(snapshot, note)) return undefined;
  const slot = slotOf(vdevfn);
  const alone = `Function ${functionOf(vdevfn)} of slot ${slot} cannot leave the guest alone`;
  const zero = functionZeroIn(snapshot, slot)?.note;
  if (zero !== undefined) {
    const stays = snapshot.attachments.some(({ metadata }) => metadata.uid === zero.owner && !isDeleting({ metadata }));
    const next = stays ? 'Delete that one too' : 'That one is on its way out';
    return `${alone}: it leaves with function 0, PciAttachment ${zero.name}. ${next}.`;
  }
  return isSlotWanted(snapshot, slot)
    ? `${alone}, which was not told of it yet: it leaves with function 0, or when the other PciAttachments of the slot are deleted too.`
    : undefined;
}

/** The conditions of an attachment that the agent answers for, from what one pass saw. */
export function pciAttachmentConditions(
  snapshot: Snapshot,
  attachment: PciAttachment,
  channel: ChannelPhase | undefined,
): Decision[] {
  const note = noteOf(snapshot, attachment);
  const isInserted = inserted(snapshot, attachment, note, channel);
  const isRemoving = removing(snapshot, attachment, note);
  const obstacle = isWanted(snapshot, attachment) ? obstacleOf(snapshot, attachment) : undefined;
  const stalled =
    obstacle?.forGood === true
      ? decide('Stalled', 'True', obstacle.reason, obstacle.message)
      : decide('Stalled', 'False', 'NotStalled', 'Nothing stands in the way for good.');
  const decisions = [
    ready(snapshot, attachment, note, isInserted, isRemoving, snapshot.memory.attempts.get(attachment.metadata.uid)),
    backendReady(snapshot, attachment, note),
    isInserted,
    isRemoving,
    stalled,
  ];
  return whilePaused(decisions, pauseMessage(attachment) ?? pauseMessage(snapshot.object));
}

/** The guest has the device model's word for a device only when function 0 of its slot is in. */
function unshown(snapshot: Snapshot, attachment: PciAttachment, note: PciNote): Decision | undefined {
  if (!isShown(snapshot, note)) return decide('Ready', 'False', 'UnitIncomplete', unshownMessage(snapshot, attachment));
  const zero = note.vdevfn === undefined ? undefined : functionZeroIn(snapshot, slotOf(note.vdevfn))?.note;
  if (zero?.stage !== 'unknown') return undefined;
  const message = `Whether the guest was told of the device is not known: the device model gave no clear answer to the insert of function 0, PciAttachment ${zero.name}.`;
  return decide('Ready', 'Unknown', 'InsertUnknown', message);
}

function ready(
  snapshot: Snapshot,
  attachment: PciAttachment,
  note: PciNote | undefined,
  isInserted: Decision,
  isRemoving: Decision,
  attempt: Attempt | undefined,
): Decision {
  if (isDeleting(attachment)) return decide('Ready', 'False', 'Deleting', isRemoving.message);
  if (isRemoving.status === 'True') return decide('Ready', 'False', isRemoving.reason, isRemoving.message);
  if (isInserted.status !== 'True') return decide('Ready', isInserted.status, isInserted.reason, isInserted.message);
  if (note?.stage !== 'attached') {
    if (attempt !== undefined && isRefusal(attempt.reason)) {
      const detail = attempt.detail ?? 'it gave no reason';
      return decide(
        'Ready',
        'False',
        'HypervisorFailed',
        `The guest could not be granted the device, and is tried again: ${detail}`,
      );
    }
    return decide('Ready', 'False', 'Progressing', 'The device is in the guest, and its grants are on their way.');
  }
  return unshown(snapshot, attachment, note) ?? decide('Ready', 'True', 'AsDesired', isInserted.message);
}
