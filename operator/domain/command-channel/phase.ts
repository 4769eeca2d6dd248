import type { InflightNote } from '../notes.ts';
import type { ChannelPhase, ChannelTimeouts, ChannelView } from './channel.ts';
import type { ChannelMemory } from './memory.ts';
import { type Reply, lateReply, overdue, replyTo } from './reply.ts';

function withoutNote(view: ChannelView, { quietUntil, foreignAt }: ChannelMemory): ChannelPhase {
  if (!view.linked) return { kind: 'blocked', reason: 'Drifted' };
  if (view.keepsCommands === true) return { kind: 'blocked', reason: 'CommandNotDeleted' };
  // Taken or not: as long as its answer may come, ours would be taken for it, or its for ours.
  if (foreignAt !== undefined) return { kind: 'blocked', reason: 'ForeignCommand' };
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

/** Where somebody gave another command meanwhile, nobody can tell whose reply it is; so it is not acknowledged either. */
function ended({ command }: InflightNote, { conclusion, terminal }: Reply, contested: boolean): ChannelPhase {
  if (contested && (command === 'pci-ins' || command === 'pci-rem')) {
    return { kind: 'conclude', conclusion: { outcome: 'Unknown', reason: 'CommandContested' } };
  }
  return { kind: 'conclude', conclusion, ...(terminal === undefined ? {} : { terminal }) };
}

function withNote(
  note: InflightNote,
  view: ChannelView,
  { known, unsettledSince }: ChannelMemory,
  now: number,
  timeouts: ChannelTimeouts,
): ChannelPhase {
  if (!view.samePins) return { kind: 'conclude', conclusion: { outcome: 'Gone', reason: 'Gone' } };
  const since = known?.since ?? now;
  if (view.command === 'ours') {
    const deadline = since + timeouts.consumption;
    return now < deadline ? { kind: 'await', phase: 'consumption', deadline } : untaken(note, view);
  }
  const reply = replyTo(note.command, view);
  const settled = unsettledSince === undefined ? now : unsettledSince + timeouts.settle;
  if (reply !== undefined && now >= settled) return ended(note, reply, known?.contested === true);
  if (note.command === 'pci-rem') return { kind: 'waitingForGuest', since };
  const deadline = Math.min(since + timeouts.completion, reply === undefined ? Infinity : settled);
  if (now < deadline) return { kind: 'await', phase: 'completion', deadline };
  return { kind: 'conclude', conclusion: overdue(note.command) };
}

/** Where the channel stands, from what is seen and what is remembered. */
export function phaseOf(
  view: ChannelView,
  memory: ChannelMemory,
  now: number,
  timeouts: ChannelTimeouts,
): ChannelPhase {
  const { inflight } = view;
  return inflight === undefined ? withoutNote(view, memory) : withNote(inflight, view, memory, now, timeouts);
}
