import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { ChannelPhase } from '../command-channel/channel.ts';
import { removeParameter } from '../command-channel/parameter.ts';
import type { PciNote } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Plan } from '../step.ts';
import { isCurrent, isDeleting } from '../wanted.ts';
import { xenbusState } from '../xenbus.ts';
import { backendEnd, backendEntry, gaveUp, othersLeave } from './backend.ts';
import { type ForcedRemoval, forcedByAnnotation } from './force-removal.ts';
import { functionOf, functionZeroIn, isIn, slotOf } from './slot.ts';
import { isSlotWanted } from './unit.ts';
import { leavesAfter, staysWithGroup } from './group-removal.ts';

const wait = (wakeAt?: number): Plan => ({ step: undefined, wakeAt });

/** A back end may take that long to let a device go that is taken by force: as long as libxl waits for one. */
const backendSettleMs = 10_000;

/** When the removal policy stops waiting for the guest, in milliseconds since the epoch. */
export function removalDeadline(attachment: PciAttachment | undefined, since: number): number {
  return since + (attachment?.spec.removalTimeoutSeconds ?? 300) * 1000;
}

/**
 * The next step to get a device out of the guest and back to the host. `attachment` is absent where the object is gone.
 * Order: the device model lets it go, grants, back end, host (reference §5.4).
 */
export function removalStep(
  snapshot: Snapshot,
  channel: ChannelPhase | undefined,
  address: string,
  note: PciNote,
  attachment: PciAttachment | undefined,
): Plan {
  const lives = isCurrent(snapshot, note);
  const inflight = snapshot.channel?.inflight;
  // Whether the guest has it is only known when the insert has ended.
  if (lives && inflight?.command === 'pci-ins' && inflight.address === address) return wait();
  const inGuest = isIn(note);
  if (inGuest && lives) return removeFromGuest(snapshot, channel, address, note, attachment);
  // A device that nobody confirmed to be quiet is never given back to a dom0 driver by itself.
  const held = !inGuest && leavesAfter(snapshot, address, note) !== undefined;
  const quarantine = inGuest || note.unconfirmed === true || staysWithGroup(snapshot, address) || held;
  if (held && forcedByAnnotation(attachment) === undefined) return wait();
  const entry = lives ? backendEntry(snapshot.pciBackend, address) : undefined;
  if (entry === undefined) return { step: { do: 'release', address, quarantine } };
  const only = snapshot.pciBackend.entries.length === 1;
  if (only) return closeAndRelease(snapshot, address, quarantine);
  if (snapshot.pciBackend.state !== xenbusState.connected && !gaveUp(snapshot.pciBackend)) {
    // A front end that never plays its part must not hold the device for ever where the policy says so.
    const given = backendGivenUp(snapshot, attachment, note);
    if (given === undefined || snapshot.now < given.at) return wait(given?.at);
    const { forced } = given;
    return { step: { do: 'release', address, quarantine: true, ...(forced === undefined ? {} : { forced }) } };
  }
  // pciback leaves a closing entry as it is (xen_pcibk_reconfigure): that the back end is connected again is its answer.
  const closed = entry.state === xenbusState.closing || entry.state === xenbusState.closed;
  if (closed || gaveUp(snapshot.pciBackend)) return { step: { do: 'release', address, quarantine } };
  return othersLeave(snapshot.pciBackend, address) ? wait() : { step: { do: 'revoke', address } };
}

/** The last device takes the back end with it, which closes first. */
function closeAndRelease({ pciBackend, memory, now }: Snapshot, address: string, quarantine: boolean): Plan {
  const { ended, dueAt } = backendEnd(pciBackend, memory.backendClosingSince, now);
  if (ended) return { step: { do: 'release', address, quarantine } };
  return dueAt === undefined ? { step: { do: 'closeBackend', address } } : wait(dueAt);
}

/**
 * When a device goes although its device model could not even be asked: it is paused, says nothing sensible, or takes no
 * commands. Only where the policy says so. Milliseconds since the epoch, from when the agent learnt of the deletion: the
 * API server's clock may go wrong beside ours.
 */
function forcedAt({ memory }: Snapshot, attachment: PciAttachment | undefined): number | undefined {
  if (attachment?.spec.removalPolicy !== 'Force') return undefined;
  const since = memory.removingSince?.get(attachment.metadata.uid);
  return since === undefined ? undefined : removalDeadline(attachment, since);
}

/** When a back end that does not let the device go is no longer waited for, and by what, unless that was told already. */
function backendGivenUp(
  snapshot: Snapshot,
  attachment: PciAttachment | undefined,
  note: PciNote,
): { readonly at: number; readonly forced?: ForcedRemoval } | undefined {
  if (note.forcedAt !== undefined) return { at: note.forcedAt + backendSettleMs };
  const asked = forcedByAnnotation(attachment);
  const since = snapshot.memory.removingSince?.get(note.owner);
  if (asked !== undefined && since !== undefined) return { at: since + backendSettleMs, forced: asked };
  const at = forcedAt(snapshot, attachment);
  return at === undefined ? undefined : { at, forced: { by: 'policy' } };
}

function removeFromGuest(
  snapshot: Snapshot,
  channel: ChannelPhase | undefined,
  address: string,
  note: PciNote,
  attachment: PciAttachment | undefined,
): Plan {
  const inflight = snapshot.channel?.inflight;
  const waits = channel?.kind === 'waitingForGuest' && inflight?.address === address;
  const asked = forcedByAnnotation(attachment);
  // A command that the model has not taken yet is seen through first: left behind, it would be carried out later.
  if (asked !== undefined && (waits || inflight?.address !== address)) {
    return { step: { do: 'abandonRemoval', address, forced: asked } };
  }
  if (functionOf(note.vdevfn ?? 0) !== 0) return leaveWithSlot(snapshot, address, note, attachment);
  if (waits) {
    const deadline = removalDeadline(attachment, channel.since);
    const byPolicy = attachment?.spec.removalPolicy === 'Force';
    const gone = attachment === undefined || snapshot.object === undefined || isDeleting(snapshot.object);
    if (!byPolicy && !gone) return wait();
    const forced = { by: byPolicy ? 'policy' : 'gone' } as const;
    return snapshot.now >= deadline ? { step: { do: 'abandonRemoval', address, forced } } : wait(deadline);
  }
  const attempt = snapshot.memory.attempts.get(note.owner);
  const asks = channel?.kind === 'idle' && channel.state === 'running';
  const deadline =
    inflight === undefined && (!asks || attempt !== undefined) ? forcedAt(snapshot, attachment) : undefined;
  if (deadline !== undefined && snapshot.now >= deadline) {
    return { step: { do: 'abandonRemoval', address, forced: { by: 'policy' } } };
  }
  if (!asks) return wait(deadline);
  if (attempt !== undefined && snapshot.now < attempt.retryAt) {
    return wait(Math.min(attempt.retryAt, deadline ?? attempt.retryAt));
  }
  return { step: { do: 'send', command: 'pci-rem', parameter: removeParameter(address), owner: note.owner, address } };
}

/**
 * A function other than 0 cannot be asked to leave: it leaves with function 0 of its slot. Where that one never came, the
 * guest knows nothing of the device: it is taken as soon as nobody wants the slot.
 */
function leaveWithSlot(
  snapshot: Snapshot,
  address: string,
  note: PciNote,
  attachment: PciAttachment | undefined,
): Plan {
  const slot = slotOf(note.vdevfn ?? 0);
  const deadline = forcedAt(snapshot, attachment);
  const inserts = snapshot.channel?.inflight?.command === 'pci-ins';
  if (deadline !== undefined && snapshot.now >= deadline && snapshot.channel?.inflight === undefined) {
    return { step: { do: 'abandonRemoval', address, forced: { by: 'policy' } } };
  }
  if (inserts || functionZeroIn(snapshot, slot) !== undefined || isSlotWanted(snapshot, slot)) return wait(deadline);
  return { step: { do: 'abandonRemoval', address } };
}
