import { posix } from 'node:path';
import type { PciDevice } from '../hypervisor.ts';
import type { Doubt, HostFacts, PciFacts } from './facts.ts';
import { hostUses } from './host-use.ts';
import { readBlocks } from './read-blocks.ts';
import { readConsoles } from './read-consoles.ts';
import { type Skipped, devicesPath, readDevices } from './read-devices.ts';
import { readInterfaces } from './read-interfaces.ts';
import { readMounts } from './read-mounts.ts';
import { type BridgeKind, bridgeKind, requesterGroups } from './requester-groups.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

/** The PCI devices of a host and what it needs them for. */
export interface HostInventory {
  /** In the order of addresses. */
  readonly devices: readonly PciDevice[];
  /** All uses of a device, in words, the most telling first. `hostUse` of the device is the first of them. */
  readonly uses: ReadonlyMap<string, readonly string[]>;
  /** What is not in the list, and why. */
  readonly skipped: readonly Skipped[];
  /** What could not be read: the devices concerned count as in use. */
  readonly doubts: readonly Doubt[];
}

/** The bytes of configuration that say what a bridge is. */
const configBytes = 256;

async function readBridges(sysfs: Sysfs, devices: readonly PciFacts[]): Promise<ReadonlyMap<string, BridgeKind>> {
  const kinds = new Map<string, BridgeKind>();
  for (const { address } of devices.filter((device) => device.classID.startsWith('06'))) {
    try {
      kinds.set(address, bridgeKind(await sysfs.head(posix.join(devicesPath, address, 'config'), configBytes)));
    } catch (error) {
      if (!(error instanceof SysfsError)) throw error;
      kinds.set(address, bridgeKind(undefined));
    }
  }
  return kinds;
}

/** With the groups of the hypervisor where the kernel shows none at all. */
async function withGroups(sysfs: Sysfs, devices: readonly PciFacts[]): Promise<readonly PciFacts[]> {
  if (devices.some(({ iommuGroup, unreadable }) => iommuGroup !== undefined || unreadable.includes('iommu_group'))) {
    return devices;
  }
  const kinds = await readBridges(sysfs, devices);
  const groups = requesterGroups(devices, (bridge) => kinds.get(bridge) ?? 'legacy');
  return devices.map((device) => {
    const iommuGroup = groups.get(device.address);
    return iommuGroup === undefined ? device : { ...device, iommuGroup };
  });
}

/** Everything that is known of the host's devices from its files. */
async function readFacts(sysfs: Sysfs): Promise<HostFacts & { readonly skipped: readonly Skipped[] }> {
  const { devices, skipped } = await readDevices(sysfs);
  const [blocks, mounts, interfaces, consoles] = await Promise.all([
    readBlocks(sysfs),
    readMounts(sysfs),
    readInterfaces(sysfs),
    readConsoles(sysfs),
  ]);
  return {
    ...blocks,
    ...mounts,
    ...interfaces,
    ...consoles,
    devices: await withGroups(sysfs, devices),
    skipped,
    doubts: [...blocks.doubts, ...mounts.doubts, ...interfaces.doubts, ...consoles.doubts],
  };
}

function deviceOf(facts: PciFacts, hostUse: string | undefined): PciDevice {
  const {
    path: _path,
    bootGraphics: _boot,
    hasVirtualFunctions: _functions,
    unreadable: _unreadable,
    ...device
  } = facts;
  return hostUse === undefined ? device : { ...device, hostUse };
}

/** Reads the inventory. Nothing is remembered: the host may have changed. Throws `SysfsError` if there is no reading the bus. */
export async function readInventory(sysfs: Sysfs): Promise<HostInventory> {
  const { skipped, ...facts } = await readFacts(sysfs);
  const uses = new Map([...hostUses(facts)].map(([address, list]) => [address, list.map(({ words }) => words)]));
  return {
    devices: facts.devices.map((device) => deviceOf(device, uses.get(device.address)?.[0])),
    uses,
    skipped,
    doubts: facts.doubts,
  };
}
