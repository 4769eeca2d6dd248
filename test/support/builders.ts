import type { PciAttachment } from '../../operator/api/generated/pci-attachment.ts';
import type { StubDomain, StubDomainSpec } from '../../operator/api/generated/stub-domain.ts';
import type { XenHost } from '../../operator/api/generated/xen-host.ts';
import { agentFinalizer } from '../../operator/api/names.ts';
import { type PciBackendView, noPciBackend } from '../../operator/domain/pci/backend.ts';
import type { LastCommandNote, PciNote } from '../../operator/domain/notes.ts';
import type { HostDevice, Snapshot } from '../../operator/domain/snapshot.ts';

export const targetUuid = '6d1f8a44-9a1e-4c7b-8e33-2f4d6b1a0c01';
export const stubUuid = '0b9e4a11-1111-4222-8333-444455556666';
export const theTarget = { domid: 5, uuid: targetUuid };
export const theStub = { domid: 7, uuid: stubUuid };
export const theAddress = '0000:03:00.0';

const created = '2026-01-01T00:00:00Z';

export function aSpec(change: Partial<StubDomainSpec> = {}): StubDomainSpec {
  return {
    flavor: 'MiniOS',
    provisioning: 'Create',
    target: { uuid: targetUuid, name: 'web' },
    runState: 'Running',
    bios: 'ROMBIOS',
    deletionPolicy: 'Destroy',
    ...change,
  };
}

export function aStubDomain(
  spec: Partial<StubDomainSpec> = {},
  metadata: Partial<StubDomain['metadata']> = {},
): StubDomain {
  return {
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'StubDomain',
    metadata: {
      name: 'web',
      namespace: 'default',
      uid: 'sd-1',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: created,
      finalizers: [agentFinalizer],
      ...metadata,
    },
    spec: aSpec(spec),
    status: { nodeName: 'xen-1' },
  };
}

export function anAttachment(
  change: {
    spec?: Partial<PciAttachment['spec']>;
    metadata?: Partial<PciAttachment['metadata']>;
    claimed?: string | false;
  } = {},
): PciAttachment {
  const address = change.claimed ?? theAddress;
  const condition = {
    type: 'Claimed',
    status: 'True',
    reason: 'Claimed',
    message: '',
    lastTransitionTime: created,
  } as const;
  return {
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'PciAttachment',
    metadata: {
      name: 'web-nic',
      namespace: 'default',
      uid: 'pa-1',
      resourceVersion: '1',
      generation: 1,
      creationTimestamp: created,
      finalizers: [agentFinalizer],
      ...change.metadata,
    },
    spec: {
      stubDomainRef: { name: 'web' },
      device: { address: theAddress },
      virtualFunction: 0,
      options: { msiTranslate: 'Disabled', powerManagement: 'Disabled', permissive: 'Disabled', rdmPolicy: 'Strict' },
      driverPolicy: 'RequireAssignable',
      removalPolicy: 'Graceful',
      removalTimeoutSeconds: 300,
      ...change.spec,
    },
    status: { nodeName: 'xen-1', ...(address === false ? {} : { address, conditions: [condition] }) },
  };
}

export function aPciNote(change: Partial<PciNote> = {}): PciNote {
  return { owner: 'pa-1', name: 'web-nic', stub: theStub, target: theTarget, stage: 'claimed', ...change };
}

export function aHost(name: string, status: XenHost['status'] = {}, change: Partial<XenHost> = {}): XenHost {
  return {
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'XenHost',
    metadata: { name, uid: name, resourceVersion: '1', creationTimestamp: created },
    spec: {},
    status,
    ...change,
  };
}

/** A connected PV back end with the devices in it. */
export function aBackend(...addresses: string[]): PciBackendView {
  return {
    exists: true,
    state: 4,
    frontendState: 4,
    entries: addresses.map((address, index) => ({ index, address, state: 3, hasVirtualAddress: true })),
  };
}

/** A network card of the host, bound to pciback, in no IOMMU group. */
export function aDevice(change: Partial<HostDevice> = {}): HostDevice {
  return {
    address: theAddress,
    vendorID: '8086',
    deviceID: '10c9',
    classID: '020000',
    driver: 'pciback',
    ...change,
  };
}

/** Devices as a snapshot has them. */
export function hostDevices(...devices: HostDevice[]): ReadonlyMap<string, HostDevice> {
  return new Map(devices.map((device) => [device.address, device]));
}

/** Our `save` to the stub domain of `aSnapshot`, as it is noted when it ended. */
export function aSave(change: Partial<LastCommandNote> = {}): LastCommandNote {
  return {
    id: 'save-1',
    command: 'save',
    owner: 'sd-1',
    stub: theStub,
    outcome: 'Applied',
    reason: 'Paused',
    sentAt: 900_000,
    finishedAt: 901_000,
    ...change,
  };
}

/** A stub domain that was started and runs, without devices. */
export function aSnapshot(change: Partial<Snapshot> = {}): Snapshot {
  return {
    now: 1_000_000,
    object: aStubDomain(),
    attachments: [],
    target: { ...theTarget, name: 'web' },
    note: { owner: 'sd-1', target: theTarget, uuid: stubUuid, stage: 'started', domid: 7, startedAt: 990_000 },
    noteOwnerExists: true,
    stub: theStub,
    foreignStub: undefined,
    channel: {
      inflight: undefined,
      samePins: true,
      linked: true,
      state: 'running',
      command: 'absent',
      parameter: { kind: 'absent' },
    },
    devices: [{ kind: 'console', label: 'console 0', state: 4 }],
    displayPort: undefined,
    pciBackend: noPciBackend,
    pciNotes: new Map(),
    enumerated: undefined,
    claims: new Map(),
    hostDevices: hostDevices(aDevice()),
    saved: undefined,
    last: undefined,
    memory: { attempts: new Map() },
    ...change,
  };
}
