import { expectNote } from '../../domain/guarded-transaction.ts';
import * as at from '../../domain/locations.ts';
import { formatNote } from '../../domain/notes.ts';
import { startsGuest } from '../../domain/stub-domain/adoption.ts';
import { type ActContext, StaleSnapshotError, attachmentOf, noteOf, objectOf } from './context.ts';

/** Makes the object the owner of a stub domain that runs, and whose own object is gone. */
export async function takeOver(context: ActContext): Promise<void> {
  const note = noteOf(context);
  const { uid } = objectOf(context).metadata;
  const path = at.stubNotePath(note.target.uuid);
  const { guestNote } = context.snapshot;
  // The guest that was made with it is the same object's to start and to end, if that one asks for a guest.
  const guest = guestNote?.owner === note.owner && startsGuest(context.snapshot) ? guestNote : undefined;
  const guestPath = at.guestNotePath(note.target.uuid);
  await context.commit({
    expect: [
      expectNote('stub', path, note, 'the note changed'),
      ...(guest === undefined ? [] : [expectNote('guest', guestPath, guest, 'the note of the guest changed')]),
    ],
    write: [
      { path, value: formatNote('stub', { ...note, owner: uid }) },
      ...(guest === undefined ? [] : [{ path: guestPath, value: formatNote('guest', { ...guest, owner: uid }) }]),
    ],
    remove: [],
  });
  context.happened({
    uid,
    type: 'Normal',
    reason: 'TakenOver',
    message: `Took over stub domain ${note.domid ?? note.uuid}, which a StubDomain that is gone had asked for in the same way`,
  });
}

/** Makes the attachment the owner of a device that the guest has, and whose own attachment is gone. */
export async function handOver(context: ActContext, uid: string, address: string): Promise<void> {
  const note = context.snapshot.pciNotes.get(address);
  if (note === undefined) throw new StaleSnapshotError('the device is not noted');
  const { name } = attachmentOf(context, uid).metadata;
  const path = at.pciNotePath(note.target.uuid, address);
  await context.commit({
    expect: [expectNote('pci', path, note, 'the device is in other hands')],
    write: [{ path, value: formatNote('pci', { ...note, owner: uid, name }) }],
    remove: [],
  });
  context.happened({
    uid,
    type: 'Normal',
    reason: 'TakenOver',
    message: `Took over ${address}, which a PciAttachment that is gone had asked for in the same way`,
  });
}
