import type { Snapshot } from '../snapshot.ts';
import { type LastCommandNote, type SavedNote, samePin } from '../notes.ts';

/** What is wrong with a file that the device model says it saved. The words are the reasons of conditions and events. */
export type SaveProblem = NonNullable<SavedNote['problem']>;

/** A file of dom0 as the hypervisor port describes it. */
interface FileFacts {
  readonly size: number;
  readonly modifiedAt: number;
}

/** Clocks of files are coarse, and `modifiedAt` may be an earlier moment than the one at which the command was sent. */
const clockToleranceMs = 2000;

/**
 * Whether a file holds what the device model was told to save at `sentAt` (milliseconds since the epoch). `paused` alone
 * says nothing: the device model answers it whatever came of the file, and libxl believes it (reference §3.5, §4.3).
 */
export function saveProblem(file: FileFacts | undefined, sentAt: number): SaveProblem | undefined {
  if (file === undefined) return 'SaveFileMissing';
  if (file.size <= 0) return 'SaveFileEmpty';
  return file.modifiedAt < sentAt - clockToleranceMs ? 'SaveFileStale' : undefined;
}

const problems: ReadonlySet<string> = new Set<SaveProblem>(['SaveFileMissing', 'SaveFileEmpty', 'SaveFileStale']);

/**
 * What is wrong with a file is only believed when it still is that long after the pause: what the device model writes goes
 * through the ring of its console and a process in dom0, which may be behind.
 */
export const saveSettleMs = 2000;

/** When a file that was not right yet is looked at again, in milliseconds since the epoch. */
export function lookAgainAt({ memory, object }: Snapshot): number | undefined {
  const attempt = memory.attempts.get(object?.metadata.uid ?? '');
  return attempt !== undefined && problems.has(attempt.reason) ? attempt.retryAt : undefined;
}

/** The `save` that the present stub domain was given last, if nothing was sent since. */
function lastSave({ last, stub }: Snapshot): LastCommandNote | undefined {
  return last?.command === 'save' && samePin(last.stub, stub) ? last : undefined;
}

/** Who paused the device model, as far as is known. */
export type Pause =
  /** Our own `save` did. `saved`: what was noted of it, once its file was looked at. */
  | { readonly kind: 'ours'; readonly by: LastCommandNote; readonly saved: SavedNote | undefined }
  /** Another program did: `xl save`, a migration. */
  | { readonly kind: 'others' };

/**
 * Who paused the device model; undefined if it is not paused. A `save` that was given up counts as well: it may be carried
 * out as late as the guest's processors run again (reference §4.3).
 */
export function pauseOf(snapshot: Snapshot): Pause | undefined {
  if (snapshot.channel?.state !== 'paused') return undefined;
  const by = lastSave(snapshot);
  const saved = by !== undefined && snapshot.saved?.id === by.id ? snapshot.saved : undefined;
  return by === undefined || saved?.over === true ? { kind: 'others' } : { kind: 'ours', by, saved };
}

/** The pause of ours that somebody else ended, if it is not noted yet: the next one is not ours. */
export function endedByOthers(snapshot: Snapshot): LastCommandNote | undefined {
  if (snapshot.channel?.state !== 'running') return undefined;
  const by = lastSave(snapshot);
  if (by?.outcome !== 'Applied') return undefined;
  return snapshot.saved?.id === by.id && snapshot.saved.over === true ? undefined : by;
}
