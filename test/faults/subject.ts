import { randomUUID } from 'node:crypto';
import { findCondition } from '../../operator/api/conditions.ts';
import * as at from '../../operator/domain/locations.ts';
import { parseNote } from '../../operator/domain/notes.ts';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import type { FaultHost, FaultWorld, Shown } from '../support/world-parts.ts';

/** One guest with its own StubDomain and two devices, each for a PciAttachment: what a fault is tried on. */
export interface Subject {
  readonly name: string;
  readonly host: FaultHost;
  readonly uuid: string;
  readonly domid: number;
  readonly addresses: readonly [string, string];
}

/** Which of a subject's two devices. */
export type Which = 0 | 1;

/** Name of the PciAttachment of a device. */
export const attachmentName = ({ name }: Subject, which: Which): string => `${name}-${which + 1}`;

const namespace = 'default';
const apiVersion = 'stubdom.io/v1alpha1';
/** So long may an agent take after a fault: many are started at the same time. */
const patienceMs = 60_000;

/** Makes a guest for the objects to come. */
export async function makeSubject(
  host: FaultHost,
  name: string,
  addresses: readonly [string, string],
): Promise<Subject> {
  const uuid = randomUUID();
  const { domid } = await host.admin.addGuest({ uuid, name, memoryMiB: 64, ejectDelayMs: 20 });
  return { name, host, uuid, domid, addresses };
}

export async function applyStubDomain({ kube }: FaultWorld, { name, host, uuid }: Subject): Promise<void> {
  await kube.apply(
    stubDomains,
    {
      apiVersion,
      kind: 'StubDomain',
      metadata: { name, namespace },
      spec: { nodeName: host.name, target: { uuid, name }, disks: [{ name: 'system', source: `/dev/vg0/${name}` }] },
    },
    { fieldManager: 'test' },
  );
}

export async function applyAttachment({ kube }: FaultWorld, subject: Subject, which: Which): Promise<void> {
  await kube.apply(
    pciAttachments,
    {
      apiVersion,
      kind: 'PciAttachment',
      metadata: { name: attachmentName(subject, which), namespace },
      spec: {
        stubDomainRef: { name: subject.name },
        device: { address: subject.addresses[which] },
        driverPolicy: 'Seize',
      },
    },
    { fieldManager: 'test' },
  );
}

export async function setRunState(
  { kube }: FaultWorld,
  { name }: Subject,
  runState: 'Running' | 'Paused',
): Promise<void> {
  await kube.mergePatch(stubDomains, { namespace, name }, { spec: { runState } });
}

export async function removeStubDomain({ kube }: FaultWorld, { name }: Subject): Promise<void> {
  await kube.delete(stubDomains, { namespace, name });
}

export async function removeAttachment({ kube }: FaultWorld, subject: Subject, which: Which): Promise<void> {
  await kube.delete(pciAttachments, { namespace, name: attachmentName(subject, which) });
}

/** What `until…` waits for. */
export type Check = (shown: Shown | undefined) => boolean;

/** Waits until `check` holds of the subject's StubDomain. */
export async function untilStubDomain(world: FaultWorld, { name }: Subject, check: Check): Promise<void> {
  await world.stubDomains.until({ namespace, name }, check, patienceMs);
}

/** The same of one of its attachments. */
export async function untilAttachment(world: FaultWorld, subject: Subject, which: Which, check: Check): Promise<void> {
  await world.attachments.until({ namespace, name: attachmentName(subject, which) }, check, patienceMs);
}

/** Whether the object says so of itself. */
export function says(shown: Shown | undefined, type: string, status: string): boolean {
  return findCondition(shown?.status?.conditions, type)?.status === status;
}

/** Whether the agent has seen the spec as it is now, and `Ready` is True. */
export function isReady(shown: Shown | undefined): boolean {
  return says(shown, 'Ready', 'True') && shown?.status?.['observedGeneration'] === shown?.metadata.generation;
}

export const isGone = (shown: Shown | undefined): boolean => shown === undefined;

type Read = (path: string) => Promise<string | undefined>;

/** What is true of a subject: in the device model, the hypervisor, XenStore and the API. */
export async function observe(world: FaultWorld, subject: Subject): Promise<Record<string, unknown>> {
  const { host, uuid, domid, name } = subject;
  const { admin, hypervisor, xenstore } = host;
  const [domains, models, object, note] = await Promise.all([
    hypervisor.listDomains(),
    admin.deviceModels(),
    world.kube.tryGet<Shown>(stubDomains, { namespace, name }),
    xenstore.tryRead(at.stubNotePath(uuid)),
  ]);
  const stubs = domains.filter((domain) => domain.name === `${name}-dm`);
  const stub = stubs[0]?.domid;
  const read: Read = (path) => xenstore.tryReadString(path);
  const channel = stub === undefined ? undefined : at.deviceModelPath(stub, domid);
  return {
    stubDomains: stubs.length,
    servedBy: await servedBy(read, domid, stub),
    noted: parseNote('stub', note)?.stage,
    deviceModels: models
      .filter(({ targetDomid }) => targetDomid === domid)
      .map(({ phase, commands, guestDevices }) => ({
        phase,
        commands,
        guestDevices: guestDevices.map(({ device }) => `0000:${device}`).sort(),
      })),
    state: channel === undefined ? undefined : await read(`${channel}/state`),
    command: channel === undefined ? undefined : await read(`${channel}/command`),
    inflight: await read(at.inflightPath(uuid)),
    backend: stub === undefined ? [] : await backendDevices(read, at.backendPath('pci', stub, 0)),
    conditions: conditions(object),
    devices: [await observeDevice(world, subject, 0, stub), await observeDevice(world, subject, 1, stub)],
  };
}

async function observeDevice({ kube }: FaultWorld, subject: Subject, which: Which, stub: number | undefined) {
  const { host, domid } = subject;
  const address = subject.addresses[which];
  const [grants, devices, claim, attachment] = await Promise.all([
    host.admin.grants(),
    host.hypervisor.listPciDevices(),
    host.xenstore.tryReadString(at.pciClaimPath(address)),
    kube.tryGet<Shown>(pciAttachments, { namespace, name: attachmentName(subject, which) }),
  ]);
  return {
    claimedBy: claim === String(domid) ? 'the guest' : claim,
    driver: devices.find((device) => device.address === address)?.driver,
    grants: grants
      .filter((grant) => grant.address === address)
      .map((grant) => `${who(grant.domid, domid, stub)}${grant.iommu ? ' with DMA' : ''}`)
      .sort(),
    conditions: conditions(attachment),
  };
}

async function servedBy(read: Read, guest: number, stub: number | undefined): Promise<string> {
  const domid = await read(`/local/domain/${guest}/image/device-model-domid`);
  if (domid === undefined) return 'none';
  return domid === String(stub) ? 'it' : `domain ${domid}`;
}

function who(domid: number, guest: number, stub: number | undefined): string {
  if (domid === guest) return 'guest';
  return domid === stub ? 'stub' : `domain ${domid}`;
}

async function backendDevices(read: Read, back: string): Promise<unknown[]> {
  const count = Number((await read(`${back}/num_devs`)) ?? '0');
  return Promise.all(Array.from({ length: count }, (_, index) => read(`${back}/dev-${index}`)));
}

/** The conditions as `Type=Status`, in order; undefined without the object. */
function conditions(shown: Shown | undefined): string | undefined {
  if (shown === undefined) return undefined;
  return (shown.status?.conditions ?? []).map(({ type, status }) => `${type}=${status}`).join(' ');
}

/** Every node that has a value, below what belongs to the toolstack: to see what is left behind. */
export async function tree({ xenstore }: FaultHost): Promise<string[]> {
  const found: string[] = [];
  const visit = async (path: string): Promise<void> => {
    const [value, names] = await Promise.all([xenstore.tryReadString(path), xenstore.tryList(path)]);
    if (value !== undefined && value !== '') found.push(path);
    await Promise.all((names ?? []).map((name) => visit(`${path}/${name}`)));
  };
  await Promise.all(['/local', '/vm', '/libxl', '/tool'].map(visit));
  return found.sort();
}
