import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { XenHost, XenHostStatus } from '../../api/generated/xen-host.ts';
import type { Reason } from '../../api/reasons.ts';

type Device = NonNullable<XenHostStatus['pciDevices']>[number];

/** Who has a device: an attachment's `namespace/name`. */
export type HolderOf = (address: string) => string | undefined;

export type Claim =
  { readonly address: string } | { readonly address: undefined; readonly reason: Reason; readonly message: string };

const refuse = (reason: Reason, message: string): Claim => ({ address: undefined, reason, message });

function matches(device: Device, selector: NonNullable<PciAttachment['spec']['device']['selector']>): boolean {
  const { vendorID, deviceID, classID, subsystemVendorID, subsystemID, numaNode } = selector;
  return (
    (vendorID === undefined || device.vendorID === vendorID) &&
    (deviceID === undefined || device.deviceID === deviceID) &&
    (classID === undefined || device.classID.startsWith(classID)) &&
    (subsystemVendorID === undefined || device.subsystemVendorID === subsystemVendorID) &&
    (subsystemID === undefined || device.subsystemID === subsystemID) &&
    (numaNode === undefined || device.numaNode === numaNode)
  );
}

/** Why the host does not give the device away, if it does not. */
function refusal(device: Device, attachment: PciAttachment, host: string): Claim | undefined {
  const { address } = device;
  switch (device.assignable) {
    case 'Denied':
      return refuse('DeviceDenied', `spec.pci of XenHost ${host} does not give ${address} away.`);
    case 'InUseByHost':
      return refuse('DeviceDenied', `${address} on ${host} is a bridge of the host itself and is never given away.`);
    case 'Seizable':
      if (attachment.spec.driverPolicy === 'Seize') return undefined;
      return refuse(
        'DeviceNotAssignable',
        `${address} on ${host} ${device.driver === undefined ? 'has no driver' : `is bound to driver ${device.driver} of dom0`}. Make it assignable (xl pci-assignable-add ${address}), or set spec.driverPolicy to Seize.`,
      );
    default:
      return undefined;
  }
}

/**
 * The device that an attachment gets on a host. A selector takes the first free one in the order of addresses. `holderOf`
 * names the attachment that has a device, or that asked for it earlier.
 */
export function claimDevice(attachment: PciAttachment, host: XenHost, holderOf: HolderOf): Claim {
  const { name } = host.metadata;
  const devices = host.status?.pciDevices ?? [];
  const { address, selector } = attachment.spec.device;
  if (address !== undefined) {
    const device = devices.find((candidate) => candidate.address === address);
    if (device === undefined) {
      return refuse(
        'DeviceNotFound',
        `${name} has no PCI device ${address}. kubectl get xenhost ${name} -o yaml lists those it has.`,
      );
    }
    const holder = holderOf(address);
    if (holder !== undefined) {
      return refuse(
        'DeviceClaimed',
        `PciAttachment ${holder} has ${address} on ${name}. It is claimed here as soon as it is free.`,
      );
    }
    return refusal(device, attachment, name) ?? { address };
  }
  const alike = devices.filter((device) => selector !== undefined && matches(device, selector));
  if (alike.length === 0)
    return refuse('NoMatchingDevice', `${name} has no PCI device that matches spec.device.selector.`);
  const free = alike.filter((device) => holderOf(device.address) === undefined && device.owner === undefined);
  const usable = free.find((device) => refusal(device, attachment, name) === undefined);
  if (usable !== undefined) return { address: usable.address };
  const message =
    free.length === 0
      ? `All ${alike.length} devices of ${name} that match spec.device.selector are taken.`
      : `${free.length} devices of ${name} match spec.device.selector and are free, but none can be given away: ${refusalText(free[0], attachment, name)}`;
  return refuse('NoMatchingDevice', message);
}

function refusalText(device: Device | undefined, attachment: PciAttachment, host: string): string {
  const refused = device === undefined ? undefined : refusal(device, attachment, host);
  return refused !== undefined && refused.address === undefined ? refused.message : '';
}
