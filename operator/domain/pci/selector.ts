import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { XenHostStatus } from '../../api/generated/xen-host.ts';

type Device = NonNullable<XenHostStatus['pciDevices']>[number];
export type DeviceSelector = NonNullable<PciAttachment['spec']['device']['selector']>;

const fields = ['vendorID', 'deviceID', 'classID', 'subsystemVendorID', 'subsystemID', 'numaNode'] as const;

/** The fields of the selector that the device does not have as asked. A class is asked for by its first digits. */
function misses(device: Device, selector: DeviceSelector): (typeof fields)[number][] {
  return fields.filter((field) => {
    const wanted = selector[field];
    if (wanted === undefined) return false;
    return field === 'classID' ? !device.classID.startsWith(String(wanted)) : device[field] !== wanted;
  });
}

/** Whether the device is as the selector asks. */
export function matchesSelector(device: Device, selector: DeviceSelector): boolean {
  return misses(device, selector).length === 0;
}

/** Where nothing matches: the first device that would but for one field, as a sentence; else undefined. */
export function nearestByFields(devices: readonly Device[], selector: DeviceSelector): string | undefined {
  if (fields.filter((field) => selector[field] !== undefined).length < 2) return undefined;
  for (const device of devices) {
    const [field, ...more] = misses(device, selector);
    if (field === undefined || more.length > 0) continue;
    return `${device.address} is the nearest: its ${field} is ${device[field] ?? 'not known'}, not ${selector[field] ?? ''}.`;
  }
  return undefined;
}
