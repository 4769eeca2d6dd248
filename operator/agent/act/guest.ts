import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import * as at from '../../domain/locations.ts';
import { type GuestNote, formatNote } from '../../domain/notes.ts';
import { ownedBy } from '../../domain/plan-node.ts';
import type { DomainIdentity, GuestRequest } from '../../hypervisor/hypervisor.ts';
import { type ActContext, StaleSnapshotError, objectOf, pinOf, targetOf } from './context.ts';
import { writePlan } from './write-plan.ts';

/** The guest that a spec asks the toolstack for; undefined if it asks for none. */
export function guestRequest(spec: StubDomainSpec): GuestRequest | undefined {
  const { guest, target, graphics } = spec;
  if (guest === undefined || target.name === undefined) return undefined;
  return {
    uuid: target.uuid,
    name: target.name,
    memoryMiB: guest.memoryMiB,
    vcpus: guest.vcpus,
    bootOrder: guest.bootOrder,
    passthrough: guest.passthrough === 'Enabled',
    ...(spec.kernel === undefined ? {} : { stubKernel: spec.kernel }),
    ...(spec.memoryMiB === undefined ? {} : { stubMemoryMiB: spec.memoryMiB }),
    deviceModelArgs: spec.deviceModelArgs ?? [],
    disks: spec.disks ?? [],
    nics: spec.nics ?? [],
    ...(graphics === undefined ? {} : { graphics }),
    serials: (spec.serials ?? []).map(({ output }) => output),
  };
}

async function note(context: ActContext, uuid: string, guest: GuestNote): Promise<void> {
  await context.layOut((tx) =>
    writePlan(tx, [
      { path: at.notesPath(uuid), permissions: ownedBy(0) },
      { path: at.guestNotePath(uuid), value: formatNote('guest', guest) },
    ]),
  );
}

async function make(context: ActContext, owner: string, request: GuestRequest): Promise<DomainIdentity> {
  await note(context, request.uuid, { owner, stage: 'intended' });
  return context.hypervisor.createGuest(request);
}

/**
 * Has the toolstack make the guest and its stub domain, or puts it off where enough others are being made. It is noted before,
 * so that a crash in between leaves no guest that nobody owns; asked again, the toolstack's guest with that uuid is the answer.
 */
export async function createGuest(context: ActContext): Promise<void> {
  const { metadata, spec } = objectOf(context);
  const request = guestRequest(spec);
  if (request === undefined) throw new StaleSnapshotError('the spec asks for no guest');
  const { memory, creations, snapshot } = context;
  const giveBack = creations.tryTake();
  if (snapshot.memory.attempts.get(metadata.uid)?.reason === 'Queued') memory.succeeded(metadata.uid);
  if (giveBack === undefined) {
    memory.failed(metadata.uid, 'Queued', snapshot.now);
    return;
  }
  const { domid } = await make(context, metadata.uid, request).finally(giveBack);
  await context.domains.refresh();
  context.happened({
    uid: metadata.uid,
    type: 'Normal',
    reason: 'GuestCreated',
    message: `Had the toolstack make guest ${request.name} (domain ${domid}) and its stub domain`,
  });
}

/** Lets the guest run, once: whoever pauses it later means it. */
export async function startGuest(context: ActContext): Promise<void> {
  const { uid } = objectOf(context).metadata;
  const target = targetOf(context);
  await context.hypervisor.unpauseDomain(pinOf(target));
  await note(context, target.uuid, { owner: uid, stage: 'started' });
}

/** Ends the guest that was started for the object, and with it its stub domain. */
export async function endGuest(context: ActContext): Promise<void> {
  const { uid } = objectOf(context).metadata;
  const target = targetOf(context);
  await context.hypervisor.destroyDomain(pinOf(target));
  context.domains.remove(target);
  await context.domains.refresh();
  context.happened({
    uid,
    type: 'Normal',
    reason: 'GuestEnded',
    message: `Ended guest ${target.name} (domain ${target.domid}): its StubDomain is deleted`,
  });
}
