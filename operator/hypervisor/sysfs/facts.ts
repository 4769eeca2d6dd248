import type { PciDevice } from '../hypervisor.ts';

/** What was read of a host: plain facts, from which `hostUses` tells what dom0 needs each PCI device for. */
export interface HostFacts {
  readonly devices: readonly PciFacts[];
  readonly blocks: readonly BlockFacts[];
  readonly mounts: readonly MountFacts[];
  readonly swaps: readonly string[];
  /** `major:minor` of disks that a back end serves to guests. */
  readonly servedDisks: readonly string[];
  /** Names of block devices that a btrfs of several devices has. */
  readonly btrfsMembers: readonly string[];
  readonly interfaces: readonly InterfaceFacts[];
  /** Interfaces with a default route. */
  readonly defaultRoutes: readonly string[];
  /** Interfaces with an address or another route. */
  readonly addressed: readonly string[];
  /** Consoles of the kernel and frame buffers. */
  readonly consoles: readonly ConsoleFacts[];
  /** What could not be read, or not be understood. */
  readonly doubts: readonly Doubt[];
}

/** A PCI device, and what tells whether dom0 needs it. */
export interface PciFacts extends Omit<PciDevice, 'hostUse'> {
  /** Canonical path, through all bridges above. */
  readonly path: string;
  readonly bootGraphics: boolean;
  /** Whether SR-IOV functions of it are enabled. */
  readonly hasVirtualFunctions: boolean;
  /** Attributes that are there and make no sense. */
  readonly unreadable: readonly string[];
}

/** A disk, partition, or what is made of them (device mapper, md, bcache, loop). */
export interface BlockFacts {
  readonly name: string;
  /** `major:minor`. */
  readonly number: string;
  /** Canonical paths: its own, and those of the controllers that a multipath NVMe disk hangs on. */
  readonly paths: readonly string[];
  /** Names of the block devices that it lies on. */
  readonly slaves: readonly string[];
  /** Name below /dev/mapper, if it has one. */
  readonly mapperName?: string;
  /** What it makes of its slaves, in two words, if it has any. */
  readonly words: string;
}

export interface MountFacts {
  /** `major:minor`; major 0 if the file system is on no single block device. */
  readonly number: string;
  readonly point: string;
  readonly type: string;
  readonly source: string;
}

export interface InterfaceFacts {
  readonly name: string;
  readonly path: string;
  /** What it is part of: bridges, bonds, VLANs and the like. */
  readonly uppers: readonly string[];
  /** DEVTYPE of its uevent: bridge, bond, vlan… */
  readonly kind: string;
}

export interface ConsoleFacts {
  /** In two words, e.g. `console ttyS4`. */
  readonly words: string;
  readonly path: string;
}

/** `about`: whose uses may be incomplete. `why` in a few words, without anything from outside but errno names. */
export interface Doubt {
  readonly about: 'disks' | 'nics' | 'consoles';
  readonly why: string;
}
