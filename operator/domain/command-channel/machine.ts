import type { InflightNote, LastCommandNote } from '../notes.ts';
import type { DeviceModelWord } from '../untrusted.ts';
import {
  type ChannelPhase,
  type ChannelTimeouts,
  type ChannelView,
  type Conclusion,
  defaultChannelTimeouts,
} from './channel.ts';
import { type Reply, lateReply, overdue, replyTo } from './reply.ts';

/**
 * The command channel of one device model as a pure state machine; docs/command-channel.md has its diagram and a paragraph
 * for each phase. What must outlive a crash is in XenStore, in the note of the command under way, and comes back with every
 * look; the state here holds times alone, and losing it costs a delay.
 */
export interface ChannelState {
  readonly phase: ChannelPhase | { readonly kind: 'unseen' };
  /** The command under way, and since when this agent has known of it. */
  readonly known?: { readonly id: string; readonly since: number };
  readonly stale?: { readonly word: DeviceModelWord; readonly since: number };
  readonly quietUntil?: number;
  /** Since when an answer has stood that might be half of another. */
  readonly unsettledSince?: number;
}

export const unseenChannel: ChannelState = { phase: { kind: 'unseen' } };

/** `now`: milliseconds of a clock that nobody sets back, near the time since the epoch. */
export type ChannelInput =
  | { readonly kind: 'look'; readonly view: ChannelView; readonly now: number }
  /** Somebody wants a command sent. */
  | { readonly kind: 'request'; readonly note: InflightNote; readonly now: number }
  /** An effect was carried out. */
  | { readonly kind: 'committed'; readonly effect: ChannelCommit; readonly now: number };

/** A change of XenStore that the channel asks for; `channelTransaction` is its text. */
export type ChannelCommit =
  | { readonly do: 'submit'; readonly note: InflightNote }
  | { readonly do: 'withdraw'; readonly note: InflightNote }
  | {
      readonly do: 'conclude';
      readonly note: InflightNote;
      readonly conclusion: Conclusion;
      readonly terminal?: DeviceModelWord;
      readonly leftover?: true;
    }
  | {
      readonly do: 'adopt';
      readonly last: LastCommandNote;
      readonly conclusion: Conclusion;
      readonly terminal?: DeviceModelWord;
    }
  /** Write `running` over an old reply that nobody waits for. */
  | { readonly do: 'repair'; readonly stale: DeviceModelWord };

export type ChannelEffect = ChannelCommit | { readonly do: 'wake'; readonly at: number };

export interface Stepped {
  readonly state: ChannelState;
  readonly effects: readonly ChannelEffect[];
}

function withoutNote(view: ChannelView, quietUntil: number | undefined): ChannelPhase {
  if (!view.linked) return { kind: 'blocked', reason: 'Drifted' };
  if (view.keepsCommands === true) return { kind: 'blocked', reason: 'CommandNotDeleted' };
  if (view.command !== 'absent') return { kind: 'blocked', reason: 'ForeignCommand' };
  const late = view.undecided === undefined ? undefined : lateReply(view);
  if (late !== undefined) return { kind: 'adopt', ...late };
  const { state } = view;
  switch (state) {
    case 'running':
    case 'paused':
      return quietUntil === undefined ? { kind: 'idle', state } : { kind: 'quiet', state, until: quietUntil };
    case 'Absent':
      return { kind: 'blocked', reason: view.legacy === true ? 'LegacyLayout' : 'Starting' };
    case 'Unrecognised':
      return { kind: 'blocked', reason: 'UnrecognisedState' };
    default:
      return { kind: 'blocked', reason: 'StaleState', stale: state };
  }
}

function untaken(note: InflightNote, view: ChannelView): ChannelPhase {
  // A reply before the command was taken is stale or forged, and counts for nothing while the command can still be taken.
  // When it still stands there at the end, taking the command back would undo nothing: this model keeps commands.
  if (replyTo(note.command, view) === undefined) return { kind: 'withdraw' };
  return { kind: 'conclude', conclusion: { outcome: 'Unknown', reason: 'CommandNotDeleted' }, leftover: true };
}

interface Times {
  /** Since when the command has been known. */
  readonly since: number;
  readonly unsettledSince: number | undefined;
  readonly now: number;
}

function ended({ conclusion, terminal }: Reply): ChannelPhase {
  return { kind: 'conclude', conclusion, ...(terminal === undefined ? {} : { terminal }) };
}

function withNote(
  note: InflightNote,
  view: ChannelView,
  { since, unsettledSince, now }: Times,
  timeouts: ChannelTimeouts,
): ChannelPhase {
  if (!view.samePins) return { kind: 'conclude', conclusion: { outcome: 'Gone', reason: 'Gone' } };
  if (view.command === 'ours') {
    const deadline = since + timeouts.consumption;
    return now < deadline ? { kind: 'await', phase: 'consumption', deadline } : untaken(note, view);
  }
  const reply = replyTo(note.command, view);
  const settled = unsettledSince === undefined ? now : unsettledSince + timeouts.settle;
  if (reply !== undefined && now >= settled) return ended(reply);
  if (note.command === 'pci-rem') return { kind: 'waitingForGuest', since };
  const deadline = Math.min(since + timeouts.completion, reply === undefined ? Infinity : settled);
  if (now < deadline) return { kind: 'await', phase: 'completion', deadline };
  return { kind: 'conclude', conclusion: overdue(note.command) };
}

function effectsOf(state: ChannelState, view: ChannelView, now: number, timeouts: ChannelTimeouts): ChannelEffect[] {
  const { phase, stale } = state;
  const note = view.inflight;
  switch (phase.kind) {
    case 'await':
      return [{ do: 'wake', at: phase.deadline }];
    case 'quiet':
      return [{ do: 'wake', at: phase.until }];
    case 'withdraw':
      return note === undefined ? [] : [{ do: 'withdraw', note }];
    case 'conclude': {
      const { kind: _, ...ended } = phase;
      return note === undefined ? [] : [{ do: 'conclude', note, ...ended }];
    }
    case 'adopt': {
      const { kind: _, ...came } = phase;
      return view.undecided === undefined ? [] : [{ do: 'adopt', last: view.undecided, ...came }];
    }
    case 'blocked': {
      if (stale === undefined) return [];
      const due = stale.since + timeouts.stale;
      return now < due ? [{ do: 'wake', at: due }] : [{ do: 'repair', stale: stale.word }];
    }
    default:
      return [];
  }
}

/** A command of another life is as old as it says; one that appears before our eyes is new, whatever the wall clock says. */
function knownSince(state: ChannelState, note: InflightNote, now: number): number {
  if (state.known?.id === note.id) return state.known.since;
  return state.phase.kind === 'unseen' ? Math.min(note.sentAt, now) : now;
}

function isUnsettled(note: InflightNote | undefined, view: ChannelView): boolean {
  return note !== undefined && view.command !== 'ours' && replyTo(note.command, view)?.unsettled === true;
}

function look(state: ChannelState, view: ChannelView, now: number, timeouts: ChannelTimeouts): Stepped {
  const note = view.inflight;
  const quietUntil = state.quietUntil !== undefined && now < state.quietUntil ? state.quietUntil : undefined;
  const since = note === undefined ? now : knownSince(state, note, now);
  const unsettledSince = isUnsettled(note, view) ? (state.unsettledSince ?? now) : undefined;
  const times = { since, unsettledSince, now };
  const phase = note === undefined ? withoutNote(view, quietUntil) : withNote(note, view, times, timeouts);
  const word = phase.kind === 'blocked' ? phase.stale : undefined;
  const staleSince = word !== undefined && state.stale?.word === word ? state.stale.since : now;
  const next: ChannelState = {
    phase,
    ...(note === undefined ? {} : { known: { id: note.id, since } }),
    ...(word === undefined ? {} : { stale: { word, since: staleSince } }),
    ...(quietUntil === undefined ? {} : { quietUntil }),
    ...(unsettledSince === undefined ? {} : { unsettledSince }),
  };
  return { state: next, effects: effectsOf(next, view, now, timeouts) };
}

/** Whether the model takes the command in this phase. */
export function takes(phase: ChannelState['phase'], { command }: Pick<InflightNote, 'command'>): boolean {
  return phase.kind === 'idle' && phase.state === stateFor({ command });
}

function committed(state: ChannelState, effect: ChannelCommit, now: number, timeouts: ChannelTimeouts): ChannelState {
  switch (effect.do) {
    case 'submit':
      return {
        phase: { kind: 'await', phase: 'consumption', deadline: now + timeouts.consumption },
        known: { id: effect.note.id, since: now },
      };
    case 'withdraw': {
      const until = now + timeouts.quiet;
      return { phase: { kind: 'quiet', state: stateFor(effect.note), until }, quietUntil: until };
    }
    // What comes next is seen at the next look.
    case 'conclude':
    case 'adopt':
    case 'repair':
      return { phase: state.phase, ...(state.quietUntil === undefined ? {} : { quietUntil: state.quietUntil }) };
  }
}

/** The state in which the device model takes the command. */
export function stateFor({ command }: Pick<InflightNote, 'command'>): 'running' | 'paused' {
  return command === 'continue' ? 'paused' : 'running';
}

/**
 * One step of the channel. At most one effect: a change of XenStore, or the time at which to look again if nothing happens
 * before. A request in a phase that does not take it has no effect.
 */
export function step(state: ChannelState, input: ChannelInput, timeouts = defaultChannelTimeouts): Stepped {
  switch (input.kind) {
    case 'look':
      return look(state, input.view, input.now, timeouts);
    case 'request':
      return { state, effects: takes(state.phase, input.note) ? [{ do: 'submit', note: input.note }] : [] };
    case 'committed':
      return { state: committed(state, input.effect, input.now, timeouts), effects: [] };
  }
}
