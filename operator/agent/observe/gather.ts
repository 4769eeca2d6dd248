import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import * as at from '../../domain/locations.ts';
import { type PciNote, type Pin, type StubNote, parseNote } from '../../domain/notes.ts';
import { noPciBackend } from '../../domain/pci/backend.ts';
import type { DeviceView, HostDevice, Snapshot, TargetDomain } from '../../domain/snapshot.ts';
import { consoles } from '../../domain/stub-domain/consoles.ts';
import { diskName, diskNumber } from '../../domain/stub-domain/disks.ts';
import { withoutSpentRestore } from '../../domain/stub-domain/spent-restore.ts';
import { isAdopting } from '../../domain/stub-domain/adoption.ts';
import { parseDecimal, parseDomid } from '../../domain/untrusted.ts';
import { parseXenbusState } from '../../domain/xenbus.ts';
import type { TreeReader } from './tree-cache.ts';
import type { RawChannel } from './command-meter.ts';
import { readAdoptable, readAdoptedDevices } from './adoptable.ts';
import { readChannel } from './channel.ts';
import { readPciBackend } from './pci-backend.ts';
import { readPciNotes } from './pci-notes.ts';
import { planFingerprint } from './wiring.ts';

export interface GatherInput {
  readonly now: number;
  readonly object: StubDomain | undefined;
  readonly attachments: readonly PciAttachment[];
  readonly targetUuid: string | undefined;
  readonly target: TargetDomain | undefined;
  readonly domainOf: (uuid: string) => Pin | undefined;
  readonly domainAt: (domid: number) => Pin | undefined;
  readonly stubDomainsMadeBy: 'agent' | 'toolstack';
  /** `namespace/name` of an object on this host. */
  readonly ownerName: (uid: string) => string | undefined;
  readonly hostDevices: ReadonlyMap<string, HostDevice>;
  /** Domid of a domain that is named as the target's stub domain would be. */
  readonly namesake: number | undefined;
  /** Told what the device model wrote, raw: to be counted, and for nothing else. */
  readonly heard?: ((raw: RawChannel) => void) | undefined;
}

function plannedDevices(
  object: StubDomain,
  targetName: string,
  target: number,
): (Omit<DeviceView, 'state'> & { device: number })[] {
  const { spec } = object;
  return [
    ...(spec.disks ?? []).map((_, i) => ({ kind: 'vbd' as const, label: diskName(i), device: diskNumber(i) })),
    ...(spec.nics ?? []).map((_, i) => ({ kind: 'vif' as const, label: `nic ${i}`, device: i })),
    ...(spec.graphics === undefined
      ? []
      : (['vfb', 'vkbd'] as const).map((kind) => ({ kind, label: kind, device: 0 }))),
    // Console 0 has no handshake: its front end is the hypervisor's own console page (xenconsoled, libxl_console.c).
    ...consoles(spec, targetName, target)
      .slice(1)
      .map(({ index }) => ({ kind: 'console' as const, label: `console ${index}`, device: index })),
  ];
}

async function readDevices(
  tree: TreeReader,
  input: GatherInput,
  stub: number,
  note: StubNote | undefined,
): Promise<DeviceView[]> {
  if (note?.adopted === true) return readAdoptedDevices(tree, stub);
  const { object, target } = input;
  if (object === undefined || target === undefined) return [];
  return Promise.all(
    plannedDevices(object, target.name, target.domid).map(async ({ kind, label, device }) => {
      const state = await tree.tryRead(`${at.backendPath(kind, stub, device)}/state`);
      return { kind, label, state: parseXenbusState(state) };
    }),
  );
}

async function readClaims(tree: TreeReader, addresses: Iterable<string>): Promise<Map<string, number>> {
  const claims = new Map<string, number>();
  await Promise.all(
    [...addresses].map(async (address) => {
      const value = await tree.tryRead(at.pciClaimPath(address));
      // Somebody wrote it, whatever it says: the device is taken.
      if (value !== undefined) claims.set(address, parseDomid(value) ?? 0);
    }),
  );
  return claims;
}

/**
 * Reads all that a pass needs, in two bursts: what is found by the guest's uuid, and what is found by the domids that the
 * first burst gave.
 */
export async function gather(tree: TreeReader, input: GatherInput): Promise<Omit<Snapshot, 'memory'>> {
  const { targetUuid, target, now, attachments, hostDevices, stubDomainsMadeBy } = input;
  const base = { now, object: input.object, attachments, hostDevices, stubDomainsMadeBy };
  if (targetUuid === undefined) return { ...base, ...nothing };
  const addresses = new Set(
    attachments.flatMap(({ status }) => (status?.address === undefined ? [] : [status.address])),
  );
  const [note, guest, inflight, enumeratedNote, saved, lastNote, pciNotes, claims, servedBy, targetNode] =
    await Promise.all([
      tree.tryRead(at.stubNotePath(targetUuid)),
      stubDomainsMadeBy === 'toolstack' ? tree.tryRead(at.guestNotePath(targetUuid)) : undefined,
      tree.tryRead(at.inflightPath(targetUuid)),
      tree.tryRead(at.enumeratedPath(targetUuid)),
      tree.tryRead(at.savedPath(targetUuid)),
      tree.tryRead(at.lastCommandPath(targetUuid)),
      readPciNotes(tree, targetUuid, addresses),
      readClaims(tree, addresses),
      target === undefined ? undefined : tree.tryRead(`${at.domainPath(target.domid)}/image/device-model-domid`),
      target === undefined ? undefined : tree.tryRead(at.domainPath(target.domid)),
    ]);
  const stubNote = parseNote('stub', note);
  const object = input.object === undefined ? undefined : withoutSpentRestore(input.object, stubNote);
  const spent = object === input.object ? undefined : input.object?.spec.restoreFrom?.path;
  const last = parseNote('last', lastNote);
  const enumerated = parseNote('enumerated', enumeratedNote);
  const notes = { inflight: parseNote('inflight', inflight), enumerated, last, pciNotes };
  const ownerName = stubNote === undefined ? undefined : input.ownerName(stubNote.owner);
  // What another object has is not this one's to drive: its devices would be taken for some that nobody asks for.
  const isOthers = object !== undefined && ownerName !== undefined && stubNote?.owner !== object.metadata.uid;
  const stub = stubNote === undefined || isOthers ? undefined : input.domainOf(stubNote.uuid);
  const serving = parseDomid(servedBy) ?? input.namesake;
  const ours = stubNote === undefined ? undefined : (stub?.domid ?? stubNote.domid);
  const foreignStub = serving === undefined || serving === 0 || serving === ours ? undefined : serving;
  const started = stubNote?.stage === 'started' && stub !== undefined && target !== undefined;
  const serves = stub?.domid ?? input.namesake;
  const adopts = stubNote === undefined && isAdopting({ object, stubDomainsMadeBy });
  const foreign = adopts && foreignStub !== undefined ? input.domainAt(foreignStub) : undefined;
  const [stubNode, channel, devices, pciBackend, port, adoptable] = await Promise.all([
    serves === undefined ? undefined : tree.tryRead(at.domainPath(serves)),
    started ? readChannel(tree, notes, stub, target, input.heard) : undefined,
    stub !== undefined && stubNote?.stage !== 'intended' ? readDevices(tree, input, stub.domid, stubNote) : [],
    started ? readPciBackend(tree, stub.domid, addresses.size) : noPciBackend,
    started && object?.spec.graphics !== undefined
      ? tree.tryRead(`${at.domainPath(stub.domid)}/console/vnc-port`)
      : undefined,
    foreign === undefined || target === undefined ? undefined : readAdoptable(tree, foreign, target),
  ]);
  const guestNote = parseNote('guest', guest);
  const unknown = [
    ...(target !== undefined && targetNode === undefined ? [target.domid] : []),
    ...(serves !== undefined && stubNode === undefined ? [serves] : []),
  ];
  return {
    ...base,
    object,
    ...(spent === undefined ? {} : { spentRestore: spent }),
    target,
    ...(unknown.length === 0 ? {} : { unknownToXenStore: unknown }),
    note: stubNote,
    noteOwnerExists: ownerName !== undefined,
    ...planFits(stubNote, object, stub, target),
    ...(ownerName === undefined ? {} : { noteOwnerName: ownerName }),
    stub,
    foreignStub,
    ...(adoptable === undefined ? {} : { adoptable }),
    ...(adopts && adoptable === undefined && input.namesake !== undefined ? { stubIsComing: true } : {}),
    ...(guestNote === undefined ? {} : { guestNote }),
    channel,
    devices,
    displayPort: parseDecimal(port, 65_535),
    pciBackend,
    pciNotes: isOthers ? nothing.pciNotes : pciNotes,
    enumerated,
    claims,
    saved: parseNote('saved', saved),
    last,
  };
}

/** A plan is only compared where another object asks for the stub domain: it costs more than reading a note. */
function planFits(
  note: StubNote | undefined,
  object: StubDomain | undefined,
  stub: Pin | undefined,
  target: TargetDomain | undefined,
): Pick<Snapshot, 'notePlanFits'> {
  if (note?.plan === undefined || object === undefined || note.owner === object.metadata.uid) return {};
  if (stub === undefined || target === undefined) return {};
  const plan = planFingerprint(object.spec, { stub, target, targetName: target.name });
  return { notePlanFits: plan === note.plan };
}

const nothing = {
  target: undefined,
  note: undefined,
  noteOwnerExists: false,
  stub: undefined,
  foreignStub: undefined,
  channel: undefined,
  devices: [],
  displayPort: undefined,
  pciBackend: noPciBackend,
  pciNotes: new Map<string, PciNote>(),
  enumerated: undefined,
  claims: new Map<string, number>(),
  saved: undefined,
  last: undefined,
} as const;
