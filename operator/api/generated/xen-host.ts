/* Generated from crds/ by `npm run generate`. Do not edit. */
import type { ObjectMeta } from '../../kube/types.ts';

/**
 * What people decide about the host.
 */
export interface XenHostSpec {
  /**
   * When true, no further StubDomain is placed here.
   */
  readonly unschedulable?: boolean;
  /**
   * Which PCI devices may be given to guests. It decides who can claim a device from now on: one that a PciAttachment has already stays with it until that is deleted. What the host itself needs is never given away, whatever is said here.
   */
  readonly pci?: {
    /**
     * Addresses (BDF) that may be given away. Left out, all that are not denied.
     */
    readonly allow?: string[];
    /**
     * Addresses (BDF) that are never given away. It wins over allow.
     */
    readonly deny?: string[];
  };
}

/**
 * What the agent found. Written by the operator alone.
 */
export interface XenHostStatus {
  /**
   * The generation of the spec that the agent acted on last.
   */
  readonly observedGeneration?: number;
  /**
   * What runs there.
   */
  readonly versions?: {
    /**
     * Version of Xen.
     */
    readonly xen?: string;
    /**
     * Version of dom0's kernel.
     */
    readonly kernel?: string;
    /**
     * Version of the agent.
     */
    readonly agent?: string;
    /**
     * Which XenStore daemon.
     */
    readonly xenstore?: string;
  };
  /**
   * Another one means that the host was started anew.
   */
  readonly bootID?: string;
  /**
   * The hypervisor driver that the agent uses.
   */
  readonly toolstackDriver?: 'simulated' | 'xl' | 'libxenctrl';
  /**
   * Memory of the host.
   */
  readonly memory?: {
    /**
     * All of it, in MiB.
     */
    readonly totalMiB?: number;
    /**
     * What no domain has, in MiB.
     */
    readonly freeMiB?: number;
  };
  /**
   * How many guests run there.
   */
  readonly guestCount?: number;
  /**
   * How many stub domains run there.
   */
  readonly stubDomainCount?: number;
  /**
   * PCI devices in use and assignable, as used/assignable.
   */
  readonly pciSummary?: string;
  /**
   * PCI devices of the host.
   */
  readonly pciDevices?: {
    /**
     * Address (BDF).
     */
    readonly address: string;
    /**
     * PCI vendor.
     */
    readonly vendorID: string;
    /**
     * PCI device.
     */
    readonly deviceID: string;
    /**
     * PCI class.
     */
    readonly classID: string;
    /**
     * PCI subsystem vendor.
     */
    readonly subsystemVendorID?: string;
    /**
     * PCI subsystem.
     */
    readonly subsystemID?: string;
    /**
     * The dom0 driver that has it. Empty if none.
     */
    readonly driver?: string;
    /**
     * Number of its IOMMU group.
     */
    readonly iommuGroup?: number;
    /**
     * NUMA node that it is near to.
     */
    readonly numaNode?: number;
    /**
     * Whether it can be given to a guest, and if not, why. Assignable: it is bound to pciback. Seizable: a driver of dom0 has it, or none, and driverPolicy Seize takes it. Denied: spec.pci keeps it; with an owner, it goes when the owner gives it back. InUseByHost: see hostUse.
     */
    readonly assignable?: 'Assignable' | 'Seizable' | 'Denied' | 'InUseByHost';
    /**
     * What the host itself needs it for, e.g. root disk or default route. Such a device is never given to a guest. It begins with unknown: where that could not be found out. Empty if the host can do without.
     */
    readonly hostUse?: string;
    /**
     * UUID of the guest that has it. Empty if none.
     */
    readonly owner?: string;
  }[];
  /**
   * HVM guests that run there.
   */
  readonly guests?: {
    /**
     * UUID of the guest.
     */
    readonly uuid: string;
    /**
     * Name of the guest.
     */
    readonly name?: string;
    /**
     * Domain id of the guest.
     */
    readonly domid: number;
    /**
     * Domain id of its stub domain, if it has one.
     */
    readonly stubDomain?: number;
  }[];
  /**
   * Ready, XenStoreConnected, HypervisorReady.
   */
  readonly conditions?: {
    /**
     * Which condition.
     */
    readonly type: string;
    /**
     * True, False or Unknown.
     */
    readonly status: 'True' | 'False' | 'Unknown';
    /**
     * The generation of the spec that it speaks of.
     */
    readonly observedGeneration?: number;
    /**
     * When the status changed last.
     */
    readonly lastTransitionTime: string;
    /**
     * Why, in one word. The reference in docs/ lists them all.
     */
    readonly reason: string;
    /**
     * Why, and what to do.
     */
    readonly message: string;
  }[];
}

/** The object, as the API server gives it after defaulting. */
export interface XenHost {
  readonly apiVersion: 'stubdom.io/v1alpha1';
  readonly kind: 'XenHost';
  readonly metadata: ObjectMeta;
  readonly spec: XenHostSpec;
  readonly status?: XenHostStatus;
}
