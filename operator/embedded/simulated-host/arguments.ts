import {
  HypervisorError,
  type CreateDomainRequest,
  type DomainIdentity,
  type PciDevice,
} from '../../hypervisor/hypervisor.ts';
import type { GuestDefinition } from './guest.ts';

/** Readers of what comes over the hypervisor socket. Each throws `InvalidArgument` naming the argument. */

type Fields = Readonly<Record<string, unknown>>;

function refuse(what: string): never {
  throw new HypervisorError('InvalidArgument', `${what} is missing or not valid`);
}

function fields(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) refuse(what);
  return value as Fields;
}

function whole(value: unknown, what: string, from: number, to: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < from || value > to) refuse(what);
  return value;
}

const uuidText = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const addressText = /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;
const nameText = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}$/;
const driverText = /^[A-Za-z0-9_-]{1,64}$/;

function matching(value: unknown, pattern: RegExp, what: string): string {
  if (typeof value !== 'string' || !pattern.test(value)) refuse(what);
  return value;
}

export const readDomid = (value: unknown): number => whole(value, 'the domain id', 0, 65535);
export const readUuid = (value: unknown): string => matching(value, uuidText, 'the uuid');
export const readAddress = (value: unknown): string => matching(value, addressText, 'the PCI address');
export const readText = (value: unknown): string => matching(value, /^[\x20-\x7e]{1,256}$/, 'the text');

export const readPath = (value: unknown): string => matching(value, /^\/[\x21-\x7e]{1,1023}$/, 'the path');

export function readSuspended(value: unknown): boolean {
  if (typeof value !== 'boolean') refuse('suspended');
  return value;
}

export function readDriver(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : matching(value, driverText, 'the driver');
}

export function readOptionalDomid(value: unknown): number | undefined {
  return value === null || value === undefined ? undefined : readDomid(value);
}

export function readIdentity(value: unknown): DomainIdentity {
  const { domid, uuid } = fields(value, 'the domain');
  return { domid: readDomid(domid), uuid: readUuid(uuid) };
}

export function readIommu(value: unknown): { readonly iommu: boolean } {
  const { iommu } = fields(value, 'the options');
  if (typeof iommu !== 'boolean') refuse('iommu');
  return { iommu };
}

const maximumMiB = 1 << 24;

export function readCreateRequest(value: unknown): CreateDomainRequest {
  const { uuid, name, kernel, memoryMiB } = fields(value, 'the request');
  return {
    uuid: readUuid(uuid),
    name: matching(name, nameText, 'the name'),
    kernel: matching(kernel, /^\/[\x21-\x7e]{1,1023}$/, 'the kernel'),
    memoryMiB: whole(memoryMiB, 'memoryMiB', 1, maximumMiB),
  };
}

export function readGuest(value: unknown): GuestDefinition {
  const { uuid, name, memoryMiB, ejectDelayMs, acceptsEject } = fields(value, 'the guest');
  return {
    uuid: readUuid(uuid),
    name: matching(name, nameText, 'the name'),
    ...(memoryMiB === undefined ? {} : { memoryMiB: whole(memoryMiB, 'memoryMiB', 1, maximumMiB) }),
    ...(ejectDelayMs === undefined ? {} : { ejectDelayMs: whole(ejectDelayMs, 'ejectDelayMs', 0, 3_600_000) }),
    ...(typeof acceptsEject === 'boolean' ? { acceptsEject } : {}),
  };
}

const idText = /^[0-9a-f]{4}$/;

export function readPciDevice(value: unknown): PciDevice {
  const device = fields(value, 'the PCI device');
  const { address, vendorID, deviceID, classID, subsystemVendorID, subsystemID } = device;
  const { driver, iommuGroup, numaNode, hostUse } = device;
  return {
    address: readAddress(address),
    vendorID: matching(vendorID, idText, 'vendorID'),
    deviceID: matching(deviceID, idText, 'deviceID'),
    classID: matching(classID, /^[0-9a-f]{6}$/, 'classID'),
    ...(subsystemVendorID === undefined
      ? {}
      : { subsystemVendorID: matching(subsystemVendorID, idText, 'subsystemVendorID') }),
    ...(subsystemID === undefined ? {} : { subsystemID: matching(subsystemID, idText, 'subsystemID') }),
    ...(driver === undefined ? {} : { driver: matching(driver, driverText, 'the driver') }),
    ...(iommuGroup === undefined ? {} : { iommuGroup: whole(iommuGroup, 'iommuGroup', 0, 65535) }),
    ...(numaNode === undefined ? {} : { numaNode: whole(numaNode, 'numaNode', 0, 1023) }),
    ...(hostUse === undefined ? {} : { hostUse: matching(hostUse, /^[\x20-\x7e]{1,64}$/, 'hostUse') }),
  };
}
