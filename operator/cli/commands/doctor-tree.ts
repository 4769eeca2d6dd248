import { domainPath, notesPath, pciNotePath, pciNotesPath, stubNotePath } from '../../domain/locations.ts';
import { parseNote } from '../../domain/notes.ts';
import { fromXenstoreBdf } from '../../domain/pci/bdf.ts';
import { parseDomid, parseVmPath } from '../../domain/untrusted.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import { type Check, ok, warn } from './doctor-check.ts';
import type { ClusterObjects } from './doctor-cluster.ts';

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const notesRoot = '/tool/stubdom';
const claimsRoot = '/libxl/pci';
/** More than a host can have; a tree that somebody filled is not read to its end. */
const maxNodes = 4096;

interface Domain {
  readonly domid: number;
  readonly uuid: string | undefined;
  /** Of a stub domain: the guest that it serves. */
  readonly target: number | undefined;
}

interface GuestNotes {
  readonly uuid: string;
  readonly stub: ReturnType<typeof parseNote<'stub'>>;
  readonly devices: readonly { readonly address: string; readonly owner: string | undefined }[];
  readonly unreadable: number;
}

async function readDomains(store: XenStore): Promise<Domain[]> {
  const names = ((await store.tryList('/local/domain')) ?? []).slice(0, maxNodes);
  const domids = names.filter((name) => /^(?:0|[1-9]\d{0,4})$/.test(name)).map(Number);
  return Promise.all(
    domids.map(async (domid) => {
      const [vm, target] = await Promise.all([
        store.tryRead(`${domainPath(domid)}/vm`),
        store.tryRead(`${domainPath(domid)}/target`),
      ]);
      return { domid, uuid: parseVmPath(vm), target: parseDomid(target) };
    }),
  );
}

async function readNotes(store: XenStore, uuid: string): Promise<GuestNotes> {
  const [stubBytes, names] = await Promise.all([store.tryRead(stubNotePath(uuid)), store.tryList(pciNotesPath(uuid))]);
  const addresses = (names ?? []).slice(0, maxNodes).flatMap((name) => fromXenstoreBdf(name) ?? []);
  const devices = await Promise.all(
    addresses.map(async (address) => ({
      address,
      owner: parseNote('pci', await store.tryRead(pciNotePath(uuid, address)))?.owner,
    })),
  );
  const stub = parseNote('stub', stubBytes);
  const unreadable = devices.filter(({ owner }) => owner === undefined).length;
  return { uuid, stub, devices, unreadable: unreadable + (stubBytes !== undefined && stub === undefined ? 1 : 0) };
}

function checkNotes(notes: readonly GuestNotes[], objects: ClusterObjects, domains: readonly Domain[]): Check[] {
  const domainOwners = new Set(objects.stubDomains.map(({ metadata }) => metadata.uid));
  const deviceOwners = new Set(objects.attachments.map(({ metadata }) => metadata.uid));
  const running = new Set(domains.map(({ uuid }) => uuid));
  const wrong = notes.flatMap(({ uuid, stub, devices, unreadable }) => {
    const lost = devices
      .filter(({ owner }) => owner !== undefined && !deviceOwners.has(owner))
      .map(({ address }) => address);
    const guest = `guest ${uuid}, which ${running.has(uuid) ? 'runs' : 'does not run'}`;
    const next = `The agent takes away what no object asks for; if it runs and this stays, read ${notesPath(uuid)} with stubdom xenstore ls.`;
    return [
      ...(unreadable > 0
        ? [warn('notes', `${String(unreadable)} notes about the ${guest}, cannot be understood.`, next)]
        : []),
      ...(stub !== undefined && !domainOwners.has(stub.owner)
        ? [warn('notes', `There are notes of a StubDomain that is gone, about the ${guest}.`, next)]
        : []),
      ...(lost.length > 0
        ? [
            warn(
              'notes',
              `There are notes of PciAttachments that are gone, about ${lost.join(', ')} of the ${guest}.`,
              next,
            ),
          ]
        : []),
    ];
  });
  return wrong.length > 0 ? wrong : [ok('notes', `Those about ${String(notes.length)} guests all belong to objects.`)];
}

function checkStubDomains(notes: readonly GuestNotes[], objects: ClusterObjects, domains: readonly Domain[]): Check[] {
  const uuids = new Map(domains.map(({ domid, uuid }) => [domid, uuid]));
  const wanted = new Set(objects.stubDomains.map(({ spec }) => spec.target.uuid));
  const noted = new Set(notes.flatMap(({ stub }) => stub?.domid ?? []));
  const stubs = domains.filter(({ target }) => target !== undefined);
  const wrong = stubs.flatMap(({ domid, target }) => {
    const uuid = uuids.get(target ?? -1);
    const stub = `stub domain ${String(domid)}`;
    if (uuid === undefined) {
      return [
        warn(
          'stub-domains',
          `The ${stub} serves domain ${String(target)}, which is gone.`,
          `If nothing of it is needed: xl destroy ${String(domid)}.`,
        ),
      ];
    }
    if (wanted.has(uuid) || noted.has(domid)) return [];
    const next = `Leave it to the toolstack that made it, or make a StubDomain with provisioning: Adopt for it.`;
    return [warn('stub-domains', `No StubDomain is about the ${stub}, which serves the guest ${uuid}.`, next)];
  });
  return wrong.length > 0 ? wrong : [ok('stub-domains', `All ${String(stubs.length)} have a StubDomain.`)];
}

async function checkClaims(
  store: XenStore,
  notes: readonly GuestNotes[],
  objects: ClusterObjects,
  domains: readonly Domain[],
): Promise<Check[]> {
  const names = ((await store.tryList(claimsRoot)) ?? []).slice(0, maxNodes);
  const claims = await Promise.all(
    names.map(async (name) => ({
      address: fromXenstoreBdf(name),
      holder: parseDomid(await store.tryRead(`${claimsRoot}/${name}/domid`)),
    })),
  );
  const held = claims.flatMap(({ address, holder }) =>
    address === undefined || holder === undefined ? [] : [{ address, holder }],
  );
  const uuids = new Map(domains.map(({ domid, uuid }) => [domid, uuid]));
  const wanted = new Set(objects.attachments.map(({ metadata }) => metadata.uid));
  const wrong = held.flatMap(({ address, holder }) => {
    const claim = `${address} is claimed for domain ${String(holder)}`;
    if (!uuids.has(holder)) {
      const next = `See whether xl pci-assignable-list has it; then remove the claim: stubdom xenstore rm ${claimsRoot}/${address.replaceAll(/[:.]/g, '-')}/domid.`;
      return [warn('claims', `${claim}, which is gone.`, next)];
    }
    const note = notes
      .find(({ uuid }) => uuid === uuids.get(holder))
      ?.devices.find((device) => device.address === address);
    if (note?.owner !== undefined && wanted.has(note.owner)) return [];
    return [
      warn(
        'claims',
        `${claim}, and no PciAttachment asks for it.`,
        'Leave it to the toolstack that attached it (xl pci-detach).',
      ),
    ];
  });
  return wrong.length > 0
    ? wrong
    : [ok('claims', `All ${String(held.length)} claims of PCI devices have a PciAttachment.`)];
}

/** What is in XenStore that no object of the cluster asks for. Values are shown nowhere: only domids, uuids and addresses that parse. */
export async function checkTree(store: XenStore, objects: ClusterObjects | undefined): Promise<readonly Check[]> {
  if (objects === undefined) {
    return [
      warn(
        'owners',
        'Without the cluster nobody knows what belongs to which object.',
        'Give its kubeconfig: --kubeconfig.',
      ),
    ];
  }
  const domains = await readDomains(store);
  const names = ((await store.tryList(notesRoot)) ?? []).slice(0, maxNodes);
  const notes = await Promise.all(names.filter((name) => uuidPattern.test(name)).map((uuid) => readNotes(store, uuid)));
  return [
    ...checkNotes(notes, objects, domains),
    ...checkStubDomains(notes, objects, domains),
    ...(await checkClaims(store, notes, objects, domains)),
  ];
}
