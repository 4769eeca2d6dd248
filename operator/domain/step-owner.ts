import type { Reason } from '../api/reasons.ts';
import type { Snapshot } from './snapshot.ts';
import type { Step } from './step.ts';

/** UID of the object whose try failed when the step did; undefined where a failure is nobody's. */
export function stepOwner(step: Step, snapshot: Snapshot): string | undefined {
  switch (step.do) {
    case 'ready':
      return step.uid;
    case 'grant':
    case 'rearm':
    case 'revoke':
    case 'closeBackend':
    case 'release':
      return snapshot.pciNotes.get(step.address)?.owner;
    case 'intend':
    case 'build':
    case 'start':
    case 'createGuest':
    case 'startGuest':
    case 'endGuest':
    case 'teardown':
    case 'checkSaved':
      return snapshot.object?.metadata.uid;
    default:
      return undefined;
  }
}

const refusals: ReadonlySet<string> = new Set<Reason>(['HypervisorFailed', 'NoMemory']);

/** Whether it was the hypervisor that ended a try. */
export const isRefusal = (reason: string): boolean => refusals.has(reason);

/** Until when (milliseconds since the epoch) a step waits because the hypervisor refused the last try; undefined: not. */
export function heldUntil(snapshot: Snapshot, step: Step): number | undefined {
  const attempt = snapshot.memory.attempts.get(stepOwner(step, snapshot) ?? '');
  if (attempt === undefined || !isRefusal(attempt.reason)) return undefined;
  return snapshot.now < attempt.retryAt ? attempt.retryAt : undefined;
}
