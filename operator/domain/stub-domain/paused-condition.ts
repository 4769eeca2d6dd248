import { type ConditionDecision, decide } from '../../api/conditions.ts';
import type { StubDomainConditionType } from '../../api/reasons.ts';
import type { Snapshot } from '../snapshot.ts';
import { triedAgain } from '../refusal-text.ts';
import { logFile } from './consoles.ts';
import { othersPauseGraceMs } from './run-state-step.ts';
import { type SaveProblem, pauseOf } from './saved-state.ts';

type Decision = ConditionDecision<StubDomainConditionType>;

const guestName = ({ target }: Snapshot): string => target?.name ?? '';
const wantsPaused = ({ object }: Snapshot): boolean => object?.spec.runState === 'Paused';

/** How the last try to pause or to go on ended, in the words of the condition. */
const runStateFailures = {
  PauseFailed: (snapshot: Snapshot) =>
    `The device model took the request to pause and did not say that it did. It is asked again, which does no harm: asked twice, it pauses once. If this lasts, its log in dom0 says why (${logFile(guestName(snapshot))}); spec.runState Running gives up.`,
  ResumeFailed: (snapshot: Snapshot) =>
    `The device model took the request to go on and did not. It is asked again. If this lasts, look at its log in dom0 (${logFile(guestName(snapshot))}), or start the guest anew.`,
  NotDelivered: (snapshot: Snapshot) =>
    `The device model did not take the command in time, and it was withdrawn. It is sent again. If this lasts, it hangs: look at its log in dom0 (${logFile(guestName(snapshot))}), or start the guest anew.`,
  GuestSuspended: () =>
    'Another program saves or migrates the guest: the hypervisor has it suspended. Its device model is left alone until the guest goes on or ends. If no such program runs any more, destroy the guest and start it anew.',
} as const;

function runStateFailure({ memory, object }: Snapshot): keyof typeof runStateFailures | undefined {
  const reason = memory.attempts.get(object?.metadata.uid ?? '')?.reason;
  return Object.keys(runStateFailures).find((known) => known === reason) as keyof typeof runStateFailures | undefined;
}

const problems: Readonly<Record<SaveProblem, string>> = {
  SaveFileMissing: 'is not there',
  SaveFileEmpty: 'is empty',
  SaveFileStale: 'is older than the request to save',
};

function problemMessage(snapshot: Snapshot, path: string, problem: SaveProblem): string {
  return `The device model paused, but ${path} ${problems[problem]}: its state was not saved, and a guest saved now could not be resumed. Look at its log in dom0 (${logFile(guestName(snapshot))}) and at the free space of /var/lib/xen; then set spec.runState to Running, and to Paused again.`;
}

function byOther(snapshot: Snapshot): Decision {
  const message = wantsPaused(snapshot)
    ? 'The device model is paused, by another program: this operator has no saved state of it.'
    : `Another program paused the device model, to save or migrate the guest perhaps. It is left alone for ${othersPauseGraceMs / 1000} s and then asked to go on, unless the hypervisor has the guest suspended. To have it go on at once: xl unpause ${guestName(snapshot)}.`;
  return decide('Paused', 'True', 'PausedByOther', message);
}

/** Whether the device model is paused, and how it came to that. */
export function pausedCondition(snapshot: Snapshot): Decision {
  const pause = pauseOf(snapshot);
  const isPaused = pause !== undefined;
  const status = isPaused ? 'True' : 'False';
  const inflight = snapshot.channel?.inflight?.command;
  if (inflight === 'continue' && isPaused) {
    return decide('Paused', status, 'Resuming', 'The device model was asked to go on.');
  }
  if (inflight === 'save' && !isPaused) {
    return decide('Paused', status, 'Pausing', 'The device model was asked to save its state and pause.');
  }
  const failure = wantsPaused(snapshot) === isPaused ? undefined : runStateFailure(snapshot);
  if (failure !== undefined) return decide('Paused', status, failure, runStateFailures[failure](snapshot));
  switch (pause?.kind) {
    case undefined:
      return decide('Paused', 'False', 'NotPaused', 'The device model is not paused.');
    case 'others':
      // Until our own `save` is acknowledged, the pause is still nobody's.
      if (inflight === 'save') return decide('Paused', 'True', 'Paused', 'The device model stands still.');
      return byOther(snapshot);
    case 'ours': {
      const saved = pause.saved !== undefined && pause.saved.problem === undefined;
      const message = saved ? 'The device model saved its state and stands still.' : 'The device model stands still.';
      return decide('Paused', 'True', 'Paused', message);
    }
  }
}

/** Whether a stub domain that is paused as asked is all that was asked: only a state that can be resumed from counts. */
export function pausedReady(snapshot: Snapshot): Decision {
  const pause = pauseOf(snapshot);
  const asDesired = decide('Ready', 'True', 'AsDesired', 'The device model is paused, as asked.');
  if (pause?.kind !== 'ours') return asDesired;
  if (pause.saved?.problem !== undefined) {
    const { path, problem } = pause.saved;
    return decide('Ready', 'False', problem, problemMessage(snapshot, path, problem));
  }
  if (pause.saved !== undefined) return asDesired;
  const attempt = snapshot.memory.attempts.get(snapshot.object?.metadata.uid ?? '');
  if (attempt?.reason !== 'HypervisorFailed') {
    return decide('Ready', 'False', 'Pausing', 'The device model is paused; its saved state is not looked at yet.');
  }
  const detail = attempt.detail ?? 'the hypervisor refused';
  return decide(
    'Ready',
    'Unknown',
    'HypervisorFailed',
    `The device model is paused; whether its state was saved could not be looked at: ${triedAgain(detail)}`,
  );
}
