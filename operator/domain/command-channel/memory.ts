import type { InflightNote } from '../notes.ts';
import type { DeviceModelWord } from '../untrusted.ts';
import type { ChannelPhase, ChannelTimeouts, ChannelView } from './channel.ts';
import { replyTo } from './reply.ts';

/**
 * What the channel remembers from look to look: times, and what it saw come by. Losing it costs a delay, or the knowledge
 * that somebody else was there; what must outlive a crash is in XenStore. Times are milliseconds of the agent's own clock.
 */
export interface ChannelState {
  readonly phase: ChannelPhase | { readonly kind: 'unseen' };
  /** The command under way, and since when this agent has known of it. `contested`: somebody gave another meanwhile. */
  readonly known?: { readonly id: string; readonly since: number; readonly contested?: true };
  readonly stale?: { readonly word: DeviceModelWord; readonly since: number };
  readonly quietUntil?: number;
  /** Since when an answer has stood that might be half of another. */
  readonly unsettledSince?: number;
  /** When somebody else's command was last seen to wait for the model, if its answer may still come. */
  readonly foreignAt?: number;
  /** What the model last said of itself: what an old reply hides. */
  readonly steady?: 'running' | 'paused';
}

export const unseenChannel: ChannelState = { phase: { kind: 'unseen' } };

export type ChannelMemory = Omit<ChannelState, 'phase'>;

/** A command of another life is as old as it says; one that appears before our eyes is new, whatever the wall clock says. */
function known(state: ChannelState, note: InflightNote, view: ChannelView, now: number): ChannelState['known'] {
  const before = state.known?.id === note.id ? state.known : undefined;
  const since = before?.since ?? (state.phase.kind === 'unseen' ? Math.min(note.sentAt, now) : now);
  const foreign = view.command === 'foreign' || view.parameter.kind === 'foreign';
  const contested = before?.contested === true || foreign;
  return { id: note.id, since, ...(contested ? { contested } : {}) };
}

/** A foreign command that was taken and not answered: its request still stands in `parameter`. */
function foreignAt(state: ChannelState, view: ChannelView, now: number, timeouts: ChannelTimeouts): number | undefined {
  if (view.inflight !== undefined) return undefined;
  if (view.command !== 'absent') return now;
  const before = state.foreignAt;
  if (before === undefined || now >= before + timeouts.completion) return undefined;
  return view.state === 'running' && view.parameter.kind === 'foreign' ? before : undefined;
}

function isUnsettled({ inflight, command, ...view }: ChannelView): boolean {
  return inflight !== undefined && command !== 'ours' && replyTo(inflight.command, view)?.unsettled === true;
}

function steady(state: ChannelState, view: ChannelView): ChannelState['steady'] {
  if (view.state === 'running' || view.state === 'paused') return view.state;
  return state.steady ?? (view.pausedByUs === true ? 'paused' : undefined);
}

function staleWord(view: ChannelView): DeviceModelWord | undefined {
  const { inflight, command, state } = view;
  if (inflight !== undefined || command !== 'absent' || state === 'Absent' || state === 'Unrecognised')
    return undefined;
  return state === 'running' || state === 'paused' ? undefined : state;
}

/** What is remembered after a look. */
export function remember(
  state: ChannelState,
  view: ChannelView,
  now: number,
  timeouts: ChannelTimeouts,
): ChannelMemory {
  const { inflight } = view;
  const word = staleWord(view);
  const memory = {
    known: inflight === undefined ? undefined : known(state, inflight, view, now),
    stale: word === undefined ? undefined : { word, since: state.stale?.word === word ? state.stale.since : now },
    quietUntil: state.quietUntil !== undefined && now < state.quietUntil ? state.quietUntil : undefined,
    unsettledSince: isUnsettled(view) ? (state.unsettledSince ?? now) : undefined,
    foreignAt: foreignAt(state, view, now, timeouts),
    steady: steady(state, view),
  };
  return Object.fromEntries(Object.entries(memory).filter(([, value]) => value !== undefined));
}
