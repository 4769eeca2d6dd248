import type { InflightNote, LastCommandNote } from '../notes.ts';
import type { DeviceModelWord } from '../untrusted.ts';
import { type ChannelTimeouts, type ChannelView, type Conclusion, defaultChannelTimeouts } from './channel.ts';
import { type ChannelState, remember } from './memory.ts';
import { phaseOf } from './phase.ts';

export { type ChannelState, unseenChannel } from './memory.ts';

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
  /** Write what the model is in over an old reply that nobody waits for. */
  | { readonly do: 'repair'; readonly stale: DeviceModelWord; readonly steady: 'running' | 'paused' }
  /** Note that somebody else's insert had the stub domain list its devices. */
  | { readonly do: 'noteListing' };

export type ChannelEffect = ChannelCommit | { readonly do: 'wake'; readonly at: number };

export interface Stepped {
  readonly state: ChannelState;
  readonly effects: readonly ChannelEffect[];
}

function blockedEffects(
  { phase, stale, steady = 'running', foreignAt }: ChannelState,
  view: ChannelView,
  now: number,
  timeouts: ChannelTimeouts,
): ChannelEffect[] {
  if (view.foreignInsert === true) return [{ do: 'noteListing' }];
  if (foreignAt !== undefined)
    return view.command === 'absent' ? [{ do: 'wake', at: foreignAt + timeouts.completion }] : [];
  if (stale === undefined || phase.kind !== 'blocked' || phase.reason !== 'StaleState') return [];
  const due = stale.since + timeouts.stale;
  return now < due ? [{ do: 'wake', at: due }] : [{ do: 'repair', stale: stale.word, steady }];
}

function effectsOf(state: ChannelState, view: ChannelView, now: number, timeouts: ChannelTimeouts): ChannelEffect[] {
  const { phase } = state;
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
    case 'blocked':
      return blockedEffects(state, view, now, timeouts);
    default:
      return [];
  }
}

function look(before: ChannelState, view: ChannelView, now: number, timeouts: ChannelTimeouts): Stepped {
  const memory = remember(before, view, now, timeouts);
  const state = { ...memory, phase: phaseOf(view, memory, now, timeouts) };
  return { state, effects: effectsOf(state, view, now, timeouts) };
}

/** The state in which the device model takes the command. */
export function stateFor({ command }: Pick<InflightNote, 'command'>): 'running' | 'paused' {
  return command === 'continue' ? 'paused' : 'running';
}

function committed(state: ChannelState, effect: ChannelCommit, now: number, timeouts: ChannelTimeouts): ChannelState {
  switch (effect.do) {
    case 'submit': {
      const deadline = now + timeouts.consumption;
      return { phase: { kind: 'await', phase: 'consumption', deadline }, known: { id: effect.note.id, since: now } };
    }
    case 'withdraw': {
      const until = now + timeouts.quiet;
      return { phase: { kind: 'quiet', state: stateFor(effect.note), until }, quietUntil: until };
    }
    // What comes next is seen at the next look.
    case 'conclude':
    case 'adopt':
    case 'repair':
    case 'noteListing':
      return state;
  }
}

/**
 * The command channel of one device model as a pure state machine; docs/command-channel.md has its diagram and a paragraph
 * for each phase. At most one effect: a change of XenStore, or the time at which to look again if nothing happens before. A
 * request in a phase that does not take it has no effect.
 */
export function step(state: ChannelState, input: ChannelInput, timeouts = defaultChannelTimeouts): Stepped {
  switch (input.kind) {
    case 'look':
      return look(state, input.view, input.now, timeouts);
    case 'request': {
      const { phase } = state;
      const takes = phase.kind === 'idle' && phase.state === stateFor(input.note);
      return { state, effects: takes ? [{ do: 'submit', note: input.note }] : [] };
    }
    case 'committed':
      return { state: committed(state, input.effect, input.now, timeouts), effects: [] };
  }
}
