import type { DomainIdentity, PciDevice } from '../../hypervisor/hypervisor.ts';
import { openSimulatedLink, type SimulatedLinkOptions } from '../../hypervisor/simulated-link.ts';
import type { DeviceModelReport } from './device-model/record.ts';
import type { GuestDefinition } from './guest.ts';
import type { PciGrant } from './pci-bus.ts';

/** What can be done to a simulated host and no agent can do: for tests, for demonstrations, for breaking things. */
export interface HostAdmin {
  grants(): Promise<PciGrant[]>;
  /** How often each device was reset. */
  resets(): Promise<Readonly<Record<string, number>>>;
  /** Every device model that ever ran, the dead ones too, in order of their start. */
  deviceModels(): Promise<DeviceModelReport[]>;
  /** The domain crashes: like destroyDomain, but nobody asked the toolstack. */
  killDomain(domid: number): Promise<void>;
  addGuest(guest: GuestDefinition): Promise<DomainIdentity>;
  removeGuest(uuid: string): Promise<void>;
  /** The guest goes away and comes back under another domid (the next one, or `domid`), with its uuid. */
  restartGuest(uuid: string, domid?: number): Promise<DomainIdentity>;
  /** As a toolstack that begins to save or migrate the guest, or gives up doing so. */
  suspendGuest(uuid: string, suspended: boolean): Promise<void>;
  /** Puts a PCI device in, or another one in the place of what has its address now. */
  setPciDevice(device: PciDevice): Promise<void>;
  /** Adds a quirk, as text; see quirk-text.ts. */
  addQuirk(text: string): Promise<void>;
  clearQuirks(): Promise<void>;
}

/** The same over the host's hypervisor socket. */
export function connectHostAdmin(
  socketPath: string,
  options: SimulatedLinkOptions = {},
): HostAdmin & { close(): Promise<void> } {
  const link = openSimulatedLink(socketPath, options);
  const nothing = async (verb: string, ...args: unknown[]): Promise<void> => {
    await link.call(`admin.${verb}`, args);
  };
  return {
    grants: async () => (await link.call('admin.grants', [])) as PciGrant[],
    resets: async () => (await link.call('admin.resets', [])) as Record<string, number>,
    deviceModels: async () => (await link.call('admin.deviceModels', [])) as DeviceModelReport[],
    killDomain: async (domid) => nothing('killDomain', domid),
    addGuest: async (guest) => (await link.call('admin.addGuest', [guest])) as DomainIdentity,
    removeGuest: async (uuid) => nothing('removeGuest', uuid),
    restartGuest: async (uuid, domid) =>
      (await link.call('admin.restartGuest', [uuid, domid ?? null])) as DomainIdentity,
    suspendGuest: async (uuid, suspended) => nothing('suspendGuest', uuid, suspended),
    setPciDevice: async (device) => nothing('setPciDevice', device),
    addQuirk: async (text) => nothing('addQuirk', text),
    clearQuirks: async () => nothing('clearQuirks'),
    close: async () => link.close(),
  };
}
