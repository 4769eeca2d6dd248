import { HypervisorError, type DomainIdentity, type PciDevice } from '../../hypervisor/hypervisor.ts';
import type { PciTopology } from './topology.ts';

/** One line of the hypervisor's grant table: what a domain may do with a device of the host. */
export interface PciGrant {
  readonly address: string;
  readonly domid: number;
  readonly uuid: string;
  /** Ports, memory and interrupt. Several domains can have them: a stub domain and its target do. */
  readonly resources: boolean;
  /** The device's DMA goes to this domain's memory. One domain at most has that. */
  readonly iommu: boolean;
}

/** The PCI devices of a simulated host: which driver has each, and what domains were granted. */
export interface PciBus {
  devices(): PciDevice[];
  device(address: string): PciDevice;
  /** Puts a device in, or another one in the place of what was there, as a bus that is numbered anew has it. */
  put(device: PciDevice): void;
  makeAssignable(address: string): { readonly originalDriver: string | undefined };
  releaseAssignable(address: string, driver: string | undefined): void;
  reset(address: string): void;
  grant(address: string, domain: DomainIdentity, iommu: boolean): void;
  revoke(address: string, domain: DomainIdentity, iommu: boolean): void;
  /** Everything that a domain had goes with it. */
  forget(domid: number): void;
  grants(): PciGrant[];
  /** How often each device was reset; only those that were. */
  resets(): Readonly<Record<string, number>>;
}

const pciback = 'pciback';

export function createPciBus(topology: PciTopology): PciBus {
  const devices = new Map(topology.devices.map((device) => [device.address, device]));
  const granted = new Map<string, PciGrant[]>();
  const resets = new Map<string, number>();

  const find = (address: string): PciDevice => {
    const device = devices.get(address);
    if (device === undefined) throw new HypervisorError('NoSuchDevice', 'the host has no such PCI device');
    return device;
  };
  const bind = (device: PciDevice, driver: string | undefined): void => {
    const { driver: _before, ...rest } = device;
    devices.set(device.address, driver === undefined ? rest : { ...rest, driver });
  };
  const holders = (address: string): PciGrant[] => granted.get(address) ?? [];
  const replace = (address: string, grants: PciGrant[]): void => {
    const held = grants.filter(({ resources, iommu }) => resources || iommu);
    if (held.length === 0) granted.delete(address);
    else granted.set(address, held);
  };

  return {
    devices: () => [...devices.values()],
    device: find,
    put: (device) => {
      devices.set(device.address, device);
    },
    makeAssignable: (address) => {
      const device = find(address);
      if (device.driver !== pciback && device.hostUse !== undefined) {
        throw new HypervisorError('DeviceInUse', `the host needs the device (${device.hostUse})`);
      }
      bind(device, pciback);
      return { originalDriver: device.driver === pciback ? undefined : device.driver };
    },
    releaseAssignable: (address, driver) => {
      const device = find(address);
      if (holders(address).length > 0) throw new HypervisorError('DeviceInUse', 'the device is granted to a domain');
      if (device.driver === pciback || device.driver === undefined) bind(device, driver);
    },
    reset: (address) => {
      find(address);
      resets.set(address, (resets.get(address) ?? 0) + 1);
    },
    grant: (address, { domid, uuid }, iommu) => {
      if (find(address).driver !== pciback)
        throw new HypervisorError('DeviceInUse', 'the device is not bound to pciback');
      const others = holders(address).filter((one) => one.domid !== domid);
      if (iommu && others.some((one) => one.iommu)) {
        throw new HypervisorError('DeviceInUse', 'the device is assigned to another domain');
      }
      const mine = holders(address).find((one) => one.domid === domid);
      replace(address, [...others, { address, domid, uuid, resources: true, iommu: iommu || mine?.iommu === true }]);
    },
    revoke: (address, { domid, uuid }, iommu) => {
      const grants = holders(address).map((one) =>
        one.domid === domid && one.uuid === uuid ? { ...one, resources: false, iommu: one.iommu && !iommu } : one,
      );
      replace(address, grants);
    },
    forget: (domid) => {
      for (const [address, grants] of [...granted])
        replace(
          address,
          grants.filter((one) => one.domid !== domid),
        );
    },
    grants: () => [...granted.values()].flat(),
    resets: () => Object.fromEntries(resets),
  };
}
