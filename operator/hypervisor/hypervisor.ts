/**
 * The hypervisor port: what the agent needs of a host and XenStore cannot do. Narrow on purpose. Every verb is
 * idempotent: asked again after a crash it finds its work done and says so by succeeding.
 */

/** A domain is named by both: domids are used again, uuids are not. */
export interface DomainIdentity {
  readonly domid: number;
  readonly uuid: string;
}

export interface Domain extends DomainIdentity {
  readonly name: string;
  readonly type: 'HVM' | 'PV' | 'PVH';
  readonly memoryMiB: number;
  readonly paused: boolean;
  /**
   * It is shut down and not ended: a toolstack saves or migrates it, or it waits to be ended. Its device model is that
   * toolstack's business meanwhile. Absent: it is not.
   */
  readonly suspended?: boolean;
}

/** A file of dom0, as far as a saved state needs to be told from none. */
export interface FileFacts {
  /** Bytes. */
  readonly size: number;
  /** Milliseconds since the epoch, by dom0's clock. */
  readonly modifiedAt: number;
}

export interface HostInfo {
  readonly driver: 'simulated' | 'xl' | 'libxenctrl';
  readonly xenVersion: string;
  readonly kernelVersion: string;
  readonly xenstoreVersion: string;
  readonly bootID: string;
  readonly totalMiB: number;
  readonly freeMiB: number;
  /** Whether PCI devices can be given to guests. Absent: the driver knows of nothing against it. */
  readonly passthrough?: PassthroughFacts;
}

/** Why no PCI device can be given to guests: the reason of a condition, and a message with the next step. */
export type PassthroughFacts =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly reason: 'IommuOff' | 'UnknownXenVersion' | 'HypercallsUnavailable' | 'PcibackMissing';
      readonly message: string;
    };

/** A PCI device of the host as sysfs shows it. Hexadecimal digits in lower case, without 0x. */
export interface PciDevice {
  /** BDF, as `0000:03:00.0`. */
  readonly address: string;
  readonly vendorID: string;
  readonly deviceID: string;
  readonly classID: string;
  readonly subsystemVendorID?: string;
  readonly subsystemID?: string;
  /** Driver in dom0; absent if none. `pciback` means assignable. */
  readonly driver?: string;
  readonly iommuGroup?: number;
  readonly numaNode?: number;
  /** What dom0 itself needs it for, in two or three words, e.g. `root disk`. Absent if it can do without. */
  readonly hostUse?: string;
}

/** How a domain gets a device. */
export interface GrantOptions {
  /** With its DMA. */
  readonly iommu: boolean;
  /** pciback lets all of the configuration space be written, not only what it knows to be harmless (XSA-131). */
  readonly permissive?: boolean;
  /** Reserved memory of the device in the way of the domain's own is no reason to refuse it. */
  readonly rdmRelaxed?: boolean;
}

export interface CreateDomainRequest {
  /** Chosen by the caller before: a domain that has it already is the answer. */
  readonly uuid: string;
  readonly name: string;
  /** Path in dom0. There is never an initrd. */
  readonly kernel: string;
  readonly memoryMiB: number;
}

/**
 * A guest that the toolstack of the host starts together with its stub domain (libxl). Everything that is text was
 * checked by the API: none of it holds white space, quotes or control characters.
 */
export interface GuestRequest {
  /** Chosen by the caller before: a guest that has it already is the answer. */
  readonly uuid: string;
  readonly name: string;
  readonly memoryMiB: number;
  readonly vcpus: number;
  /** In this order: c the first disk, d the CD-ROM, n the network. */
  readonly bootOrder: string;
  /** PCI devices can be given to it while it runs: it gets an IOMMU context of its own. */
  readonly passthrough: boolean;
  /** Of the stub domain. Left out, the host's own: see `Hypervisor.createGuest`. */
  readonly stubKernel?: string;
  readonly stubMemoryMiB?: number;
  /** Further words of the device model's command line. */
  readonly deviceModelArgs: readonly string[];
  readonly disks: readonly {
    /** Path in dom0. */
    readonly source: string;
    readonly backend: 'Block' | 'File';
    readonly access: 'ReadWrite' | 'ReadOnly';
    readonly device: 'Disk' | 'CDROM';
  }[];
  readonly nics: readonly { readonly mac: string; readonly bridge: string; readonly model: string }[];
  readonly graphics?: { readonly type: 'VNC' | 'SDL'; readonly listen: string; readonly keymap?: string };
  /** Where each serial port goes: `pty`, `null`, `file:PATH` or `pipe:PATH`. */
  readonly serials: readonly string[];
}

export interface Hypervisor {
  /**
   * Who makes stub domains on this host. `agent`: the agent, with `createDomain` and all of XenStore's layout.
   * `toolstack`: libxl makes one when it makes the guest, and the agent adopts it; `createGuest` has it make both.
   */
  readonly stubDomainsMadeBy: 'agent' | 'toolstack';

  info(): Promise<HostInfo>;
  /** The domains that live. One that is dying, or whose memory somebody still holds, is not listed. */
  listDomains(): Promise<Domain[]>;

  /** Makes a PV domain, introduced to XenStore and paused. */
  createDomain(request: CreateDomainRequest): Promise<DomainIdentity>;
  /** Lets `stub` map and drive `target` (the hypervisor's side; XenStore's SET_TARGET is apart). */
  setTarget(stub: DomainIdentity, target: DomainIdentity): Promise<void>;
  unpauseDomain(domain: DomainIdentity): Promise<void>;
  /**
   * Has the toolstack make the guest and its stub domain, both paused or waiting; the guest's own processors run after
   * `unpauseDomain`. May take a minute. A driver whose `stubDomainsMadeBy` is `agent` throws `NotSupported`.
   */
  createGuest(request: GuestRequest): Promise<DomainIdentity>;
  /** Ends the domain; one that is gone, or whose domid has another uuid now, is no error. */
  destroyDomain(domain: DomainIdentity): Promise<void>;

  listPciDevices(): Promise<PciDevice[]>;
  /** Unbinds the device from its driver and binds it to pciback; gives the driver it had, if any but pciback. */
  makeAssignable(address: string): Promise<{ readonly originalDriver: string | undefined }>;
  /** Takes the device from pciback and gives it back to `driver`, if any. */
  releaseAssignable(address: string, driver: string | undefined): Promise<void>;
  reset(address: string): Promise<void>;
  /**
   * Throws why the guest cannot have the device's DMA, before anything is done with the device. A driver that can only tell
   * by `grant` has no such verb.
   */
  requireGrantable?(address: string, domain: DomainIdentity): Promise<void>;
  /** Gives the domain the device's ports, memory and interrupt; with `iommu`, also its DMA. */
  grant(address: string, domain: DomainIdentity, options: GrantOptions): Promise<void>;
  /** Takes back what `grant` gave. A domain or device that is gone is no error. */
  revoke(address: string, domain: DomainIdentity, options: { readonly iommu: boolean }): Promise<void>;

  /**
   * A regular file of dom0; undefined if there is none. Only saved states can be asked for (`isSavePath`), without
   * following links; any other path is `InvalidArgument`.
   */
  inspectFile(path: string): Promise<FileFacts | undefined>;

  close(): Promise<void>;
}

/** What a hypervisor driver throws. `code` is stable. */
export type HypervisorErrorCode =
  | 'NoSuchDomain'
  | 'NoSuchDevice'
  | 'DeviceInUse'
  | 'NoMemory'
  | 'NotSupported'
  | 'InvalidArgument'
  | 'Unavailable'
  | 'Failed';

export class HypervisorError extends Error {
  readonly code: HypervisorErrorCode;
  constructor(code: HypervisorErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HypervisorError';
    this.code = code;
  }
}
