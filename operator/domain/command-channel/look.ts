import type { Snapshot } from '../snapshot.ts';
import type { ChannelPhase, ChannelTimeouts } from './channel.ts';
import { type Stepped, step, unseenChannel } from './machine.ts';

/** The step that the command channel takes on what a pass saw; undefined without a stub domain. */
export function lookAtChannel({ channel, memory, now }: Snapshot, timeouts?: ChannelTimeouts): Stepped | undefined {
  if (channel === undefined) return undefined;
  return step(memory.channel ?? unseenChannel, { kind: 'look', view: channel, now }, timeouts);
}

/** Where the command channel stands, if there is a stub domain. */
export function channelPhase(snapshot: Snapshot, timeouts?: ChannelTimeouts): ChannelPhase | undefined {
  const phase = lookAtChannel(snapshot, timeouts)?.state.phase;
  return phase?.kind === 'unseen' ? undefined : phase;
}
