import { posix } from 'node:path';
import { isAddress } from './address.ts';
import type { PciFacts } from './facts.ts';
import { inBatches } from './in-batches.ts';
import { hexDigits, wholeNumber } from './parse.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

/** Directory of all PCI devices. */
export const devicesPath = 'sys/bus/pci/devices';
/** Beyond that the list is cut: what is not listed is not offered. */
const maxDevices = 16_384;
const driverName = /^[A-Za-z0-9_.+()-]{1,64}$/;

/** A device that is not listed, and why. */
export interface Skipped {
  readonly name: string;
  readonly why: string;
}

export interface DeviceReading {
  readonly devices: readonly PciFacts[];
  readonly skipped: readonly Skipped[];
}

type Linked = { readonly name: string | undefined; readonly bad: boolean };

/** The last name of a link's target, if it is as expected. `bad`: there is a link, and it tells nothing. */
async function linkedName(sysfs: Sysfs, path: string, expected: RegExp): Promise<Linked> {
  try {
    const target = await sysfs.link(path);
    if (target === undefined) return { name: undefined, bad: false };
    const name = posix.basename(target);
    return expected.test(name) ? { name, bad: false } : { name: undefined, bad: true };
  } catch (error) {
    if (error instanceof SysfsError) return { name: undefined, bad: true };
    throw error;
  }
}

/** An attribute that tells nothing when it cannot be read. */
function attribute(sysfs: Sysfs, path: string): string | undefined {
  try {
    return sysfs.peek(path);
  } catch (error) {
    if (error instanceof SysfsError) return undefined;
    throw error;
  }
}

/** Whether the machine booted with this graphics card; undefined if that cannot be read. Other devices do not have the file. */
function bootGraphics(sysfs: Sysfs, path: string): boolean | undefined {
  try {
    return !['0', undefined].includes(sysfs.peek(path)?.trim());
  } catch (error) {
    if (error instanceof SysfsError) return undefined;
    throw error;
  }
}

/** The driver that has the device; undefined if none. A driver whose name makes no sense is `bad`. */
export async function readDriver(sysfs: Sysfs, address: string): Promise<Linked> {
  return linkedName(sysfs, posix.join(devicesPath, address, 'driver'), driverName);
}

async function readDevice(sysfs: Sysfs, address: string): Promise<PciFacts | Skipped> {
  const at = (file: string): string => posix.join(devicesPath, address, file);
  const hex = (file: string, digits: number) => hexDigits(attribute(sysfs, at(file)), digits);
  const [vendorID, deviceID, classID] = [hex('vendor', 4), hex('device', 4), hex('class', 6)];
  const path = await sysfs.link(posix.join(devicesPath, address)).catch(() => undefined);
  if (vendorID === undefined || deviceID === undefined || classID === undefined || path === undefined) {
    return { name: address, why: 'vendor, device, class or path cannot be read' };
  }
  const [subsystemVendorID, subsystemID] = [hex('subsystem_vendor', 4), hex('subsystem_device', 4)];
  const driver = await readDriver(sysfs, address);
  const group = await linkedName(sysfs, at('iommu_group'), /^\d{1,9}$/);
  const numaNode = wholeNumber(attribute(sysfs, at('numa_node')), 0, 1023);
  const bootVga = bootGraphics(sysfs, at('boot_vga'));
  const firstFunction = await linkedName(sysfs, at('virtfn0'), /^/);
  return {
    address,
    path,
    vendorID,
    deviceID,
    classID,
    ...(subsystemVendorID === undefined ? {} : { subsystemVendorID }),
    ...(subsystemID === undefined ? {} : { subsystemID }),
    ...(driver.name === undefined ? {} : { driver: driver.name }),
    ...(group.name === undefined ? {} : { iommuGroup: Number(group.name) }),
    ...(numaNode === undefined ? {} : { numaNode }),
    bootGraphics: bootVga === true,
    hasVirtualFunctions: firstFunction.name !== undefined || firstFunction.bad,
    unreadable: [
      ...(driver.bad ? ['driver'] : []),
      ...(group.bad ? ['iommu_group'] : []),
      ...(bootVga === undefined ? ['boot_vga'] : []),
    ],
  };
}

/** All PCI devices, in the order of addresses. A host without a PCI bus has none; without a sysfs, nothing is known. */
export async function readDevices(sysfs: Sysfs): Promise<DeviceReading> {
  const names = (await sysfs.list(devicesPath)) ?? [];
  if (names.length === 0 && (await sysfs.list('sys/bus')) === undefined) throw new SysfsError('ENOENT', 'sys/bus');
  const addresses = names.filter(isAddress);
  const skipped: Skipped[] = names
    .filter((name) => !isAddress(name))
    .map((name) => ({ name: /^[0-9a-f:.]{1,16}$/.test(name) ? name : '?', why: 'behind a controller that hides it' }));
  for (const name of addresses.slice(maxDevices)) skipped.push({ name, why: `only ${maxDevices} devices are listed` });
  const devices: PciFacts[] = [];
  for (const one of await inBatches(addresses.slice(0, maxDevices), async (address) => readDevice(sysfs, address))) {
    if ('why' in one) skipped.push(one);
    else devices.push(one);
  }
  return { devices, skipped };
}
