import type { ChannelCommit } from './command-channel/machine.ts';
import type { CommandName, LastCommandNote, Pin } from './notes.ts';
import type { ForcedRemoval } from './pci/force-removal.ts';

/** A device, and the UID of the attachment that it is for. */
export interface DeviceOf {
  readonly uid: string;
  readonly address: string;
}

/** One thing to do now. Each is idempotent: done again after a crash, it finds its work done. */
export type Step =
  | { readonly do: 'addFinalizer'; readonly kind: 'StubDomain' | 'PciAttachment'; readonly uid: string }
  | { readonly do: 'removeFinalizer'; readonly kind: 'StubDomain' | 'PciAttachment'; readonly uid: string }
  /** Note the uuid of a stub domain that will be made. */
  | { readonly do: 'intend' }
  /** Make the domain, and write the whole plan in one transaction. */
  | { readonly do: 'build' }
  | { readonly do: 'start' }
  /** Have the toolstack of the host make the guest and its stub domain. */
  | { readonly do: 'createGuest' }
  /** Let the guest run that was made. */
  | { readonly do: 'startGuest' }
  /** End the guest that was made. */
  | { readonly do: 'endGuest' }
  /** Note a stub domain that another toolstack made as the one to drive. */
  | { readonly do: 'adoptDomain' }
  /** Write again what of the plan is missing or was changed. */
  | { readonly do: 'rewire'; readonly paths: readonly string[] }
  /** End the stub domain, take its devices back, and remove what was written for it. */
  | {
      readonly do: 'teardown';
      readonly because: 'deleted' | 'targetGone' | 'targetRestarted' | 'domainDied' | 'orphanNote';
    }
  /** Become the owner of a stub domain that runs as the spec asks, and whose own object is gone. */
  | { readonly do: 'takeOver' }
  /** The same of a device in the guest, for the attachment with this UID. */
  | { readonly do: 'handOver'; readonly uid: string; readonly address: string }
  /** Remove what is noted of a guest for which there is no stub domain. */
  | { readonly do: 'sweep' }
  /** Leave everything running and remove the notes. */
  | { readonly do: 'forget' }
  | {
      readonly do: 'send';
      readonly command: CommandName;
      readonly parameter: string;
      readonly owner: string;
      readonly address?: string;
    }
  /** Look at the file that the device model says it saved, and note what it is worth. */
  | { readonly do: 'checkSaved'; readonly by: LastCommandNote }
  /** Note that somebody else ended our pause. */
  | { readonly do: 'pauseOver'; readonly by: LastCommandNote }
  /** What the command channel asks for. */
  | Exclude<ChannelCommit, { readonly do: 'submit' }>
  /** Do not wait for the guest, or no longer. Not `forced`: the guest was never told of the device. */
  | { readonly do: 'abandonRemoval'; readonly address: string; readonly forced?: ForcedRemoval }
  /** Reserve the devices in XenStore, and put those into the back end that pciback has already. */
  | { readonly do: 'claim'; readonly devices: readonly DeviceOf[] }
  /** Make it assignable, reset it, and give the stub domain its grants. */
  | { readonly do: 'ready'; readonly uid: string; readonly address: string }
  /** Take the grants of the last device back, and have pciback close the back end. */
  | { readonly do: 'closeBackend'; readonly address: string }
  /** Take a back end away that pciback gave up. */
  | { readonly do: 'dropBackend' }
  /** Put them into the back end. */
  | { readonly do: 'enlist'; readonly devices: readonly DeviceOf[] }
  /** Give the guest its grants after the insert. */
  | { readonly do: 'grant'; readonly address: string }
  /** It left the guest with its slot, and is wanted there again: take the guest's grants back and begin anew. */
  | { readonly do: 'rearm'; readonly address: string }
  /** Take the grants back and begin to take the device out of the back end. */
  | { readonly do: 'revoke'; readonly address: string }
  /** Drop the back end entry, reset, give the device back, and remove claim and note. `forced`: whatever the back end says. */
  | {
      readonly do: 'release';
      readonly address: string;
      readonly quarantine: boolean;
      readonly forced?: ForcedRemoval;
    };

/** What a pass comes to: something to do, or nothing until a change or `wakeAt` (milliseconds since the epoch). */
export type Plan = { readonly step: Step } | { readonly step: undefined; readonly wakeAt: number | undefined };

export type { Pin };
