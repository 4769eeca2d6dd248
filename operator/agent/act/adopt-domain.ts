import { expectLinked } from '../../domain/command-channel/links.ts';
import { expectNote } from '../../domain/guarded-transaction.ts';
import * as at from '../../domain/locations.ts';
import { type EnumeratedNote, type StubNote, formatNote } from '../../domain/notes.ts';
import { ownedBy } from '../../domain/plan-node.ts';
import { type ActContext, StaleSnapshotError, objectOf, pinOf, targetOf } from './context.ts';

/**
 * Notes the stub domain that another toolstack made for the guest. From here on it is driven like one of ours: its
 * commands, its run state, its devices; it is never ended, and nothing that was laid out for it is written again.
 */
export async function adoptDomain(context: ActContext): Promise<void> {
  const target = pinOf(targetOf(context));
  const { adoptable } = context.snapshot;
  if (adoptable === undefined) throw new StaleSnapshotError('the stub domain is gone');
  const stub = pinOf(adoptable);
  const { uid } = objectOf(context).metadata;
  const note: StubNote = {
    owner: uid,
    target,
    uuid: stub.uuid,
    stage: 'started',
    domid: stub.domid,
    adopted: true,
    startedAt: context.snapshot.now,
  };
  // What its toolstack gave it before may be listed by now, and a MiniOS model lists only once.
  const listed: EnumeratedNote = { stub, addresses: adoptable.devices };
  const path = at.stubNotePath(target.uuid);
  await context.commit(
    {
      expect: [...expectLinked(stub, target), expectNote('stub', path, undefined, 'a note is there already')],
      write: [
        { path: at.notesPath(target.uuid), permissions: ownedBy(0) },
        { path, value: formatNote('stub', note) },
        ...(adoptable.devices.length === 0
          ? []
          : [{ path: at.enumeratedPath(target.uuid), value: formatNote('enumerated', listed) }]),
      ],
      remove: [],
    },
    { shared: true },
  );
  context.happened({
    uid,
    type: 'Normal',
    reason: 'Adopted',
    message: `Adopted stub domain ${stub.domid} of domain ${target.domid}, which another toolstack made`,
  });
}
