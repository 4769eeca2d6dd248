/* Generated from crds/ by `npm run generate`. Do not edit. */
import type { ObjectMeta } from '../../kube/types.ts';

/**
 * Which device, to whom, and how.
 */
export interface PciAttachmentSpec {
  /**
   * The StubDomain in the same namespace whose guest gets the device.
   */
  readonly stubDomainRef: {
    /**
     * Name of the StubDomain.
     */
    readonly name: string;
  };
  /**
   * The device, by address or by what it is.
   */
  readonly device: {
    /**
     * Address on the host (BDF), as domain:bus:slot.function in lower case.
     */
    readonly address?: string;
    /**
     * What the device must be. The first free one in the order of addresses is taken, and kept.
     */
    readonly selector?: {
      /**
       * PCI vendor, four hexadecimal digits.
       */
      readonly vendorID?: string;
      /**
       * PCI device, four hexadecimal digits.
       */
      readonly deviceID?: string;
      /**
       * PCI class, two to six hexadecimal digits, compared from the left.
       */
      readonly classID?: string;
      /**
       * PCI subsystem vendor, four hexadecimal digits.
       */
      readonly subsystemVendorID?: string;
      /**
       * PCI subsystem, four hexadecimal digits.
       */
      readonly subsystemID?: string;
      /**
       * NUMA node that the device is near to.
       */
      readonly numaNode?: number;
    };
  };
  /**
   * Slot in the guest, 1 to 31. Left out, the device model takes its first free one.
   */
  readonly virtualSlot?: number;
  /**
   * Function of that slot. PciAttachments of one StubDomain with the same virtualSlot are the functions of one card, and are inserted together or not at all, which takes one of them with function 0. They leave together, when that one is deleted.
   */
  readonly virtualFunction: number;
  /**
   * How the device is passed through.
   */
  readonly options: {
    /**
     * Whether the device model turns MSI into INTx for the guest.
     */
    readonly msiTranslate: 'Enabled' | 'Disabled';
    /**
     * Whether the guest may use the device's power states.
     */
    readonly powerManagement: 'Enabled' | 'Disabled';
    /**
     * Whether the guest may write all of the configuration space. Unsafe.
     */
    readonly permissive: 'Enabled' | 'Disabled';
    /**
     * What to do when a reserved memory region of the device clashes with the guest's memory.
     */
    readonly rdmPolicy: 'Strict' | 'Relaxed';
  };
  /**
   * RequireAssignable takes only a device that is already bound to pciback. Seize unbinds it from its dom0 driver first, and gives it back afterwards.
   */
  readonly driverPolicy: 'RequireAssignable' | 'Seize';
  /**
   * Graceful waits for the guest to let the device go. Force takes it after removalTimeoutSeconds all the same.
   */
  readonly removalPolicy: 'Graceful' | 'Force';
  /**
   * How long the guest may take to let the device go.
   */
  readonly removalTimeoutSeconds: number;
}

/**
 * What was observed. Written by the operator alone.
 */
export interface PciAttachmentStatus {
  /**
   * The generation of the spec that the agent acted on last.
   */
  readonly observedGeneration?: number;
  /**
   * The XenHost of the StubDomain.
   */
  readonly nodeName?: string;
  /**
   * Address on the host (BDF) of the device that was claimed. It stays for life.
   */
  readonly address?: string;
  /**
   * What was at that address when it was claimed. Another device there now, because the host's bus was numbered anew, is never inserted.
   */
  readonly device?: {
    /**
     * PCI vendor, four hexadecimal digits.
     */
    readonly vendorID: string;
    /**
     * PCI device, four hexadecimal digits.
     */
    readonly deviceID: string;
  };
  /**
   * Slot and function in the guest, as 0xNN.
   */
  readonly virtualDeviceFunction?: string;
  /**
   * The dom0 driver to give the device back to. Empty if it had none.
   */
  readonly originalDriver?: string;
  /**
   * Since when the device has been on its way out of the guest; absent if it is not. What waits for the guest is named in the condition Removing.
   */
  readonly removingSince?: string;
  /**
   * A summary for people. Programs read the conditions.
   */
  readonly phase?: 'Pending' | 'Claimed' | 'Attaching' | 'Attached' | 'Detaching' | 'Failed' | 'Unknown';
  /**
   * The last command given to the device model for this device.
   */
  readonly command?: {
    /**
     * The word that was sent.
     */
    readonly name?: 'pci-ins' | 'pci-rem';
    /**
     * How it ended.
     */
    readonly outcome?: 'Pending' | 'Applied' | 'NotApplied' | 'Unknown' | 'WaitingForGuest' | 'Gone';
    /**
     * Why, in one word.
     */
    readonly reason?: string;
    /**
     * When it was sent.
     */
    readonly sentTime?: string;
    /**
     * When its outcome was known.
     */
    readonly finishedTime?: string;
  };
  /**
   * Ready, Claimed, BackendReady, Inserted, Removing, Stalled.
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
export interface PciAttachment {
  readonly apiVersion: 'stubdom.io/v1alpha1';
  readonly kind: 'PciAttachment';
  readonly metadata: ObjectMeta;
  readonly spec: PciAttachmentSpec;
  readonly status?: PciAttachmentStatus;
}
