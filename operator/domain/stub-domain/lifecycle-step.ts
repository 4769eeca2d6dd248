import type { Snapshot } from '../snapshot.ts';
import type { Plan } from '../step.ts';
import { isDeleting } from '../wanted.ts';
import { adoptionStep, guestStep, isAdopting } from './adoption.ts';
import { refuse } from './support.ts';

const wait = (wakeAt?: number): Plan => ({ step: undefined, wakeAt });

/** How long a started stub domain may take to say `running` before it is called overdue (libxl: 30 s). */
export const startTimeoutMs = 30_000;

/** Whether the guest named by the spec is the one that was found. */
export function targetMismatch(snapshot: Snapshot): boolean {
  const wanted = snapshot.object?.spec.target.name;
  return wanted !== undefined && snapshot.target !== undefined && snapshot.target.name !== wanted;
}

/** Whether another object of ours serves the guest. */
export function servedByOther(snapshot: Snapshot): boolean {
  return (
    snapshot.note !== undefined && snapshot.note.owner !== snapshot.object?.metadata.uid && snapshot.noteOwnerExists
  );
}

/**
 * Whether the object takes over a stub domain whose own object is gone: it was deleted without its finalizer and created
 * again, and asks for the same. Making it anew would cost the guest its disks for a while.
 */
function isHeir(snapshot: Snapshot): boolean {
  const { note, object, target } = snapshot;
  if (note === undefined || object === undefined || target === undefined || snapshot.noteOwnerExists) return false;
  if (note.owner === object.metadata.uid || note.target.domid !== target.domid) return false;
  if (targetMismatch(snapshot) || isRefused(snapshot)) return false;
  if (isAdopting(snapshot) !== (note.adopted === true)) return false;
  if (note.adopted === true) return snapshot.stub !== undefined;
  return note.stage === 'intended' || (snapshot.stub !== undefined && snapshot.notePlanFits === true);
}

const isRefused = ({ object, target, stubDomainsMadeBy }: Snapshot): boolean =>
  object !== undefined && refuse(object.spec, target?.name ?? '', stubDomainsMadeBy) !== undefined;

/** Whether the stub domain that `note` speaks of can no longer serve, and why. */
function leftover(snapshot: Snapshot): Extract<Plan['step'], { do: 'teardown' }> | undefined {
  const { note, object, target } = snapshot;
  if (note === undefined || object === undefined) return undefined;
  if (note.owner !== object.metadata.uid) {
    return snapshot.noteOwnerExists ? undefined : { do: 'teardown', because: 'orphanNote' };
  }
  if (target === undefined) return { do: 'teardown', because: 'targetGone' };
  if (note.target.domid !== target.domid) return { do: 'teardown', because: 'targetRestarted' };
  if (note.stage !== 'intended' && snapshot.stub === undefined) return { do: 'teardown', because: 'domainDied' };
  return undefined;
}

/** A device model of before Xen 4.6 speaks where no watch of ours tells of it. */
const silentLookMs = 5000;

/** When a device model that has not said anything yet is to be looked for again, or to be called overdue. */
function overdueAt({ note, channel, now }: Snapshot): number | undefined {
  const due = (note?.startedAt ?? 0) + startTimeoutMs;
  if (channel?.state !== 'Absent' || now >= due) return undefined;
  return Math.min(due, now + silentLookMs);
}

/** The next step in making and starting the stub domain. Deletion is apart. */
export function lifecycleStep(snapshot: Snapshot): Plan {
  const { object, note, target } = snapshot;
  if (object === undefined || isDeleting(object)) return wait();
  if (isHeir(snapshot)) return { step: { do: 'takeOver' } };
  const old = leftover(snapshot);
  if (old !== undefined) return { step: old };
  if (targetMismatch(snapshot) || servedByOther(snapshot) || isRefused(snapshot)) return wait();
  if (isAdopting(snapshot)) {
    if (note === undefined) return adoptionStep(snapshot);
    const guest = guestStep(snapshot);
    return guest.step === undefined ? wait(overdueAt(snapshot)) : guest;
  }
  if (target === undefined) return wait();
  const attempt = snapshot.memory.attempts.get(object.metadata.uid);
  if (note?.stage !== 'started' && attempt !== undefined && snapshot.now < attempt.retryAt)
    return wait(attempt.retryAt);
  switch (note?.stage) {
    case undefined:
      return snapshot.foreignStub === undefined ? { step: { do: 'intend' } } : wait();
    case 'intended':
      return { step: { do: 'build' } };
    case 'wired':
      return { step: { do: 'start' } };
    case 'started': {
      const paths = snapshot.memory.wiring?.repairable ?? [];
      if (paths.length > 0) return { step: { do: 'rewire', paths } };
      return wait(overdueAt(snapshot));
    }
  }
}
