import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { ChannelDecision } from '../command-channel/channel.ts';
import { insertParameter } from '../command-channel/parameter.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Plan } from '../step.ts';
import { claimedAddress, isCurrent, noteOf, pciOptions, wantedVdevfn } from '../wanted.ts';
import { attachmentObstacle, groupPending } from './attachment-obstacle.ts';
import { xenbusState } from '../xenbus.ts';
import { backendEntry, othersLeave } from './backend.ts';
import { insertGate } from './gate.ts';
import { placeObstacle, unitPending } from './unit.ts';

const wait = (wakeAt?: number): Plan => ({ step: undefined, wakeAt });

/** Steps that ready a claimed device for its insert; they go before any insert, of whichever device. */
export function prepareStep(snapshot: Snapshot, attachment: PciAttachment): Plan {
  const address = claimedAddress(attachment);
  if (address === undefined || snapshot.note?.stage !== 'started' || snapshot.stub === undefined) return wait();
  const note = noteOf(snapshot, attachment);
  if (note?.stage === 'inserted' && isCurrent(snapshot, note)) return { step: { do: 'grant', address } };
  if (note !== undefined && isCurrent(snapshot, note) && note.stage !== 'claimed') return wait();
  if (attachmentObstacle(snapshot, attachment) !== undefined) return wait();
  const { uid } = attachment.metadata;
  const attempt = snapshot.memory.attempts.get(uid);
  if (attempt !== undefined && snapshot.now < attempt.retryAt) return wait(attempt.retryAt);
  if (note === undefined || !isCurrent(snapshot, note) || snapshot.claims.get(address) !== snapshot.target?.domid) {
    return { step: { do: 'claim', uid, address } };
  }
  if (backendEntry(snapshot.pciBackend, address) === undefined) {
    const { exists, state } = snapshot.pciBackend;
    const settled = !exists || state === xenbusState.connected || state === xenbusState.initialising;
    return settled && !othersLeave(snapshot.pciBackend, address) ? { step: { do: 'prepare', uid, address } } : wait();
  }
  return wait();
}

/** The insert of a device that is ready, if the channel is free. */
export function insertStep(snapshot: Snapshot, channel: ChannelDecision | undefined, attachment: PciAttachment): Plan {
  const address = claimedAddress(attachment);
  const note = noteOf(snapshot, attachment);
  if (address === undefined || note === undefined || !isCurrent(snapshot, note)) return wait();
  if (note.stage === 'removed') return { step: { do: 'rearm', address } };
  if (note.stage !== 'claimed') return wait();
  if (attachmentObstacle(snapshot, attachment) !== undefined) return wait();
  if (groupPending(snapshot, address) !== undefined) return wait();
  const gate = insertGate(snapshot.pciBackend, address, snapshot.memory.frontendConnectedSince, snapshot.now);
  if (gate.kind === 'pending') return wait(gate.until);
  if (placeObstacle(snapshot, attachment) !== undefined || unitPending(snapshot, attachment) !== undefined)
    return wait();
  if (channel?.kind !== 'idle' || channel.state !== 'running') return wait();
  const { uid } = attachment.metadata;
  const attempt = snapshot.memory.attempts.get(uid);
  if (attempt !== undefined && snapshot.now < attempt.retryAt) return wait(attempt.retryAt);
  const parameter = insertParameter(address, wantedVdevfn(attachment), pciOptions(attachment));
  return { step: { do: 'send', command: 'pci-ins', parameter, owner: uid, address } };
}
