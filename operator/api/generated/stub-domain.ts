/* Generated from crds/ by `npm run generate`. Do not edit. */
import type { ObjectMeta } from '../../kube/types.ts';

/**
 * What the stub domain shall be.
 */
export interface StubDomainSpec {
  /**
   * Name of the XenHost to run on. Left out, the controller picks the host that reports the target guest.
   */
  readonly nodeName?: string;
  /**
   * How the host is found when nodeName does not say it. FollowGuest waits until a host reports the target guest. ChooseHost does not wait: where no host reports the guest yet, one is chosen that has the labels, the memory and the devices, and whoever starts the guest starts it there (status.nodeName). Left out, FollowGuest.
   */
  readonly placement?: 'FollowGuest' | 'ChooseHost';
  /**
   * Labels that the XenHost must have.
   */
  readonly nodeSelector?: {
    [k: string]: string;
  };
  /**
   * What runs in the stub domain. MiniOS is qemu-traditional, driven through XenStore (Xen 4.6 to 4.20). Linux is upstream QEMU, driven through QMP.
   */
  readonly flavor: 'MiniOS' | 'Linux';
  /**
   * Create means that the stub domain is there because of this object. On a host whose agent is the toolstack, the agent lays it out, starts and destroys it; on a host with xl, libxl makes it together with the guest in spec.guest. Adopt means that something else (xl, XAPI) made it, and the agent only watches and drives it.
   */
  readonly provisioning: 'Create' | 'Adopt';
  /**
   * The HVM guest that is served.
   */
  readonly target: {
    /**
     * UUID of the guest, in lower case. It stays the same when the guest restarts under another domid.
     */
    readonly uuid: string;
    /**
     * Name of the guest. If given, a guest with this uuid and another name is refused.
     */
    readonly name?: string;
  };
  /**
   * The guest itself, for hosts with xl: libxl starts it and its stub domain together, and starts it again when it is gone. Its disks, interfaces, display and serial ports are those of this spec. A change takes effect when the guest is started the next time. Deleting the StubDomain with deletionPolicy Destroy ends the guest too.
   */
  readonly guest?: {
    /**
     * Memory of the guest in MiB, without that of the stub domain.
     */
    readonly memoryMiB: number;
    /**
     * Virtual processors.
     */
    readonly vcpus: number;
    /**
     * In this order, c the first disk, d the CD-ROM, n the network.
     */
    readonly bootOrder: string;
    /**
     * Enabled gives the guest an IOMMU context, which PciAttachments need. It cannot be added while the guest runs.
     */
    readonly passthrough: 'Enabled' | 'Disabled';
  };
  /**
   * Running, or Paused. Paused makes the device model save its state to a file and stop; back to Running makes it go on.
   */
  readonly runState: 'Running' | 'Paused';
  /**
   * Path in dom0 of the stub domain's kernel. Left out, the host's own for the flavor.
   */
  readonly kernel?: string;
  /**
   * Memory of the stub domain in MiB. Left out, 28 for MiniOS and 128 for Linux.
   */
  readonly memoryMiB?: number;
  /**
   * Firmware that the guest boots with. qemu-traditional knows ROMBIOS alone.
   */
  readonly bios: 'ROMBIOS' | 'SeaBIOS' | 'OVMF';
  /**
   * Further arguments of the device model, in order. They are joined by spaces, so that none may hold white space or quotes.
   */
  readonly deviceModelArgs?: string[];
  /**
   * Disks of the guest, given to the stub domain as PV disks xvda, xvdb, … in this order.
   */
  readonly disks?: {
    /**
     * Name of the disk in this list.
     */
    readonly name: string;
    /**
     * Path in dom0 of the block device or image.
     */
    readonly source: string;
    /**
     * Block is a block device (phy), File an image file served by the PV back end's own driver.
     */
    readonly backend: 'Block' | 'File';
    /**
     * What the guest may do with it.
     */
    readonly access: 'ReadWrite' | 'ReadOnly';
    /**
     * What the guest sees.
     */
    readonly device: 'Disk' | 'CDROM';
  }[];
  /**
   * Network interfaces of the guest, given to the stub domain as PV interfaces 0, 1, … in this order.
   */
  readonly nics?: {
    /**
     * Name of the interface in this list.
     */
    readonly name: string;
    /**
     * MAC address, in lower case.
     */
    readonly mac: string;
    /**
     * Bridge in dom0 to join.
     */
    readonly bridge: string;
    /**
     * Card that the guest sees.
     */
    readonly model: string;
  }[];
  /**
   * A display of the guest. Left out, there is none.
   */
  readonly graphics?: {
    /**
     * How the display is served.
     */
    readonly type: 'VNC' | 'SDL';
    /**
     * Address to listen on.
     */
    readonly listen: string;
    /**
     * Keyboard map.
     */
    readonly keymap?: string;
  };
  /**
   * Serial ports of the guest, on the stub domain's consoles 3, 4, … in this order.
   */
  readonly serials?: {
    /**
     * Name of the port in this list.
     */
    readonly name: string;
    /**
     * Where it goes in dom0.
     */
    readonly output: string;
  }[];
  /**
   * A saved device model state to start from, once: it belongs to a guest whose memory is restored too. When that guest boots anew, its device model starts afresh (status.restoredFrom).
   */
  readonly restoreFrom?: {
    /**
     * Path in dom0 of the state file. Below /var/lib/xen it is looked for before the stub domain is made.
     */
    readonly path: string;
  };
  /**
   * What deleting the StubDomain does. Destroy ends the stub domain and removes what was written for it; Orphan leaves everything running and forgets it.
   */
  readonly deletionPolicy: 'Destroy' | 'Orphan';
}

/**
 * What was observed. Written by the operator alone.
 */
export interface StubDomainStatus {
  /**
   * The generation of the spec that the agent acted on last.
   */
  readonly observedGeneration?: number;
  /**
   * The XenHost that has it, chosen by the controller.
   */
  readonly nodeName?: string;
  /**
   * A summary for people. Programs read the conditions.
   */
  readonly phase?:
    | 'Pending'
    | 'Wiring'
    | 'Starting'
    | 'Running'
    | 'Pausing'
    | 'Paused'
    | 'Resuming'
    | 'Failed'
    | 'Deleting'
    | 'Unknown';
  /**
   * Domain id of the stub domain on its host.
   */
  readonly domid?: number;
  /**
   * UUID of the stub domain. Another one means that it was made anew.
   */
  readonly uuid?: string;
  /**
   * Domain id of the guest on its host.
   */
  readonly targetDomid?: number;
  /**
   * What the device model said last. Unrecognised stands for anything that is not one of the known words.
   */
  readonly state?:
    | 'running'
    | 'paused'
    | 'pci-inserted'
    | 'pci-removed'
    | 'pci-insert-failed'
    | 'usb-added'
    | 'usb-deleted'
    | 'Absent'
    | 'Unrecognised';
  /**
   * The PV disks, in order.
   */
  readonly disks?: {
    /**
     * Name of the disk in the spec.
     */
    readonly name: string;
    /**
     * Name of the PV disk in the stub domain.
     */
    readonly vdev: string;
    /**
     * State of the back end.
     */
    readonly state?: string;
  }[];
  /**
   * The PV network interfaces, in order.
   */
  readonly nics?: {
    /**
     * Name of the interface in the spec.
     */
    readonly name: string;
    /**
     * Number of the PV interface in the stub domain.
     */
    readonly index: number;
    /**
     * State of the back end.
     */
    readonly state?: string;
  }[];
  /**
   * The stub domain's consoles.
   */
  readonly consoles?: {
    /**
     * Number of the console.
     */
    readonly index: number;
    /**
     * What it is for.
     */
    readonly role: 'Log' | 'Save' | 'Restore' | 'Serial';
    /**
     * Where it goes in dom0.
     */
    readonly output?: string;
  }[];
  /**
   * The display.
   */
  readonly graphics?: {
    /**
     * Address and port of the display, on the host.
     */
    readonly address?: string;
  };
  /**
   * PCI devices that the guest has, by their address on the host.
   */
  readonly pciDevices?: {
    /**
     * Address on the host (BDF).
     */
    readonly address: string;
    /**
     * Slot and function in the guest, as 0xNN.
     */
    readonly virtualDeviceFunction?: string;
    /**
     * Name of the PciAttachment.
     */
    readonly attachment?: string;
  }[];
  /**
   * The file of spec.restoreFrom, when it was started from. It does not count any more.
   */
  readonly restoredFrom?: string;
  /**
   * Where the device model's state was saved when it was paused last. Absent if there was no such file, or not the one that was to be written.
   */
  readonly savedState?: {
    /**
     * Path in dom0.
     */
    readonly path: string;
    /**
     * When the device model said that it was paused.
     */
    readonly time: string;
    /**
     * Size of the file when it was looked at, after the pause.
     */
    readonly sizeBytes?: number;
  };
  /**
   * The last command given to the device model.
   */
  readonly command?: {
    /**
     * The word that was sent.
     */
    readonly name?: 'save' | 'continue' | 'pci-ins' | 'pci-rem';
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
   * Ready, Scheduled, HostReachable, TargetFound, DevicesWired, DeviceModelRunning, Paused, ChannelIdle, Stalled.
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
export interface StubDomain {
  readonly apiVersion: 'stubdom.io/v1alpha1';
  readonly kind: 'StubDomain';
  readonly metadata: ObjectMeta;
  readonly spec: StubDomainSpec;
  readonly status?: StubDomainStatus;
}
