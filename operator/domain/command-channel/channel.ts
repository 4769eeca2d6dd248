import type { Reason } from '../../api/reasons.ts';
import type { CommandName, InflightNote } from '../notes.ts';
import type { DeviceModelState, DeviceModelWord, ParameterReply } from '../untrusted.ts';

/**
 * The command channel as a pure function: what is seen in it, and what to do next. Everything it needs to go on after a
 * crash is in XenStore: the note of the command under way, and the nodes that both sides write.
 *
 *   idle ──send──▶ sent ──the model deletes `command`──▶ consumed ──reply──▶ concluded ──acknowledge──▶ idle
 *                   └──not taken in time──▶ withdrawn (both nodes, one transaction) ──▶ idle, after a quiet time
 */

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
  /** Read in the light of the note's request. */
  readonly parameter: ParameterReply;
}

/** Milliseconds. */
export interface ChannelTimeouts {
  readonly consumption: number;
  readonly completion: number;
}

/** Reference: consumption is prompt on a live model; libxl gives every reply 60 s, and the first insert is slow. */
export const defaultChannelTimeouts: ChannelTimeouts = { consumption: 10_000, completion: 60_000 };

/** How a command ended, and with that whether it may be sent again. */
export type Conclusion =
  | { readonly outcome: 'Applied'; readonly reason: Reason; readonly vdevfn?: number }
  | { readonly outcome: 'NotApplied'; readonly reason: Reason }
  | { readonly outcome: 'Unknown'; readonly reason: Reason }
  | { readonly outcome: 'Gone'; readonly reason: Reason };

export type ChannelDecision =
  /** Nothing under way, and the model would take a command: any when running, `continue` when paused. */
  | { readonly kind: 'idle'; readonly state: 'running' | 'paused' }
  /** Nothing of ours under way, but nothing may be sent. */
  | { readonly kind: 'blocked'; readonly reason: Reason; readonly stale?: DeviceModelWord }
  /** Ours is under way; look again at `deadline` (milliseconds since the epoch) if nothing happens before. */
  | { readonly kind: 'await'; readonly phase: 'consumption' | 'completion'; readonly deadline: number }
  /** The guest was asked to let a device go. No deadline: only the removal policy ends it. */
  | { readonly kind: 'waitingForGuest'; readonly since: number }
  /** Not taken in time: take it back. */
  | { readonly kind: 'withdraw' }
  /** It ended: acknowledge, if the state still is `terminal`, and note the outcome. */
  | { readonly kind: 'conclude'; readonly conclusion: Conclusion; readonly terminal?: DeviceModelWord };

function withoutNote(view: ChannelView): ChannelDecision {
  if (!view.linked) return { kind: 'blocked', reason: 'Drifted' };
  if (view.command !== 'absent') return { kind: 'blocked', reason: 'ForeignCommand' };
  switch (view.state) {
    case 'running':
    case 'paused':
      return { kind: 'idle', state: view.state };
    case 'Absent':
      return { kind: 'blocked', reason: 'Starting' };
    case 'Unrecognised':
      return { kind: 'blocked', reason: 'UnrecognisedState' };
    default:
      return { kind: 'blocked', reason: 'StaleState', stale: view.state };
  }
}

const applied = (reason: Reason, vdevfn?: number): Conclusion =>
  vdevfn === undefined ? { outcome: 'Applied', reason } : { outcome: 'Applied', reason, vdevfn };

function insertReply(view: ChannelView): ChannelDecision | undefined {
  const { state, parameter } = view;
  if (state === 'pci-inserted' && parameter.kind === 'vdevfn') {
    return { kind: 'conclude', conclusion: applied('Inserted', parameter.vdevfn), terminal: state };
  }
  if (state === 'pci-insert-failed') {
    return { kind: 'conclude', conclusion: { outcome: 'NotApplied', reason: 'InsertRefused' }, terminal: state };
  }
  // The real failure: a sentence in `parameter`, and `state` untouched (qemu-traditional, hw/piix4acpi.c).
  if (state === 'running' && parameter.kind === 'failure') {
    return { kind: 'conclude', conclusion: { outcome: 'NotApplied', reason: parameter.reason } };
  }
  if (state === 'running' && parameter.kind === 'unrecognised') {
    return { kind: 'conclude', conclusion: { outcome: 'NotApplied', reason: 'InsertFailed' } };
  }
  return undefined;
}

function reply(command: CommandName, view: ChannelView): ChannelDecision | undefined {
  switch (command) {
    case 'pci-ins':
      return insertReply(view);
    case 'pci-rem':
      return view.state === 'pci-removed'
        ? { kind: 'conclude', conclusion: applied('Gone'), terminal: view.state }
        : undefined;
    case 'save':
      return view.state === 'paused' ? { kind: 'conclude', conclusion: applied('Paused') } : undefined;
    case 'continue':
      return view.state === 'running' ? { kind: 'conclude', conclusion: applied('Running') } : undefined;
  }
}

function overdue(command: CommandName): Conclusion {
  switch (command) {
    case 'pci-ins':
      return { outcome: 'Unknown', reason: 'InsertUnknown' };
    case 'pci-rem':
      return { outcome: 'Unknown', reason: 'WaitingForGuest' };
    case 'save':
      return { outcome: 'Unknown', reason: 'PauseFailed' };
    case 'continue':
      return { outcome: 'Unknown', reason: 'ResumeFailed' };
  }
}

function withNote(note: InflightNote, view: ChannelView, now: number, timeouts: ChannelTimeouts): ChannelDecision {
  if (!view.samePins) return { kind: 'conclude', conclusion: { outcome: 'Gone', reason: 'Gone' } };
  if (view.command === 'ours') {
    // A reply that stands there before the command was taken is stale or forged: it counts for nothing.
    const deadline = note.sentAt + timeouts.consumption;
    return now < deadline ? { kind: 'await', phase: 'consumption', deadline } : { kind: 'withdraw' };
  }
  const answered = reply(note.command, view);
  if (answered !== undefined) return answered;
  if (note.command === 'pci-rem') return { kind: 'waitingForGuest', since: note.sentAt };
  const deadline = note.sentAt + timeouts.completion;
  if (now < deadline) return { kind: 'await', phase: 'completion', deadline };
  return { kind: 'conclude', conclusion: overdue(note.command) };
}

/** What to do about the channel, from what is seen in it. `now` is milliseconds since the epoch. */
export function decideChannel(view: ChannelView, now: number, timeouts = defaultChannelTimeouts): ChannelDecision {
  return view.inflight === undefined ? withoutNote(view) : withNote(view.inflight, view, now, timeouts);
}
