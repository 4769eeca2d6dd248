import { posix } from 'node:path';
import { HypervisorError } from '../hypervisor.ts';
import { noSuchDevice } from './failure.ts';
import { devicesPath } from './read-devices.ts';
import type { Sysfs } from './sysfs.ts';
import { wholeNumber } from './parse.ts';

/** I/O ports, from `first` on. */
export interface PortRange {
  readonly first: number;
  readonly count: number;
}

/** Memory as Xen grants it: numbers of pages of 4096 bytes. */
export interface PageRange {
  readonly firstPage: number;
  readonly pages: number;
}

/** What a domain that drives the device must be able to reach. */
export interface PciResources {
  readonly ports: readonly PortRange[];
  readonly memory: readonly PageRange[];
  /** The legacy interrupt; absent if the device has none. */
  readonly irq?: number;
}

/**
 * Six base addresses and the expansion ROM, as libxl takes them. The lines after them are windows of bridges, and base
 * addresses of virtual functions, which are devices of their own.
 */
const ownLines = 7;
const portFlag = 0x100n;
const memoryFlag = 0x200n;
const pageShift = 12n;
/** Nothing decodes more than 52 bits of address, so that a page's number is a safe integer. */
const addressLimit = 1n << 52n;
const portLimit = 0x10000n;

/**
 * Parses the `resource` file: start, end and flags of each range, 64 bits wide throughout (XSA-476: a range cut to 32 bits
 * leaves the guest with memory of a device that it does not have any more). Throws `Failed` for what is no such file: half
 * a grant is worse than none.
 */
export function parseResources(text: string, address: string): Omit<PciResources, 'irq'> {
  const ports: PortRange[] = [];
  const memory: PageRange[] = [];
  for (const line of text.split('\n').slice(0, ownLines)) {
    if (line === '') continue;
    const match = /^(0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16}) (0x[0-9a-f]{1,16})$/.exec(line);
    const [start, end, flags] = (match?.slice(1) ?? []).map(BigInt);
    if (start === undefined || end === undefined || flags === undefined) throw unreadable(address);
    if (start === 0n) continue;
    const isPort = (flags & portFlag) !== 0n;
    if (!isPort && (flags & memoryFlag) === 0n) continue;
    if (end < start || end >= (isPort ? portLimit : addressLimit)) throw unreadable(address);
    if (isPort) {
      ports.push({ first: Number(start), count: Number(end - start) + 1 });
    } else {
      const firstPage = start >> pageShift;
      memory.push({ firstPage: Number(firstPage), pages: Number((end >> pageShift) - firstPage) + 1 });
    }
  }
  return { ports, memory };
}

function unreadable(address: string): HypervisorError {
  return new HypervisorError(
    'Failed',
    `${devicesPath}/${address}/resource does not list the device's ports and memory, so that nothing of it is granted. Remove the device and rescan the bus (remove, then /sys/bus/pci/rescan), or restart the host.`,
  );
}

/**
 * The legacy interrupt. 0 and 255 mean that there is none, and the kernel writes 2147483648 for a pin that is not
 * connected: libxl before 4.21 passes those on and fails.
 */
export function parseIrq(text: string | undefined): number | undefined {
  const irq = wholeNumber(text, 1, 65_535);
  return irq === 255 ? undefined : irq;
}

/** What is to be granted of a device, and revoked. Throws `NoSuchDevice` if it is gone. */
export async function readResources(sysfs: Sysfs, address: string): Promise<PciResources> {
  const text = await sysfs.read(posix.join(devicesPath, address, 'resource'));
  if (text === undefined) throw noSuchDevice(address);
  const irq = parseIrq(await sysfs.read(posix.join(devicesPath, address, 'irq')));
  return { ...parseResources(text, address), ...(irq === undefined ? {} : { irq }) };
}
