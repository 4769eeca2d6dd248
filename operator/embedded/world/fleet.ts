import { createHash } from 'node:crypto';
import type { GuestDefinition } from '../simulated-host/guest.ts';
import { defaultTopology, topologyWith, type PciTopology } from '../simulated-host/topology.ts';
import type { Manifest } from './manifests.ts';

/** What a fleet shall have. */
export interface FleetRequest {
  readonly hosts: number;
  /** StubDomains to apply, spread evenly. */
  readonly stubDomains: number;
  /** PciAttachments for each of them, by address. */
  readonly pciPerDomain: number;
  /** Guests that run besides, for whoever applies objects by hand. They go to the first host, but a spare one on each. */
  readonly extraGuests: readonly GuestDefinition[];
}

/** One simulated host, before it starts. */
export interface HostPlan {
  readonly name: string;
  readonly guests: readonly GuestDefinition[];
  readonly topology: PciTopology;
}

/** The hosts to start and the objects to apply. */
export interface FleetPlan {
  readonly hosts: readonly HostPlan[];
  readonly manifests: readonly Manifest[];
}

const apiVersion = 'stubdom.io/v1alpha1';
const fleetLabels = { 'app.kubernetes.io/part-of': 'fleet' };

/** Lays out hosts, guests and objects. The same request gives the same plan, uuids included. */
export function planFleet(request: FleetRequest): FleetPlan {
  const hosts = Array.from({ length: request.hosts }, (_, index) => {
    const share =
      Math.floor(request.stubDomains / request.hosts) + (index < request.stubDomains % request.hosts ? 1 : 0);
    return planHost(`xen-${index + 1}`, share, request.pciPerDomain, index === 0 ? request.extraGuests : []);
  });
  return { hosts: hosts.map(({ plan }) => plan), manifests: hosts.flatMap(({ manifests }) => manifests) };
}

function planHost(
  name: string,
  share: number,
  pciPerDomain: number,
  extraGuests: readonly GuestDefinition[],
): { plan: HostPlan; manifests: Manifest[] } {
  const needed = share * pciPerDomain;
  const topology = needed === 0 ? defaultTopology() : topologyWith(needed);
  const own = new Set(defaultTopology().devices.map(({ address }) => address));
  const free = topology.devices.map(({ address }) => address).filter((address) => !own.has(address));
  const fleetGuests = Array.from({ length: share }, (_, index) => guestNamed(`${name}-guest-${pad(index + 1)}`));
  const manifests = fleetGuests.flatMap((guest, index) => {
    const first = index * pciPerDomain;
    return [
      stubDomain(guest),
      ...free.slice(first, first + pciPerDomain).map((address, device) => pciAttachment(guest, device, address)),
    ];
  });
  return { plan: { name, guests: [...extraGuests, ...fleetGuests, guestNamed(`${name}-spare`)], topology }, manifests };
}

function guestNamed(name: string): GuestDefinition {
  return { name, uuid: uuidOf(name) };
}

/** A uuid (version 8: made by a rule of our own) that belongs to a name, so that a second run has the same guests. */
export function uuidOf(name: string): string {
  const bytes = createHash('sha256').update(`stubdom guest ${name}`).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

function pad(value: number): string {
  return String(value).padStart(4, '0');
}

function stubDomain(guest: GuestDefinition): Manifest {
  return {
    apiVersion,
    kind: 'StubDomain',
    metadata: { name: guest.name, namespace: 'default', labels: fleetLabels },
    spec: {
      target: { uuid: guest.uuid, name: guest.name },
      disks: [{ name: 'system', source: `/dev/vg0/${guest.name}` }],
      nics: [{ name: 'front', mac: macOf(guest.uuid), bridge: 'xenbr0' }],
    },
  };
}

function macOf(uuid: string): string {
  const digits = uuid.replaceAll('-', '').slice(0, 6);
  return `00:16:3e:${digits.slice(0, 2)}:${digits.slice(2, 4)}:${digits.slice(4, 6)}`;
}

function pciAttachment(guest: GuestDefinition, device: number, address: string): Manifest {
  return {
    apiVersion,
    kind: 'PciAttachment',
    metadata: { name: `${guest.name}-pci-${device}`, namespace: 'default', labels: fleetLabels },
    spec: { stubDomainRef: { name: guest.name }, device: { address } },
  };
}

/** The guests that StubDomains of `manifests` want to serve. */
export function guestsOf(manifests: readonly Manifest[]): GuestDefinition[] {
  return manifests.flatMap((manifest) => {
    if (manifest.kind !== 'StubDomain') return [];
    const target = manifest.spec?.['target'] as { uuid?: unknown; name?: unknown } | undefined;
    if (typeof target?.uuid !== 'string') return [];
    return [{ uuid: target.uuid, name: typeof target.name === 'string' ? target.name : manifest.metadata.name }];
  });
}
