import type { GuestNote, Pin } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Plan } from '../step.ts';
import { isDeleting } from '../wanted.ts';

/** A stub domain that another toolstack made for the guest. */
export interface Adoptable extends Pin {
  /** Whether both domains name each other, as they do when the toolstack has laid everything out. */
  readonly linked: boolean;
  /** What its toolstack says it runs (`/libxl/T/dm-version`, reference §3.1); undefined if it says nothing known. */
  readonly flavor: 'MiniOS' | 'Linux' | undefined;
  /** Devices that are in its PCI back end already: a MiniOS model may have listed them. */
  readonly devices: readonly string[];
}

/** A toolstack writes the links after the domain is there, and no event of ours tells of them. */
const lookAgainMs = 5000;

const wait = (wakeAt?: number): Plan => ({ step: undefined, wakeAt });

/** Whether the stub domain is another toolstack's to make, and ours only to drive. */
export function isAdopting({ object, stubDomainsMadeBy }: Pick<Snapshot, 'object' | 'stubDomainsMadeBy'>): boolean {
  return object?.spec.provisioning === 'Adopt' || stubDomainsMadeBy === 'toolstack';
}

/** The note of the guest that was started for this object. */
export function ownGuest({ object, guestNote }: Snapshot): GuestNote | undefined {
  return guestNote !== undefined && guestNote.owner === object?.metadata.uid ? guestNote : undefined;
}

/** Whether the guest is to be started for this object. */
export function startsGuest(snapshot: Snapshot): boolean {
  const { object } = snapshot;
  return object?.spec.guest !== undefined && object.spec.provisioning === 'Create' && isAdopting(snapshot);
}

/** Why the stub domain that is there is not the one that the spec speaks of. */
export function flavorMismatch({ object, adoptable }: Snapshot): string | undefined {
  if (adoptable?.flavor === undefined || object === undefined || adoptable.flavor === object.spec.flavor)
    return undefined;
  const runs = adoptable.flavor === 'Linux' ? 'upstream QEMU (flavor Linux)' : 'qemu-traditional (flavor MiniOS)';
  return `Stub domain ${adoptable.domid} of the guest runs ${runs}, as its toolstack notes. Nothing is sent to it. Delete the StubDomain and create it with spec.flavor ${adoptable.flavor}.`;
}

/** The next step towards a stub domain that another toolstack makes. There is no note of one yet. */
export function adoptionStep(snapshot: Snapshot): Plan {
  const { object, target, adoptable, memory, now } = snapshot;
  if (object === undefined || isDeleting(object)) return wait();
  const attempt = memory.attempts.get(object.metadata.uid);
  if (target === undefined) {
    if (!startsGuest(snapshot)) return wait();
    return attempt !== undefined && now < attempt.retryAt ? wait(attempt.retryAt) : { step: { do: 'createGuest' } };
  }
  if (adoptable === undefined) return wait(snapshot.stubIsComing === true ? now + lookAgainMs : undefined);
  if (flavorMismatch(snapshot) !== undefined) return wait();
  return adoptable.linked ? { step: { do: 'adoptDomain' } } : wait(now + lookAgainMs);
}

/**
 * A guest that was started for this object runs when its stub domain is adopted and its device model answers: libxl makes it
 * paused. An agent that finds both domains there does not know whether the xl of another life still makes them; a guest that
 * runs before it has a device model boots without disks.
 */
export function guestStep(snapshot: Snapshot): Plan {
  const { channel } = snapshot;
  const answers = channel !== undefined && (channel.state !== 'Absent' || channel.legacy === true);
  // Whichever of two StubDomains asked for it last: the one that has its stub domain lets it run.
  const asked = snapshot.guestNote?.stage === 'intended' && startsGuest(snapshot);
  return answers && asked && snapshot.target !== undefined ? { step: { do: 'startGuest' } } : wait();
}
