import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { ChannelPhase } from '../command-channel/channel.ts';
import { insertParameter } from '../command-channel/parameter.ts';
import type { PciNote } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import type { DeviceOf, Plan } from '../step.ts';
import { claimedAddress, isCurrent, noteOf, pciOptions, wantedVdevfn } from '../wanted.ts';
import { attachmentObstacle, groupPending } from './attachment-obstacle.ts';
import { xenbusState } from '../xenbus.ts';
import { backendEnd, backendEntry, gaveUp, othersLeave } from './backend.ts';
import { insertGate } from './gate.ts';
import { isReadied } from './readied.ts';
import { placeObstacle, unitPending } from './unit.ts';

const wait = (wakeAt?: number): Plan => ({ step: undefined, wakeAt });

interface Coming {
  readonly uid: string;
  readonly address: string;
  readonly note: PciNote | undefined;
}

/** The device, if it is to be brought in and nothing stands in the way; else the plan is to wait. */
function coming(snapshot: Snapshot, attachment: PciAttachment): Coming | Plan {
  const address = claimedAddress(attachment);
  if (address === undefined || snapshot.note?.stage !== 'started' || snapshot.stub === undefined) return wait();
  const noted = noteOf(snapshot, attachment);
  const note = noted !== undefined && isCurrent(snapshot, noted) ? noted : undefined;
  if (note !== undefined && note.stage !== 'claimed') return wait();
  if (attachmentObstacle(snapshot, attachment) !== undefined) return wait();
  const { uid } = attachment.metadata;
  const attempt = snapshot.memory.attempts.get(uid);
  if (attempt !== undefined && snapshot.now < attempt.retryAt) return wait(attempt.retryAt);
  return { uid, address, note };
}

const isClaimed = (snapshot: Snapshot, { address, note }: Coming): boolean =>
  note !== undefined && snapshot.claims.get(address) === snapshot.target?.domid;

/** Reserves the devices, all at once: before anything else is done with one of them. */
export function claimStep(snapshot: Snapshot, attachments: readonly PciAttachment[]): Plan {
  const devices: DeviceOf[] = [];
  const wakes: number[] = [];
  for (const attachment of attachments) {
    const device = coming(snapshot, attachment);
    if (!('address' in device)) wakes.push(device.step === undefined ? (device.wakeAt ?? Infinity) : Infinity);
    else if (!isClaimed(snapshot, device)) devices.push({ uid: device.uid, address: device.address });
  }
  if (devices.length > 0) return { step: { do: 'claim', devices } };
  const wakeAt = Math.min(...wakes);
  return wait(Number.isFinite(wakeAt) ? wakeAt : undefined);
}

/** Readies a claimed device for its insert; goes before any insert, of whichever device. */
export function readyStep(snapshot: Snapshot, attachment: PciAttachment): Plan {
  const note = noteOf(snapshot, attachment);
  const claimed = claimedAddress(attachment);
  if (claimed !== undefined && note?.stage === 'inserted' && isCurrent(snapshot, note)) {
    return { step: { do: 'grant', address: claimed } };
  }
  const device = coming(snapshot, attachment);
  if (!('address' in device) || !isClaimed(snapshot, device)) return wait();
  const { uid, address } = device;
  // What was asked about the device is under way: nothing may reset it now.
  if (snapshot.channel?.inflight?.address === address || isReadied(snapshot, address)) return wait();
  return { step: { do: 'ready', uid, address } };
}

/** Takes a back end away that pciback gave up, unless a device of it may be in the guest. Back-off: it may give up again. */
export function dropBackendStep(snapshot: Snapshot): Plan {
  const { memory, now, pciBackend, pciNotes, channel } = snapshot;
  if (!gaveUp(pciBackend) || channel === undefined || channel.inflight !== undefined) return wait();
  const inGuest = [...pciNotes.values()].some(
    (note) => isCurrent(snapshot, note) && note.stage !== 'claimed' && note.stage !== 'removed',
  );
  // What the toolstack of an adopted stub domain put there is its own to take away: it would find no record of it.
  const isShared = snapshot.note?.adopted === true && pciBackend.entries.some(({ address }) => !pciNotes.has(address));
  if (inGuest || isShared) return wait();
  const { ended, dueAt } = backendEnd(pciBackend, memory.backendClosingSince, now);
  if (!ended) return wait(dueAt);
  const due = memory.backendRetryAt;
  return due !== undefined && now < due ? wait(due) : { step: { do: 'dropBackend' } };
}

/** Puts the devices that are ready and not in the back end yet there, all at once. */
export function enlistStep(snapshot: Snapshot, attachments: readonly PciAttachment[]): Plan {
  const { exists, state } = snapshot.pciBackend;
  const settled = !exists || state === xenbusState.connected;
  if (!settled || othersLeave(snapshot.pciBackend)) return wait();
  const devices = attachments.flatMap((attachment) => {
    const device = coming(snapshot, attachment);
    if (!('address' in device) || !isClaimed(snapshot, device)) return [];
    const { uid, address } = device;
    const listed = backendEntry(snapshot.pciBackend, address) !== undefined;
    return listed || !isReadied(snapshot, address) ? [] : [{ uid, address }];
  });
  return devices.length === 0 ? wait() : { step: { do: 'enlist', devices } };
}

/** So long after an insert was given up its answer is waited for before another is sent. */
const lateAnswerMs = 300_000;

/**
 * Until when another insert waits because an earlier one was given up: the model carries out one after the other, and the
 * late answer would be taken for the next one's. Milliseconds since the epoch.
 */
export function undecidedUntil({ channel, now }: Snapshot): number | undefined {
  if (channel?.undecided === undefined) return undefined;
  const { finishedAt, endedAt = finishedAt } = channel.undecided;
  const until = endedAt + lateAnswerMs;
  return now < until ? until : undefined;
}

/** The insert of a device that is ready, if the channel is free. */
export function insertStep(snapshot: Snapshot, channel: ChannelPhase | undefined, attachment: PciAttachment): Plan {
  const address = claimedAddress(attachment);
  const note = noteOf(snapshot, attachment);
  if (address === undefined || note === undefined || !isCurrent(snapshot, note)) return wait();
  if (note.stage === 'removed') return { step: { do: 'rearm', address } };
  if (note.stage !== 'claimed') return wait();
  // It was on its way out when it was wanted again: that is seen through, and it is claimed anew.
  const leaves = backendEntry(snapshot.pciBackend, address)?.state === xenbusState.closing;
  if (leaves && snapshot.pciBackend.state === xenbusState.connected) {
    return { step: { do: 'release', address, quarantine: true } };
  }
  if (attachmentObstacle(snapshot, attachment) !== undefined) return wait();
  if (!isReadied(snapshot, address) || groupPending(snapshot, address) !== undefined) return wait();
  const gate = insertGate(snapshot.pciBackend, address, snapshot.memory.frontendConnectedSince, snapshot.now);
  if (gate.kind === 'pending') return wait(gate.until);
  if (placeObstacle(snapshot, attachment) !== undefined || unitPending(snapshot, attachment) !== undefined)
    return wait();
  if (channel?.kind !== 'idle' || channel.state !== 'running') return wait();
  const undecided = undecidedUntil(snapshot);
  if (undecided !== undefined) return wait(undecided);
  const { uid } = attachment.metadata;
  const attempt = snapshot.memory.attempts.get(uid);
  if (attempt !== undefined && snapshot.now < attempt.retryAt) return wait(attempt.retryAt);
  const parameter = insertParameter(address, wantedVdevfn(attachment), pciOptions(attachment));
  return { step: { do: 'send', command: 'pci-ins', parameter, owner: uid, address } };
}
