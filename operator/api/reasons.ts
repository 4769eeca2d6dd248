/** Every condition type and every reason, with what it means. The reference in docs/ is generated from here. */

export interface ConditionTypeInfo {
  readonly writer: 'controller' | 'agent';
  readonly meaning: string;
}

/** The condition types of each kind, in the order in which they stand in the status. */
export const conditionTypes = {
  StubDomain: {
    Ready: { writer: 'agent', meaning: 'The device model answers, and its run state is the desired one.' },
    Scheduled: { writer: 'controller', meaning: 'A host was chosen.' },
    HostReachable: { writer: 'controller', meaning: "The host's agent renews its Lease." },
    TargetFound: { writer: 'agent', meaning: 'The guest runs on the host.' },
    DevicesWired: {
      writer: 'agent',
      meaning: 'Everything the stub domain needs is laid out in XenStore, and the back ends are connected.',
    },
    DeviceModelRunning: { writer: 'agent', meaning: 'The device model said running, and its domain lives.' },
    Paused: { writer: 'agent', meaning: 'The device model saved its state and stands still.' },
    ChannelIdle: { writer: 'agent', meaning: 'No command is under way.' },
    Stalled: { writer: 'agent', meaning: 'Nothing will change until somebody changes something.' },
  },
  PciAttachment: {
    Ready: { writer: 'agent', meaning: 'The guest has the device.' },
    Claimed: { writer: 'controller', meaning: 'The device is reserved for this attachment alone.' },
    BackendReady: {
      writer: 'agent',
      meaning: "The device is in the stub domain's PV back end, and both ends are connected.",
    },
    Inserted: { writer: 'agent', meaning: 'The device model put the device into the guest.' },
    Removing: { writer: 'agent', meaning: 'The device is on its way out.' },
    Stalled: { writer: 'agent', meaning: 'Nothing will change until somebody changes something.' },
  },
  XenHost: {
    Ready: { writer: 'agent', meaning: 'The agent can see and drive the host.' },
    XenStoreConnected: { writer: 'agent', meaning: 'The link to XenStore is up.' },
    HypervisorReady: { writer: 'agent', meaning: 'The hypervisor driver answers.' },
    Schedulable: { writer: 'controller', meaning: 'Further stub domains may be placed on the host.' },
    Drained: { writer: 'controller', meaning: 'spec.drain asks for an empty host, and no StubDomain is bound to it.' },
    Fenced: {
      writer: 'controller',
      meaning:
        'An administrator said that the host is dead, and its Lease has run out: what was bound to it is released.',
    },
  },
} as const satisfies Record<string, Record<string, ConditionTypeInfo>>;

export type StubDomainConditionType = keyof typeof conditionTypes.StubDomain;
export type PciAttachmentConditionType = keyof typeof conditionTypes.PciAttachment;
export type XenHostConditionType = keyof typeof conditionTypes.XenHost;

/** Why a condition is as it is. CamelCase, stable, safe to match in programs. */
export const reasons = {
  AsDesired: 'Everything is as the spec asks.',
  AwaitingController: 'The controller has not looked yet.',
  AwaitingAgent: 'The agent of the host has not looked yet.',
  NotScheduled: 'No host was chosen yet.',
  Scheduled: 'A host was chosen.',
  NoSuchHost: 'spec.nodeName names a host that is not registered.',
  HostUnschedulable: 'The host takes no further stub domains.',
  HostDraining: 'The host shall become empty (spec.drain) and takes no further stub domains.',
  HostFenced: 'An administrator said that the host is dead.',
  NoMatchingHost: 'No host has the labels, memory and devices that are asked for.',
  GuestOnSeveralHosts: 'More than one host reports the guest.',
  GuestElsewhere: 'The guest runs on another host than the one that was chosen.',
  ReconcilePaused: 'The annotation stubdom.io/paused is there: nothing is changed until it is removed.',
  Schedulable: 'The host takes further stub domains.',
  NotDraining: 'Nobody asked for an empty host.',
  StubDomainsRemain: 'The host shall become empty, and StubDomains are bound to it.',
  Drained: 'The host shall become empty, and no StubDomain is bound to it.',
  NotFenced: 'Nobody said that the host is dead.',
  FenceUnexplained: 'The annotation that fences the host gives no reason, so that nothing is released.',
  FenceRefused: 'Somebody said that the host is dead, and its Lease has not run out: nothing is released.',
  Fenced: 'The host is dead, as an administrator said; what was bound to it is released.',
  TargetNotFound: 'No guest with the uuid of spec.target runs there.',
  TargetNameMismatch: 'The guest with this uuid has another name than spec.target.name.',
  TargetFound: 'The guest runs.',
  TargetTaken: 'Another StubDomain serves this guest already.',
  NoMemory: 'The host has not enough free memory.',
  NoStubDomain: 'Nobody has made a stub domain for the guest, so that there is none to adopt.',
  FlavorMismatch: 'The stub domain runs another kind of device model than spec.flavor says.',
  GuestStarting: "The host's toolstack was asked to start the guest.",
  GuestFailed: "The host's toolstack could not start or end the guest.",
  LeaseFresh: "The host's agent renewed its Lease lately.",
  LeaseExpired: "The host's agent has not renewed its Lease for too long; what it said last may be wrong by now.",
  LeaseMissing: 'The host has no Lease yet.',
  HostUnreachable: 'The agent of the host is out of reach, so nobody knows.',
  XenStoreDisconnected: 'The agent has no link to XenStore.',
  HypervisorFailed: 'The hypervisor refused or did not answer.',
  Unsupported: 'The spec asks for something that is not acted upon yet.',
  InvalidSpec: 'The spec is not valid; the API server should have refused it.',
  Wiring: 'The stub domain is being laid out.',
  Wired: 'Everything is laid out and connected.',
  BackendsConnecting: 'A back end is not connected yet.',
  Drifted: 'Something in XenStore is not as it was laid out.',
  RestartNeeded:
    'The spec was changed since the stub domain was started; it takes effect when the guest is started anew.',
  Starting: 'The stub domain was started and has not said running yet.',
  StartTimeout: 'The stub domain was started and has not said running for too long.',
  Running: 'The device model runs.',
  NotRunning: 'The device model does not run.',
  DomainDied: 'The stub domain is gone and will be made again.',
  Paused: 'The device model saved its state and stands still.',
  NotPaused: 'The device model is not paused.',
  Pausing: 'The device model was asked to save its state and pause.',
  Resuming: 'The device model was asked to go on.',
  PauseFailed: 'The device model did not pause.',
  ResumeFailed: 'The device model did not go on.',
  PausedByOther: 'Another program paused the device model; it is left alone for a while.',
  GuestSuspended: 'Another program saves or migrates the guest; its device model is left alone meanwhile.',
  SaveFileMissing: 'The device model said that it saved its state, and there is no file.',
  SaveFileEmpty: 'The device model said that it saved its state, and the file is empty.',
  SaveFileStale: 'The device model said that it saved its state, and the file is an older one.',
  RestoreFileMissing: 'The state to start from is not there, or is empty.',
  XenStoreEmpty: 'XenStore has nothing about domains that run: its daemon was restarted empty.',
  Idle: 'No command is under way.',
  CommandInFlight: 'A command of ours is under way.',
  ForeignCommand: 'Somebody else gave the device model a command.',
  StaleState: 'An old reply stands in the channel.',
  CommandContested:
    'Another program gave the device model a command at the same time, so that nobody can tell whose answer came.',
  CommandNotDeleted:
    'The device model answers commands without deleting them, so that nobody can tell whether it took one; it is not driven.',
  LegacyLayout: 'The device model has its command channel below domain 0, as before Xen 4.6; it is not driven.',
  UnrecognisedState: 'The device model says something that is no known word.',
  Progressing: 'Things are on their way.',
  NotStalled: 'Nothing stands in the way for good.',
  Deleting: 'The object is being deleted.',
  Claimed: 'The device is reserved for this attachment.',
  DeviceNotFound: 'The host has no such device.',
  NoMatchingDevice: 'No free device of the host matches the selector.',
  DeviceClaimed: 'Another attachment has the device.',
  DeviceDenied: "The host's policy does not give this device away.",
  DeviceNotAssignable: 'The device is bound to a driver of dom0, and driverPolicy does not allow to seize it.',
  DeviceInUse: 'Something outside this operator has the device.',
  IommuGroupShared:
    'The device shares its IOMMU group with one that the host, or another guest, uses; they can only go together.',
  DeviceChanged: 'Another device than the one that was claimed is at its address now.',
  SegmentClash:
    'The guest has a device that differs only in the PCI segment, which the device model cannot tell apart.',
  StubDomainNotFound: 'There is no StubDomain of that name.',
  StubDomainNotScheduled: 'The StubDomain has no host yet.',
  StubDomainNotReady: 'The device model does not run, so nothing can be inserted now.',
  StubDomainPaused: 'The device model is paused; devices are inserted when it runs again.',
  BackendReady: 'The device is in the PV back end, and both ends are connected.',
  BackendPending: 'The PV back end is not ready yet.',
  EnumerationStale:
    'The stub domain lists its PCI devices only once, and had done so before this one came; it must be started anew.',
  Inserted: 'The device model put the device into the guest.',
  Inserting: 'The device model was asked to insert the device.',
  NotInserted: 'The device is not in the guest.',
  NoFreeSlot: 'The guest has no free slot.',
  SlotBusy: 'The slot that was asked for is taken.',
  InsertRefused: 'The device model refused the device.',
  InsertFailed: 'The device model refused the device without a known reason.',
  FunctionTaken: 'Another device has, or is to have, the same function of the same slot in the guest.',
  FunctionZeroMissing: 'Nothing is at function 0 of the slot, without which the guest sees none of its functions.',
  FunctionZeroFirst:
    'Function 0 was in the guest before this function came; the guest looks at the slot again when function 0 is inserted anew.',
  NotOneCard: 'The functions of one slot in the guest have to be functions of one card of the host.',
  UnitIncomplete: 'The functions of a slot are inserted together or not at all, and another one is not ready.',
  InsertUnknown:
    'The device model took the command and gave no clear answer; it is not sent again, since that could insert the device twice.',
  NotDelivered: 'The device model did not take the command in time; it was withdrawn.',
  NotRemoving: 'Nobody asked to remove the device.',
  Removing: 'The device model was asked to remove the device.',
  WaitingForGuest: 'The guest was asked to let the device go and has not done so yet.',
  ForceUnexplained: 'The annotation that forces a removal gives no reason, so that nothing is forced.',
  LeavesWithFunctionZero:
    'A function other than 0 cannot leave the guest alone; it leaves with function 0 of its slot.',
  WaitingForOther: 'Another device is being removed from the guest; nothing is inserted or removed meanwhile.',
  Queued: 'Another command is under way on this device model.',
  Gone: 'The domain or the device is gone.',
  XenStoreConnected: 'The link is up.',
  HypervisorReady: 'The driver answers.',
} as const satisfies Record<string, string>;

export type Reason = keyof typeof reasons;
