import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import * as at from '../../domain/locations.ts';
import { type StubNote, formatNote, parseNote } from '../../domain/notes.ts';
import { expectNote } from '../../domain/guarded-transaction.ts';
import { ownedBy } from '../../domain/plan-node.ts';
import { stubMemoryMiB } from '../../domain/stub-domain/memory.ts';
import { setupPlan } from '../../domain/stub-domain/setup-plan.ts';
import { parseVmPath } from '../../domain/untrusted.ts';
import { planFingerprint } from '../observe/wiring.ts';
import {
  type ActContext,
  StaleSnapshotError,
  noteOf,
  objectOf,
  pinOf,
  randomUuid,
  stubOf,
  targetOf,
  targetUuidOf,
} from './context.ts';
import { writePlan } from './write-plan.ts';

const defaultKernel = '/usr/lib/xen/boot/ioemu-stubdom.gz';

/** Name of the stub domain, as libxl names it. */
export const stubName = (targetName: string): string => `${targetName}-dm`;

/** Notes the uuid of the stub domain that will be made. From here on a restarted agent finds what was begun. */
export async function intend(context: ActContext): Promise<void> {
  const target = targetOf(context);
  const note: StubNote = {
    owner: objectOf(context).metadata.uid,
    target: pinOf(target),
    uuid: randomUuid(context.random),
    stage: 'intended',
  };
  await context.layOut(async (tx) => {
    const present = await tx.tryRead(at.stubNotePath(target.uuid));
    // One that cannot be read is as good as none, as it was when this was decided.
    if (parseNote('stub', present) !== undefined) throw new StaleSnapshotError('a note is there already');
    const path = at.notesPath(target.uuid);
    await Promise.all([
      tx.mkdir(path),
      tx.setPermissions(path, ownedBy(0)),
      tx.write(at.stubNotePath(target.uuid), formatNote('stub', note)),
    ]);
  });
}

function createRequest(spec: StubDomainSpec, uuid: string, targetName: string) {
  return {
    uuid,
    name: stubName(targetName),
    kernel: spec.kernel ?? defaultKernel,
    memoryMiB: stubMemoryMiB(spec),
  };
}

/** Makes the domain that the note names, and lays out everything for it in one transaction. */
export async function build(context: ActContext): Promise<void> {
  const { xenstore, hypervisor, domains } = context;
  const { spec } = objectOf(context);
  const target = targetOf(context);
  const note = noteOf(context);
  const request = createRequest(spec, note.uuid, target.name);
  const stub = pinOf(await hypervisor.createDomain(request));
  domains.add({ ...stub, name: request.name, type: 'PV', memoryMiB: request.memoryMiB, paused: true });
  await Promise.all([hypervisor.setTarget(stub, pinOf(target)), xenstore.setTarget(stub.domid, target.domid)]);
  const identity = { stub, target: pinOf(target), targetName: target.name };
  const wired: StubNote = {
    ...note,
    stage: 'wired',
    domid: stub.domid,
    plan: planFingerprint(spec, identity),
    ...(spec.restoreFrom === undefined ? {} : { restores: true }),
  };
  await context.layOut(async (tx) => {
    const present = parseNote('stub', await tx.tryRead(at.stubNotePath(target.uuid)));
    if (present?.uuid !== note.uuid) throw new StaleSnapshotError('the note changed');
    await Promise.all([
      writePlan(tx, setupPlan(spec, identity)),
      tx.write(at.stubNotePath(target.uuid), formatNote('stub', wired)),
    ]);
  });
  context.memory.inspected(context.snapshot, { specChanged: false, drift: [], repairable: [] });
}

/** Writes again what of the plan is missing or was changed by somebody, where a running stub domain is not disturbed. */
export async function rewire(context: ActContext, paths: readonly string[]): Promise<void> {
  const stub = pinOf(stubOf(context));
  const target = targetOf(context);
  const object = objectOf(context);
  const wanted = new Set(paths);
  const identity = { stub, target: pinOf(target), targetName: target.name };
  const nodes = setupPlan(object.spec, identity).filter(({ path }) => wanted.has(path));
  const repaired = await context.layOut(async (tx) => {
    const [stubVm, targetVm] = await Promise.all(
      [stub, target].map(({ domid }) => tx.tryRead(`${at.domainPath(domid)}/vm`)),
    );
    if (parseVmPath(stubVm) !== stub.uuid || parseVmPath(targetVm) !== target.uuid) return false;
    await writePlan(tx, nodes);
    return true;
  });
  context.memory.rewired(repaired ? wanted : new Set());
  if (!repaired) return;
  context.happened({
    uid: object.metadata.uid,
    type: 'Warning',
    reason: 'Drifted',
    message: `Somebody removed or changed what was laid out; it was written again: ${paths.join(', ')}`.slice(0, 1000),
  });
}

/** Lets the stub domain run. */
export async function start(context: ActContext): Promise<void> {
  const stub = stubOf(context);
  const note = noteOf(context);
  await context.hypervisor.unpauseDomain(pinOf(stub));
  const started: StubNote = { ...note, stage: 'started', domid: stub.domid, startedAt: context.snapshot.now };
  await context.xenstore.write(at.stubNotePath(note.target.uuid), formatNote('stub', started));
  context.happened({
    uid: note.owner,
    type: 'Normal',
    reason: 'Started',
    message: `Started stub domain ${stub.domid} for domain ${note.target.domid}`,
  });
}

/** Removes what is noted of a guest for which there is no stub domain. */
export async function sweep(context: ActContext): Promise<void> {
  const uuid = targetUuidOf(context);
  await context.commit({
    expect: [
      expectNote('stub', at.stubNotePath(uuid), undefined, 'a stub domain is being made'),
      expectNote('inflight', at.inflightPath(uuid), undefined, 'a command is under way'),
    ],
    write: [],
    remove: [at.notesPath(uuid)],
  });
}

/** Forgets the stub domain and leaves it running. */
export async function forget(context: ActContext): Promise<void> {
  const note = noteOf(context);
  await context.xenstore.remove(at.notesPath(note.target.uuid));
  context.happened({
    uid: note.owner,
    type: 'Normal',
    reason: 'Orphaned',
    message: 'Left the stub domain running and its devices where they are, as spec.deletionPolicy asks',
  });
}
