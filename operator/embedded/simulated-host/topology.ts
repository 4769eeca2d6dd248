import type { PciDevice } from '../../hypervisor/hypervisor.ts';

/** The PCI devices of a simulated host at its start, in order of address. */
export interface PciTopology {
  readonly devices: readonly PciDevice[];
}

/** Most devices that `topologyWith` can lay out: 31 slots of 8 functions on each of the buses 10 to ff. */
export const maximumFurtherDevices = 240 * 31 * 8;

const busesForMore = 240;
const firstBusForMore = 0x10;
const slotsPerBus = 31;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** The BDF text of libxl: `%04x:%02x:%02x.%01x`. */
export function formatAddress(segment: number, bus: number, slot: number, fn: number): string {
  return `${hex(segment, 4)}:${hex(bus, 2)}:${hex(slot, 2)}.${hex(fn, 1)}`;
}

/**
 * A machine as people have them: what dom0 needs (bridge, graphics, disks, its own network card), cards bound to
 * pciback, cards with a driver that somebody may seize, a card with two functions in one IOMMU group, and one with two
 * ports of which dom0 uses one. `hostUse` has the words that the reader of real hosts finds (hypervisor/sysfs).
 */
export function defaultTopology(): PciTopology {
  return { devices: machine };
}

/**
 * The default machine and `further` more assignable network functions. Each has a slot of its own as long as there are
 * slots (7440); beyond that the functions 1 to 7 of those slots are used.
 */
export function topologyWith(further: number): PciTopology {
  if (!Number.isInteger(further) || further < 0 || further > maximumFurtherDevices) {
    throw new RangeError(`a host can have 0 to ${maximumFurtherDevices} further PCI devices`);
  }
  const slots = busesForMore * slotsPerBus;
  const more = Array.from({ length: further }, (_, index): PciDevice => {
    const fn = Math.floor(index / slots);
    const place = index % slots;
    const bus = firstBusForMore + Math.floor(place / slotsPerBus);
    const slot = 1 + (place % slotsPerBus);
    return {
      ...intelVirtualFunction,
      address: formatAddress(0, bus, slot, fn),
      driver: 'pciback',
      iommuGroup: 100 + place,
      numaNode: bus < 0x80 ? 0 : 1,
    };
  });
  return {
    devices: [...machine, ...more].sort((a, b) => (a.address < b.address ? -1 : a.address > b.address ? 1 : 0)),
  };
}

const intelVirtualFunction = {
  vendorID: '8086',
  deviceID: '1520',
  classID: '020000',
  subsystemVendorID: '8086',
  subsystemID: '0000',
};

const intelIgb = {
  vendorID: '8086',
  deviceID: '1521',
  classID: '020000',
  subsystemVendorID: '8086',
  subsystemID: '0001',
};

const samsungNvme = {
  vendorID: '144d',
  deviceID: 'a808',
  classID: '010802',
  subsystemVendorID: '144d',
  subsystemID: 'a801',
};

const machine: readonly PciDevice[] = [
  { address: '0000:00:00.0', vendorID: '8086', deviceID: '2020', classID: '060000', iommuGroup: 0, numaNode: 0 },
  {
    address: '0000:00:02.0',
    vendorID: '1a03',
    deviceID: '2000',
    classID: '030000',
    driver: 'ast',
    iommuGroup: 1,
    numaNode: 0,
    hostUse: 'boot graphics',
  },
  {
    address: '0000:00:17.0',
    vendorID: '8086',
    deviceID: 'a182',
    classID: '010601',
    driver: 'ahci',
    iommuGroup: 2,
    numaNode: 0,
    hostUse: 'root disk',
  },
  { address: '0000:00:1f.0', vendorID: '8086', deviceID: 'a1c3', classID: '060100', iommuGroup: 3, numaNode: 0 },
  {
    address: '0000:01:00.0',
    vendorID: '8086',
    deviceID: '10d3',
    classID: '020000',
    driver: 'e1000e',
    iommuGroup: 4,
    numaNode: 0,
    hostUse: 'default route',
  },
  { ...intelIgb, address: '0000:03:00.0', driver: 'pciback', iommuGroup: 10, numaNode: 0 },
  { ...intelIgb, address: '0000:04:00.0', driver: 'pciback', iommuGroup: 11, numaNode: 0 },
  { ...intelIgb, address: '0000:05:00.0', driver: 'igb', iommuGroup: 12, numaNode: 0 },
  { ...samsungNvme, address: '0000:06:00.0', driver: 'pciback', iommuGroup: 13, numaNode: 0 },
  { ...samsungNvme, address: '0000:07:00.0', driver: 'nvme', iommuGroup: 14, numaNode: 1 },
  // A graphics card and its sound: one card, one IOMMU group.
  {
    address: '0000:08:00.0',
    vendorID: '10de',
    deviceID: '1eb8',
    classID: '030200',
    driver: 'pciback',
    iommuGroup: 15,
    numaNode: 1,
  },
  {
    address: '0000:08:00.1',
    vendorID: '10de',
    deviceID: '10f8',
    classID: '040300',
    driver: 'pciback',
    iommuGroup: 15,
    numaNode: 1,
  },
  // Its driver was never loaded.
  { address: '0000:09:00.0', vendorID: '1912', deviceID: '0014', classID: '0c0330', iommuGroup: 16, numaNode: 1 },
  // Two ports behind a slot that does not keep them apart; dom0 uses the second one.
  { ...intelIgb, address: '0000:0a:00.0', driver: 'pciback', iommuGroup: 17, numaNode: 0 },
  { ...intelIgb, address: '0000:0a:00.1', driver: 'igb', iommuGroup: 17, numaNode: 0 },
];
