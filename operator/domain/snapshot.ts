import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { StubDomain } from '../api/generated/stub-domain.ts';
import type { ChannelView } from './command-channel/channel.ts';
import type { ChannelState } from './command-channel/machine.ts';
import type { EnumeratedNote, GuestNote, LastCommandNote, PciNote, Pin, SavedNote, StubNote } from './notes.ts';
import type { PciBackendView } from './pci/backend.ts';
import type { Adoptable } from './stub-domain/adoption.ts';
import type { Wiring } from './stub-domain/drift.ts';

/** The guest, as the hypervisor lists it. */
export interface TargetDomain extends Pin {
  readonly name: string;
}

/** One PV device of the plan and the state of its back end. */
export interface DeviceView {
  readonly kind: 'vbd' | 'vif' | 'vfb' | 'vkbd' | 'console';
  readonly label: string;
  readonly state: number | undefined;
}

/** A PCI device of the host, as far as attaching needs it. */
export interface HostDevice {
  readonly address: string;
  readonly vendorID: string;
  readonly deviceID: string;
  readonly classID: string;
  /** Driver in dom0; absent if none. */
  readonly driver?: string | undefined;
  readonly iommuGroup?: number | undefined;
  /** What dom0 itself needs it for. */
  readonly hostUse?: string | undefined;
}

/** How an earlier try for an object ended, and when it may be tried again. Kept in the agent's memory. */
export interface Attempt {
  readonly reason: string;
  readonly detail?: string;
  readonly count: number;
  readonly retryAt: number;
}

/** What the agent remembers between passes. Losing it costs a second's delay or one more try, never correctness. */
export interface Memory {
  /** Since when the PCI front end has been connected without a change of the back end. */
  readonly frontendConnectedSince?: number;
  /** Where the command channel stands, and since when. */
  readonly channel?: ChannelState;
  /** Since when the stub domain is being deleted, by our own clock: the API server's may go wrong beside it. */
  readonly deletingSince?: number;
  /** The same of attachments whose device is on its way out. By UID. */
  readonly removingSince?: ReadonlyMap<string, number>;
  /** How what is laid out compares with the spec: looked at when an agent starts, when the spec changes, and now and then. */
  readonly wiring?: Wiring;
  /** Since when the device model has been paused. */
  readonly pausedSince?: number;
  /** Since when the PCI back end has been closing. */
  readonly backendClosingSince?: number;
  /** A back end that pciback gives up again is not taken away again before. */
  readonly backendRetryAt?: number;
  /** UUID of the stub domain for which a device was made ready, by address. */
  readonly readied?: ReadonlyMap<string, string>;
  /** By UID of the object. */
  readonly attempts: ReadonlyMap<string, Attempt>;
}

/** All that one pass knows: everything is read before anything is decided. */
export interface Snapshot {
  readonly now: number;
  /** As it counts now; see `withoutSpentRestore`. */
  readonly object: StubDomain | undefined;
  /** Path of spec.restoreFrom, if that does not count any more. */
  readonly spentRestore?: string;
  /** Those that refer to the stub domain and are bound to this host, oldest first. */
  readonly attachments: readonly PciAttachment[];
  readonly target: TargetDomain | undefined;
  /** Domids of the guest and its stub domain, if the hypervisor runs them and XenStore has no node of them. */
  readonly unknownToXenStore?: readonly number[];
  readonly note: StubNote | undefined;
  /** Whether the object that `note` names still exists on this host. */
  readonly noteOwnerExists: boolean;
  /** Whether the stub domain of `note`, whose object is another, was laid out just as the spec of this object asks. */
  readonly notePlanFits?: boolean;
  /** Its `namespace/name`, if it exists. */
  readonly noteOwnerName?: string;
  /** The domain that has the uuid of `note`, if it lives. */
  readonly stub: Pin | undefined;
  /** Domid of a stub domain that serves the target and is not ours. */
  readonly foreignStub: number | undefined;
  /** Who makes stub domains on this host; absent: the agent. */
  readonly stubDomainsMadeBy?: 'agent' | 'toolstack';
  /** The stub domain of `foreignStub`, where it is to be adopted. */
  readonly adoptable?: Adoptable;
  /** A domain that is named as the guest's stub domain lives, and nothing says yet that it serves the guest. */
  readonly stubIsComing?: boolean;
  readonly guestNote?: GuestNote;
  readonly channel: ChannelView | undefined;
  readonly devices: readonly DeviceView[];
  /** Port of the display, if the device model told it. */
  readonly displayPort: number | undefined;
  readonly pciBackend: PciBackendView;
  /** By address. */
  readonly pciNotes: ReadonlyMap<string, PciNote>;
  readonly enumerated: EnumeratedNote | undefined;
  /** Domid in the host's claim of a device, by address. */
  readonly claims: ReadonlyMap<string, number>;
  readonly hostDevices: ReadonlyMap<string, HostDevice>;
  readonly saved: SavedNote | undefined;
  readonly last: LastCommandNote | undefined;
  readonly memory: Memory;
}
