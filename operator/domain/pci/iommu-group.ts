import { hostUseOf, hostUseWords, isBridge } from './host-critical.ts';

/**
 * Devices of one IOMMU group can write to each other's memory past the IOMMU, so that they go to one guest together or
 * not at all. Bridges are no matter: they do no DMA of their own.
 */
export interface GroupDevice {
  readonly address: string;
  readonly classID: string;
  readonly driver?: string | undefined;
  readonly iommuGroup?: number | undefined;
  readonly hostUse?: string | undefined;
}

/** Who uses a device of the group, so that another cannot be given away. */
export type GroupUser =
  | { readonly by: 'host' }
  | { readonly by: 'attachment'; readonly name: string }
  /** UUID of a guest that has it and that no attachment explains. */
  | { readonly by: 'guest'; readonly uuid: string };

/** The other devices of the group but the bridges, in the order of `devices`. */
export function siblingsOf<T extends GroupDevice>(device: GroupDevice, devices: Iterable<T>): T[] {
  const { address, iommuGroup } = device;
  if (iommuGroup === undefined) return [];
  const siblings: T[] = [];
  for (const other of devices) {
    if (other.iommuGroup === iommuGroup && other.address !== address && !isBridge(other)) siblings.push(other);
  }
  return siblings;
}

/** Whether nothing in dom0 drives the device. */
export function isFreeOfHost(device: GroupDevice): boolean {
  return device.driver === 'pciback' && hostUseOf(device) === undefined;
}

function whoAndWhatNext(device: GroupDevice, sibling: GroupDevice, user: GroupUser): string {
  const other = sibling.address;
  switch (user.by) {
    case 'attachment':
      return `which PciAttachment ${user.name} has for another guest. They can only go to one guest: ${device.address} is claimed here as soon as ${other} is free.`;
    case 'guest':
      return `which guest ${user.uuid} has. They can only go to one guest: ${device.address} is claimed here as soon as ${other} is free.`;
    case 'host': {
      if (hostUseOf(sibling) !== undefined) {
        return `which ${hostUseWords(sibling)}. Choose another device, or put the card into another slot of the host.`;
      }
      const holder =
        sibling.driver === undefined || sibling.driver === 'pciback'
          ? 'which is not bound to pciback'
          : `which host driver ${sibling.driver} uses`;
      return `${holder}. Give ${other} to the same guest, with a PciAttachment of its own (driverPolicy Seize takes it from the host), or make it assignable (xl pci-assignable-add ${other}).`;
    }
  }
}

/** Why the device cannot be given away, and what to do. */
export function groupSharedMessage(device: GroupDevice, sibling: GroupDevice, user: GroupUser): string {
  return `${device.address} shares IOMMU group ${device.iommuGroup ?? '?'} with ${sibling.address}, ${whoAndWhatNext(device, sibling, user)}`;
}
