import { HypervisorError } from '../hypervisor.ts';
import { isAddress } from '../sysfs/address.ts';

/** DOMID_FIRST_RESERVED: domids from it on name no domain. */
export const firstReservedDomid = 0x7ff0;
/** `DOMID_INVALID`: no domain. */
export const noDomid = 0x7ff4;
const portLimit = 0x10000;
/** 52 bits of address, in pages of 4096 bytes. */
const pageLimit = 2 ** 40;
/** Xen numbers interrupts by 16 bits at most. */
const pirqLimit = 0x10000;

/** DOMID_IO: what has the DMA of devices that are made assignable, so that they reach no memory (XSA-302). */
export const quarantineDomid = 0x7ff1;

/** What a device can be assigned to: a domain, or the quarantine. Else `InvalidArgument`. */
export function requireHolder(domid: number): number {
  return domid === quarantineDomid ? domid : requireDomid(domid);
}

/** The domid of a domain, or `InvalidArgument`. */
export function requireDomid(domid: number): number {
  return required(domid, 0, firstReservedDomid, 'A domid');
}

/** The number of an interrupt, or `InvalidArgument`. */
export function requirePirq(pirq: number): number {
  return required(pirq, 0, pirqLimit, 'The number of an interrupt');
}

/** `InvalidArgument` unless there are such I/O ports. */
export function requirePorts(first: number, count: number): void {
  required(first, 0, portLimit, 'An I/O port');
  required(count, 1, portLimit - first + 1, 'The count of I/O ports');
}

/** `InvalidArgument` unless there can be such pages of memory. */
export function requirePages(first: number, count: number): void {
  required(first, 0, pageLimit, 'The number of a page');
  required(count, 1, pageLimit - first + 1, 'The count of pages');
}

function required(value: number, from: number, limit: number, what: string): number {
  if (Number.isInteger(value) && value >= from && value < limit) return value;
  throw new HypervisorError('InvalidArgument', `${what} is from ${String(from)} to ${String(limit - 1)}.`);
}

/** A PCI address as hypercalls have it: segment, bus, slot and function in 16, 8, 5 and 3 bits. */
export function encodeSbdf(address: string): number {
  if (!isAddress(address)) {
    throw new HypervisorError('InvalidArgument', 'A PCI address is as 0000:03:00.0. lspci -D lists those of the host.');
  }
  const [segment = 0, bus = 0, slot = 0, fn = 0] = address.split(/[:.]/).map((part) => Number.parseInt(part, 16));
  // Not by shifts: beyond segment 7fff they would make it negative.
  return segment * 0x10000 + bus * 0x100 + slot * 8 + fn;
}
