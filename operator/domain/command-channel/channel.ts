import type { Reason } from '../../api/reasons.ts';
import type { InflightNote, LastCommandNote } from '../notes.ts';
import type { DeviceModelState, DeviceModelWord, ParameterReply } from '../untrusted.ts';

/** What the channel looks like now. */
export interface ChannelView {
  readonly inflight: InflightNote | undefined;
  /** Whether both domains are the ones that the note pinned. */
  readonly samePins: boolean;
  /** Whether XenStore names both domains and links them to each other as they were laid out. */
  readonly linked: boolean;
  readonly state: DeviceModelState;
  /** `ours` is the word of the note; without a note every word is foreign. */
  readonly command: 'absent' | 'ours' | 'foreign';
  /** Read in the light of the request of the note, or else of `undecided`. */
  readonly parameter: ParameterReply;
  /** An insert that was given up without an answer, when nothing was sent since: the answer may still come. */
  readonly undecided?: LastCommandNote | undefined;
  /** The last command that was carried out was a `save` of ours: behind an old reply the model stands still. */
  readonly pausedByUs?: boolean;
  /** Somebody else's `pci-ins` waits for a model that, as far as is noted, has not listed its devices yet. */
  readonly foreignInsert?: boolean;
  /** This device model was seen to answer a command without deleting it (the shim of Qubes 4.0, reference §8). */
  readonly keepsCommands?: boolean;
  /** A device model speaks below domain 0, where those before Xen 4.6 have their channel (libxl 1fc3aeb3aa). */
  readonly legacy?: boolean;
}

/** Milliseconds. */
export interface ChannelTimeouts {
  readonly consumption: number;
  readonly completion: number;
  /** An old reply that nobody waits for is left alone for that long: its reader might be slow. */
  readonly stale: number;
  /** After a withdrawal: a device model caught between its two reads could pair the old word with a new parameter. */
  readonly quiet: number;
  /** An answer in unknown words counts when it has stood that long: `state` might still follow, which is written after it. */
  readonly settle: number;
}

/** Reference: consumption is prompt on a live model; libxl gives every reply 60 s, and the first insert is slow. */
export const defaultChannelTimeouts: ChannelTimeouts = {
  consumption: 10_000,
  completion: 60_000,
  stale: 5000,
  quiet: 2000,
  settle: 1000,
};

/** How a command ended, and with that whether it may be sent again. */
export type Conclusion =
  | { readonly outcome: 'Applied'; readonly reason: Reason; readonly vdevfn?: number }
  | { readonly outcome: 'NotApplied'; readonly reason: Reason }
  | { readonly outcome: 'Unknown'; readonly reason: Reason }
  | { readonly outcome: 'Gone'; readonly reason: Reason };

/** Where the channel stands. Times are milliseconds of the agent's own clock. */
export type ChannelPhase =
  /** Nothing under way, and the model would take a command: any when running, `continue` when paused. */
  | { readonly kind: 'idle'; readonly state: 'running' | 'paused' }
  /** The same, but a withdrawn command might still be on its way through the model: nothing is sent before `until`. */
  | { readonly kind: 'quiet'; readonly state: 'running' | 'paused'; readonly until: number }
  /** Nothing of ours under way, but nothing may be sent. `stale`: an old reply stands there. */
  | { readonly kind: 'blocked'; readonly reason: Reason; readonly stale?: DeviceModelWord }
  /** Ours is under way: not taken yet, or taken and not answered. */
  | { readonly kind: 'await'; readonly phase: 'consumption' | 'completion'; readonly deadline: number }
  /** The guest was asked to let a device go. No deadline: only the removal policy ends it. */
  | { readonly kind: 'waitingForGuest'; readonly since: number }
  /** Not taken in time: it is taken back. */
  | { readonly kind: 'withdraw' }
  /**
   * It ended: acknowledged, if the state still is `terminal`, and the outcome is noted. `leftover`: the model left our word
   * in `command`, and it is removed.
   */
  | {
      readonly kind: 'conclude';
      readonly conclusion: Conclusion;
      readonly terminal?: DeviceModelWord;
      readonly leftover?: true;
    }
  /** The answer to an insert that was given up came after all. */
  | { readonly kind: 'adopt'; readonly conclusion: Conclusion; readonly terminal?: DeviceModelWord };
