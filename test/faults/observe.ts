import * as at from '../../operator/domain/locations.ts';
import { parseNote } from '../../operator/domain/notes.ts';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import type { FaultHost, FaultWorld, Shown } from '../support/world-parts.ts';
import { attachmentName, namespace, type Subject, type Which } from './subject.ts';

/** What is true of a subject in the device model, the hypervisor and XenStore. */
export interface HostView {
  readonly stubDomains: number;
  readonly servedBy: string;
  readonly noted: string | undefined;
  /** Every device model it ever had. */
  readonly deviceModels: readonly {
    readonly phase: string;
    /** How often each command was consumed. */
    readonly commands: Readonly<Record<string, number>>;
    readonly guestDevices: readonly string[];
  }[];
  readonly state: string | undefined;
  readonly command: string | undefined;
  readonly inflight: string | undefined;
  /** Addresses in the PCI back end. */
  readonly backend: readonly (string | undefined)[];
  readonly devices: readonly DeviceView[];
}

interface DeviceView {
  readonly claimedBy: string | undefined;
  readonly driver: string | undefined;
  readonly grants: readonly string[];
}

/** The conditions of a subject's objects as `Type=Status`, in order; undefined for an object that is not there. */
export interface ObjectView {
  readonly stubDomain: string | undefined;
  readonly attachments: readonly (string | undefined)[];
}

type Read = (path: string) => Promise<string | undefined>;

/** Looks past the proxies at what the agent made of the host. */
export async function observeHost(subject: Subject): Promise<HostView> {
  const { host, uuid, domid, name } = subject;
  const { admin, hypervisor, xenstore } = host;
  const [domains, models, note] = await Promise.all([
    hypervisor.listDomains(),
    admin.deviceModels(),
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
    devices: [await observeDevice(subject, 0, stub), await observeDevice(subject, 1, stub)],
  };
}

/** Asks the API server. */
export async function observeObjects({ kube }: FaultWorld, subject: Subject): Promise<ObjectView> {
  const [object, ...attachments] = await Promise.all([
    kube.tryGet<Shown>(stubDomains, { namespace, name: subject.name }),
    ...([0, 1] as const).map((which) =>
      kube.tryGet<Shown>(pciAttachments, { namespace, name: attachmentName(subject, which) }),
    ),
  ]);
  return { stubDomain: conditions(object), attachments: attachments.map(conditions) };
}

async function observeDevice({ host, domid, addresses }: Subject, which: Which, stub: number | undefined) {
  const address = addresses[which];
  const [grants, devices, claim] = await Promise.all([
    host.admin.grants(),
    host.hypervisor.listPciDevices(),
    host.xenstore.tryReadString(at.pciClaimPath(address)),
  ]);
  return {
    claimedBy: claim === String(domid) ? 'the guest' : claim,
    driver: devices.find((device) => device.address === address)?.driver,
    grants: grants
      .filter((grant) => grant.address === address)
      .map((grant) => `${who(grant.domid, domid, stub)}${grant.iommu ? ' with DMA' : ''}`)
      .sort(),
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

async function backendDevices(read: Read, back: string): Promise<(string | undefined)[]> {
  const count = Number((await read(`${back}/num_devs`)) ?? '0');
  return (await Promise.all(Array.from({ length: count }, (_, index) => read(`${back}/dev-${index}`)))).sort();
}

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
