import { HypervisorError } from '../hypervisor.ts';
import { Mutex } from '../../runtime/mutex.ts';
import {
  encodeSbdf,
  noDomid,
  requireDomid,
  requireHolder,
  requirePages,
  requirePirq,
  requirePorts,
} from './arguments.ts';
import { type Meanings, callFailure, errnoName, ofAssigning, ofInterrupts, ofTesting, ofTheIommu } from './errno.ts';
import type { InterfaceVersion } from './interface-versions.ts';
import type { Argument, CallName, CallResult, Handle, NativeLibrary } from './native.ts';
import { openChecked } from './open-checked.ts';
import {
  type HostCapabilities,
  type PhysicalMemory,
  type XenDomainInfo,
  decodeCapabilities,
  decodeDomainInfos,
  decodePhysicalMemory,
} from './structures.ts';

export type { HostCapabilities, PhysicalMemory, ShutdownReason, XenDomainInfo } from './structures.ts';

/** Whether a device could be assigned, and if not, why: a `HypervisorError` that is not thrown. */
export type TestAssignment =
  { readonly assignable: true } | { readonly assignable: false; readonly reason: HypervisorError };

/**
 * The hypercalls that `xl` has no verb for, by Xen's own library. Addresses are as sysfs writes them (`0000:03:00.0`).
 *
 * Each is made on a thread of libuv's pool, one after the other: assigning and deassigning flush the IOMMU and may take
 * long, and the library is not meant for several threads. All throw `HypervisorError`: `NoSuchDomain` (ESRCH),
 * `NoSuchDevice` (ENODEV), `DeviceInUse` (EBUSY), `Unavailable` (EPERM, EACCES; or closed), `NotSupported` (ENOSYS,
 * EOPNOTSUPP: the IOMMU is off), `InvalidArgument` (EINVAL, or a number that no host has), `NoMemory`, otherwise `Failed`.
 */
export interface Libxenctrl {
  /** Of the hypervisor, as `4.17.7`. */
  readonly version: string;
  /** All domains, also those that are dying, in the order of their domids. */
  domains(): Promise<XenDomainInfo[]>;
  physicalMemory(): Promise<PhysicalMemory>;
  capabilities(): Promise<HostCapabilities>;
  /**
   * Lets `stub` map and drive `target`, an HVM guest (another is `NotSupported`). `AlreadySet`: the stub has a target, which
   * it keeps as long as it lives; Xen does not tell which.
   */
  setTarget(stub: number, target: number): Promise<'Set' | 'AlreadySet'>;
  /** Allows or forbids I/O ports. Forbidding what was not allowed is no error. */
  ioportPermission(domid: number, firstPort: number, count: number, allow: boolean): Promise<void>;
  /** Allows or forbids pages of 4096 bytes of memory, by number. Forbidding what was not allowed is no error. */
  iomemPermission(domid: number, firstFrame: number, frames: number, allow: boolean): Promise<void>;
  /** Allows or forbids an interrupt, by dom0's number of it; what dom0 may not use itself is `NoSuchDevice`. */
  irqPermission(domid: number, pirq: number, allow: boolean): Promise<void>;
  /** Maps the global interrupt into the domain, under its own number as libxl does; gives the number there. Again too. */
  mapPirq(domid: number, gsi: number): Promise<number>;
  /** Undoes `mapPirq`. What is not mapped is no error. */
  unmapPirq(domid: number, pirq: number): Promise<void>;
  /** Whether the device could be assigned: to `domid`, or, left out, to any domain. */
  testAssign(address: string, domid?: number): Promise<TestAssignment>;
  /**
   * Gives the device's DMA to the domain. A device that a domain has already is `DeviceInUse`, also if it is this domain: Xen
   * does not tell whose it is. `rdmRelaxed`: reserved memory of the device that collides with the guest's is let pass. To
   * `quarantineDomid` as to a domain.
   */
  assign(domid: number, address: string, options: { readonly rdmRelaxed: boolean }): Promise<void>;
  /** Takes it back. A device that the domain does not have is no error. */
  deassign(domid: number, address: string): Promise<void>;
  /** Ends it after the calls that were asked for before; every later one is `Unavailable`. Again is no error. */
  close(): Promise<void>;
}

export interface LibxenctrlOptions {
  /** Where /sys and /dev of dom0 are: `/` if nothing is said. */
  readonly root?: string;
  /** File of the library; if nothing is said, the one of the running Xen's release, where the system looks for libraries. */
  readonly library?: string;
  /** As `process.arch`, which it is if nothing is said. */
  readonly architecture?: string;
}

/**
 * Opens the library that belongs to the running Xen. Throws `NotSupported` for a release or a machine whose structures are
 * not known, without Xen or outside dom0, and `Unavailable` if the library or the right to make hypercalls is missing.
 */
export function openLibxenctrl(options: LibxenctrlOptions = {}): Libxenctrl {
  const { library, handle, interfaceVersion, version } = openChecked({
    root: options.root ?? '/',
    architecture: options.architecture ?? process.arch,
    library: options.library,
  });
  return new OpenLibxenctrl(library, handle, interfaceVersion, version);
}

/** Domains that one call asks for. */
const page = 256;
/** `XEN_DOMCTL_DEV_RDM_RELAXED`. */
const rdmRelaxed = 1;

class OpenLibxenctrl implements Libxenctrl {
  readonly version: string;
  readonly #library: NativeLibrary;
  readonly #interface: InterfaceVersion;
  readonly #mutex = new Mutex();
  /** Undefined once closed. */
  #handle: Handle | undefined;

  constructor(library: NativeLibrary, handle: Handle, interfaceVersion: InterfaceVersion, version: string) {
    this.#library = library;
    this.#handle = handle;
    this.#interface = interfaceVersion;
    this.version = version;
  }

  async domains(): Promise<XenDomainInfo[]> {
    const layout = this.#interface.domainInfo;
    const domains: XenDomainInfo[] = [];
    for (let first = 0; ;) {
      const bytes = Buffer.alloc(page * layout.size);
      const count = await this.#call('list the domains', 'xc_domain_getinfolist', [first, page, bytes]);
      domains.push(...decodeDomainInfos(bytes, count, layout, first));
      if (count < page) return domains;
      first = (domains.at(-1)?.domid ?? 0) + 1;
    }
  }

  async physicalMemory(): Promise<PhysicalMemory> {
    return decodePhysicalMemory(await this.#physicalInfo(), this.#interface.physicalInfo);
  }

  async capabilities(): Promise<HostCapabilities> {
    return decodeCapabilities(await this.#physicalInfo(), this.#interface.physicalInfo);
  }

  async setTarget(stub: number, target: number): Promise<'Set' | 'AlreadySet'> {
    const args = [requireDomid(stub), requireDomid(target)];
    const doing = `let domain ${String(stub)} drive domain ${String(target)}`;
    // With this refused, EINVAL means one thing alone.
    if (stub === target)
      throw new HypervisorError('InvalidArgument', `Cannot ${doing}: a domain cannot be its own target.`);
    return (await this.#callUnless('EINVAL', doing, 'xc_domain_set_target', args)) ? 'Set' : 'AlreadySet';
  }

  async ioportPermission(domid: number, firstPort: number, count: number, allow: boolean): Promise<void> {
    requirePorts(firstPort, count);
    const doing = `${granting(allow)} domain ${String(domid)} ${String(count)} I/O ports from ${String(firstPort)} on`;
    await this.#call(doing, 'xc_domain_ioport_permission', [requireDomid(domid), firstPort, count, allow ? 1 : 0]);
  }

  async iomemPermission(domid: number, firstFrame: number, frames: number, allow: boolean): Promise<void> {
    requirePages(firstFrame, frames);
    const doing = `${granting(allow)} domain ${String(domid)} ${String(frames)} pages of memory from page ${String(firstFrame)} on`;
    await this.#call(doing, 'xc_domain_iomem_permission', [requireDomid(domid), firstFrame, frames, allow ? 1 : 0]);
  }

  async irqPermission(domid: number, pirq: number, allow: boolean): Promise<void> {
    requirePirq(pirq);
    const { irqPermissionPirq, irqPermissionAllow, release } = this.#interface;
    if (irqPermissionPirq === 'uint8_t' && pirq > 255) {
      throw new HypervisorError(
        'NotSupported',
        `Xen ${release} cannot permit interrupt ${String(pirq)}: it takes numbers up to 255 there. Use a newer Xen, or a device with another interrupt.`,
      );
    }
    const flag = irqPermissionAllow === 'bool' ? allow : allow ? 1 : 0;
    const doing = `${granting(allow)} domain ${String(domid)} interrupt ${String(pirq)}`;
    await this.#call(doing, 'xc_domain_irq_permission', [requireDomid(domid), pirq, flag], ofInterrupts);
  }

  async mapPirq(domid: number, gsi: number): Promise<number> {
    const pirq = [requirePirq(gsi)];
    const doing = `map interrupt ${String(gsi)} into domain ${String(domid)}`;
    await this.#call(doing, 'xc_physdev_map_pirq', [requireDomid(domid), gsi, pirq]);
    return requirePirq(pirq[0] ?? -1);
  }

  async unmapPirq(domid: number, pirq: number): Promise<void> {
    const doing = `unmap interrupt ${String(pirq)} from domain ${String(domid)}`;
    await this.#callUnless('EINVAL', doing, 'xc_physdev_unmap_pirq', [requireDomid(domid), requirePirq(pirq)]);
  }

  async testAssign(address: string, domid?: number): Promise<TestAssignment> {
    const args = [domid === undefined ? noDomid : requireDomid(domid), encodeSbdf(address)];
    try {
      await this.#call(`assign ${address}`, 'xc_test_assign_device', args, ofTesting);
      return { assignable: true };
    } catch (error) {
      if (!(error instanceof HypervisorError) || error.code === 'Unavailable') throw error;
      return { assignable: false, reason: error };
    }
  }

  async assign(domid: number, address: string, options: { readonly rdmRelaxed: boolean }): Promise<void> {
    const args = [requireHolder(domid), encodeSbdf(address), options.rdmRelaxed ? rdmRelaxed : 0];
    await this.#call(`assign ${address} to domain ${String(domid)}`, 'xc_assign_device', args, ofAssigning);
  }

  async deassign(domid: number, address: string): Promise<void> {
    const args = [requireHolder(domid), encodeSbdf(address)];
    const doing = `take ${address} from domain ${String(domid)}`;
    await this.#callUnless('ENODEV', doing, 'xc_deassign_device', args, ofTheIommu);
  }

  async close(): Promise<void> {
    await this.#mutex.run(async () => {
      const handle = this.#handle;
      this.#handle = undefined;
      if (handle !== undefined) await this.#library.call('xc_interface_close', handle);
    });
  }

  async #physicalInfo(): Promise<Buffer> {
    const bytes = Buffer.alloc(this.#interface.physicalInfo.size);
    await this.#call('read what the host has', 'xc_physinfo', [bytes]);
    return bytes;
  }

  /** Makes a call; gives what it gave, which is never negative. */
  async #call(doing: string, name: CallName, args: Argument[], meanings?: Meanings): Promise<number> {
    const { value, errno } = await this.#attempt(doing, name, args);
    if (value < 0) throw callFailure(doing, errno, meanings);
    return value;
  }

  /** Makes a call; false if it failed with the errno that says that there was nothing to do. */
  async #callUnless(
    idle: string,
    doing: string,
    name: CallName,
    args: Argument[],
    meanings?: Meanings,
  ): Promise<boolean> {
    const { value, errno } = await this.#attempt(doing, name, args);
    if (value >= 0) return true;
    if (errnoName(errno) === idle) return false;
    throw callFailure(doing, errno, meanings);
  }

  /** One call after those before it. */
  async #attempt(doing: string, name: CallName, args: Argument[]): Promise<CallResult> {
    return this.#mutex.run(async () => {
      if (this.#handle !== undefined) return this.#library.call(name, this.#handle, ...args);
      throw new HypervisorError(
        'Unavailable',
        `Cannot ${doing}: the library was closed, because the agent ends. It goes on when the agent runs again.`,
      );
    });
  }
}

function granting(allow: boolean): string {
  return allow ? 'grant' : 'take from';
}
