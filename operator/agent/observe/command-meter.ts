import type { InflightNote } from '../../domain/notes.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import type { AgentMetrics, ChannelNode, CommandOutcome } from '../agent-metrics.ts';

/** What is in the channel, raw: to be compared with what was there before, and for nothing else. */
export type RawChannel = Readonly<Record<ChannelNode, Uint8Array | undefined>>;

/** Enough of a value to see that it is another one. */
const gistBytes = 64;

interface Followed {
  /** The command that was under way at the last look, and when it was seen to be taken (milliseconds since the epoch). */
  inflight?: InflightNote | undefined;
  takenAt?: number | undefined;
  /** When the last look was, and when the last one was that did not find the command under way. */
  lookedAt?: number;
  notBefore?: number | undefined;
  /** What was not understood at the last look. */
  readonly rejected: Partial<Record<ChannelNode, string | undefined>>;
}

/**
 * Counts what becomes of commands, from what passes see and from that alone: a command that another life of the agent
 * sent counts too, and nothing is counted that a transaction did not make true.
 */
export class CommandMeter {
  readonly #metrics: AgentMetrics;
  readonly #followed = new Map<string, Followed>();

  constructor(metrics: AgentMetrics) {
    this.#metrics = metrics;
  }

  /** Takes in what a pass saw of the stub domain `key`. */
  look(key: string, seen: Omit<Snapshot, 'memory'>, raw: RawChannel | undefined): void {
    const known = this.#followed.get(key);
    const followed: Followed = known ?? { rejected: {} };
    if (known === undefined) this.#followed.set(key, followed);
    const { channel, now } = seen;
    const before = followed.inflight;
    const inflight = channel?.inflight;
    if (before !== undefined && before.id !== inflight?.id) {
      this.#ended(before, followed.takenAt, seen);
      followed.takenAt = undefined;
    }
    if (before?.id !== inflight?.id) followed.notBefore = followed.lookedAt;
    followed.inflight = inflight;
    followed.lookedAt = now;
    if (inflight !== undefined && channel?.samePins === true && channel.command !== 'ours') {
      if (followed.takenAt === undefined) {
        followed.takenAt = now;
        // At the first look of an agent that found it so, nobody knows when that was.
        if (known !== undefined) this.#metrics.consumed(inflight.command, since(sentAt(inflight, followed, now), now));
      }
    }
    this.#reject(followed, seen, raw);
  }

  /** Nothing is left of the stub domain. */
  forget(key: string): void {
    this.#followed.delete(key);
  }

  #ended(command: InflightNote, takenAt: number | undefined, { last, pciNotes }: Omit<Snapshot, 'memory'>): void {
    const concluded = last?.id === command.id ? last : undefined;
    const device = command.address === undefined ? undefined : pciNotes.get(command.address);
    // Force ends a removal without a conclusion; everything else that does takes the whole channel away.
    const otherwise: CommandOutcome = device?.stage === 'removed' && device.unconfirmed === true ? 'Abandoned' : 'Gone';
    this.#metrics.ended(command.command, concluded?.outcome ?? otherwise);
    if (concluded?.reason === 'NotDelivered') this.#metrics.withdrawn();
    else if (concluded !== undefined && concluded.outcome !== 'Gone' && takenAt !== undefined) {
      this.#metrics.completed(command.command, since(takenAt, concluded.endedAt ?? concluded.finishedAt));
    }
  }

  #reject(followed: Followed, { channel }: Omit<Snapshot, 'memory'>, raw: RawChannel | undefined): void {
    const { inflight } = channel ?? {};
    // Without a device's command under way `parameter` holds what is left of the last one.
    const answers = inflight?.address !== undefined && channel?.command !== 'ours';
    const rejected: Readonly<Record<ChannelNode, boolean>> = {
      state: channel?.state === 'Unrecognised',
      parameter: answers && channel?.parameter.kind === 'unrecognised',
    };
    for (const node of ['state', 'parameter'] as const) {
      const gist = rejected[node] ? gistOf(raw?.[node]) : undefined;
      if (gist !== undefined && gist !== followed.rejected[node]) this.#metrics.rejected(node);
      followed.rejected[node] = gist;
    }
  }
}

/** When the command was sent: by the wall clock, unless that was set since this agent began. */
function sentAt({ sentAt: noted }: InflightNote, { notBefore = noted }: Followed, now: number): number {
  return noted > now ? notBefore : Math.max(noted, notBefore);
}

/** Seconds between two times, of which one may be of the wall clock. */
const since = (from: number, to: number): number => Math.max(0, to - from) / 1000;

function gistOf(value: Uint8Array | undefined): string {
  if (value === undefined) return '';
  return `${value.length} ${Buffer.from(value.buffer, value.byteOffset, Math.min(value.length, gistBytes)).toString('latin1')}`;
}
