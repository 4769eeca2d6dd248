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
   * When it is there, the host shall become empty: no further StubDomain is placed here, and status.drain lists what is in the way and what has to be done about each. A stub domain lives where its guest lives, and the operator moves no guests: whoever runs them migrates them or shuts them down.
   */
  readonly drain?: {
    /**
     * Why, for people.
     */
    readonly reason: string;
  };
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
   * PCI devices that are bound to pciback, as "3 free, 1 used".
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
   * What keeps the host from being empty. There as long as spec.drain is.
   */
  readonly drain?: {
    /**
     * How many StubDomains are bound to the host.
     */
    readonly remaining: number;
    /**
     * The first 256 of them, in the order of their names.
     */
    readonly stubDomains?: {
      /**
       * Namespace of the StubDomain.
       */
      readonly namespace: string;
      /**
       * Name of the StubDomain.
       */
      readonly name: string;
      /**
       * UUID of its guest.
       */
      readonly guest: string;
      /**
       * Name of its guest, if it runs here.
       */
      readonly guestName?: string;
      /**
       * Addresses (BDF) of the host's devices that are pinned for it.
       */
      readonly pciDevices?: string[];
      /**
       * What has to be done. ShutDownGuest: it has PCI devices of this host, which cannot go along. Delete its PciAttachments and move it, or shut it down, and delete the StubDomain. MoveGuest: move the guest to another host or shut it down, and delete the StubDomain. DeleteStubDomain: the guest runs here no more; delete the StubDomain, and create it again if the guest runs elsewhere. WaitForDeletion: it is being deleted; its conditions say what that waits for.
       */
      readonly action: 'ShutDownGuest' | 'MoveGuest' | 'DeleteStubDomain' | 'WaitForDeletion';
    }[];
  };
  /**
   * Ready, XenStoreConnected, HypervisorReady, PassthroughReady, Schedulable, Drained, Fenced.
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
