import { expectNote } from '../../domain/guarded-transaction.ts';
import * as at from '../../domain/locations.ts';
import { type LastCommandNote, type SavedNote, formatNote } from '../../domain/notes.ts';
import { type SaveProblem, lookAgainAt, saveProblem, saveSettleMs } from '../../domain/stub-domain/saved-state.ts';
import { type ActContext, objectOf, targetOf } from './context.ts';

const words: Readonly<Record<SaveProblem, string>> = {
  SaveFileMissing: 'is not there',
  SaveFileEmpty: 'is empty',
  SaveFileStale: 'is older than the request to save',
};

async function note(context: ActContext, by: LastCommandNote, saved: SavedNote): Promise<void> {
  const { uuid } = targetOf(context);
  await context.commit({
    expect: [expectNote('last', at.lastCommandPath(uuid), by, 'another command was sent')],
    write: [{ path: at.savedPath(uuid), value: formatNote('saved', saved) }],
    remove: [],
  });
}

/** Looks at the file that the device model says it saved, and notes what it is worth. */
export async function checkSaved(context: ActContext, by: LastCommandNote): Promise<void> {
  const path = at.saveFile(targetOf(context).domid);
  const file = await context.hypervisor.inspectFile(path);
  const problem = saveProblem(file, by.sentAt);
  const { memory, snapshot } = context;
  const { uid } = objectOf(context).metadata;
  if (problem !== undefined && snapshot.now < (snapshot.memory.pausedSince ?? snapshot.now) + saveSettleMs) {
    memory.failed(uid, problem, snapshot.now);
    return;
  }
  const time = by.outcome === 'Applied' ? by.finishedAt : context.clock.now();
  await note(context, by, {
    id: by.id,
    path,
    time,
    ...(file === undefined ? {} : { size: file.size }),
    ...(problem === undefined ? {} : { problem }),
  });
  if (lookAgainAt(snapshot) !== undefined) memory.succeeded(uid);
  if (problem === undefined) return;
  context.happened({
    uid,
    type: 'Warning',
    reason: problem,
    message: `The device model paused, but ${path} ${words[problem]}: its state was not saved`,
  });
}

/** Notes that somebody else ended our pause. */
export async function notePauseOver(context: ActContext, by: LastCommandNote): Promise<void> {
  const { saved } = context.snapshot;
  const known = saved?.id === by.id ? saved : { path: at.saveFile(targetOf(context).domid), time: by.finishedAt };
  await note(context, by, { ...known, id: by.id, over: true });
}
