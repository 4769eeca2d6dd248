import type { ChannelPhase } from '../command-channel/channel.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Plan } from '../step.ts';
import { isDeleting } from '../wanted.ts';
import { endedByOthers, lookAgainAt, pauseOf } from './saved-state.ts';

const wait = (wakeAt?: number): Plan => ({ step: undefined, wakeAt });

/** A pause that is not ours is left alone for that long: a toolstack may be saving or migrating the guest. */
export const othersPauseGraceMs = 120_000;

/** What of a pause is to be noted: what its file is worth, or that it is over. */
export function savedStateStep(snapshot: Snapshot, channel: ChannelPhase | undefined): Plan {
  const { object } = snapshot;
  if (object === undefined || isDeleting(object) || channel?.kind !== 'idle') return wait();
  if (snapshot.note?.owner !== object.metadata.uid) return wait();
  const pause = pauseOf(snapshot);
  if (pause?.kind === 'ours' && pause.saved === undefined) {
    const due = lookAgainAt(snapshot);
    return due !== undefined && snapshot.now < due ? wait(due) : { step: { do: 'checkSaved', by: pause.by } };
  }
  const ended = endedByOthers(snapshot);
  return ended === undefined ? wait() : { step: { do: 'pauseOver', by: ended } };
}

/** The command that brings the device model into the run state of the spec. */
export function runStateStep(snapshot: Snapshot, channel: ChannelPhase | undefined): Plan {
  const { object, memory, now } = snapshot;
  if (object === undefined || isDeleting(object) || channel?.kind !== 'idle') return wait();
  if (snapshot.note?.owner !== object.metadata.uid) return wait();
  const { uid } = object.metadata;
  const wanted = object.spec.runState === 'Paused' ? 'paused' : 'running';
  if (channel.state === wanted) return wait();
  if (wanted === 'running' && pauseOf(snapshot)?.kind === 'others') {
    const due = (memory.pausedSince ?? now) + othersPauseGraceMs;
    if (now < due) return wait(due);
  }
  const attempt = memory.attempts.get(uid);
  if (attempt !== undefined && now < attempt.retryAt) return wait(attempt.retryAt);
  const command = wanted === 'paused' ? 'save' : 'continue';
  return { step: { do: 'send', command, parameter: '', owner: uid } };
}
