import { frontendHoldMs } from '../../../operator/domain/pci/gate.ts';
import { MessageType } from '../../../operator/xenstore/wire.ts';
import type { TracedMessage } from '../processes/xenstore-trace.ts';
import { tripsOf, type Exchange, type Trip } from './trips.ts';

/** Of what an attach consists, where the agent waits for XenStore and for nothing else. */
export const phaseNames = ['claim', 'look', 'command', 'acknowledgement'] as const;
export type PhaseName = (typeof phaseNames)[number];

export interface Phase {
  readonly trips: number;
  /** See `Trip.waits`. */
  readonly waits: number;
  /** From the first request, or from what it waits for, to the last answer. */
  readonly ms: number;
}

/** What it took to attach one device, or several in one go. */
export interface AttachTrace {
  readonly phases: Readonly<Record<PhaseName, Phase>>;
  /** Round trips up to the last acknowledgement that are in none of the phases: something else was waited for. */
  readonly beside: number;
  /** Milliseconds from the commands to the device model's replies, summed. */
  readonly modelMs: number;
  /** Requests up to the last acknowledgement. */
  readonly requests: number;
}

/** Where things are. */
export interface Places {
  /** Claims of the devices, in any order. */
  readonly claims: readonly string[];
  readonly backendState: string;
  readonly frontendState: string;
  /** `/local/domain/S/device-model/T`. */
  readonly channel: string;
}

/** The agent's clock and ours need not agree on when a second is over, nor is a busy machine quick to tell. */
const toleranceMs = 50;
const connected = '4';

/** What the agent looks at to describe its host, and an attach never asks for alone. */
const isOfHost = ({ exchanges }: Trip): boolean =>
  exchanges.every(({ transactionId, path }) => transactionId === 0 && /^\/libxl\/pci(?:$|\/)/.test(path));

/**
 * Finds the phases in what passed since nothing was going on. Round trips of other work that fall into a phase are counted
 * with it, but for those that describe the host, so that the counts are never too small. Throws when something is missing.
 */
export function phasesOf(messages: readonly TracedMessage[], { claims, channel, ...places }: Places): AttachTrace {
  const trips = tripsOf(messages);
  const first = trips[0] ?? missing('any request');
  const inPhase = new Set<Trip>();
  const phase = (from: number, to: Trip, since = from): Phase => {
    const chosen = trips.filter((trip) => trip.start >= from && trip.start <= to.start && !isOfHost(trip));
    for (const trip of chosen) inPhase.add(trip);
    return { trips: chosen.length, waits: sum(chosen.map(({ waits }) => waits)), ms: to.end - since };
  };

  const claimed = claims.map((path) => committed(trips, path)[0] ?? missing(`a claim at ${path}`));
  const claim = phase(first.start, latest(claimed));

  const commands = committed(trips, `${channel}/command`).filter(({ start }) => start > latest(claimed).start);
  if (commands.length !== claims.length) missing(`${String(claims.length)} commands, but ${String(commands.length)}`);
  const acknowledged = committed(trips, `${channel}/state`, 'running');

  const firstCommand = commands[0] ?? missing('a command');
  const seen = lookThatSawConnected(
    trips,
    places,
    latest(claimed).end,
    firstCommand.start - frontendHoldMs + toleranceMs,
  );
  const told = messages.findLast(
    ({ kind, payload, at }) =>
      kind === 'event' &&
      at <= seen.start &&
      [places.backendState, places.frontendState].includes(payload.split('\0', 1)[0] ?? ''),
  );
  const look = phase(told?.at ?? seen.start, seen);

  let from = seen.start + frontendHoldMs - toleranceMs;
  let modelMs = 0;
  const sending: Phase[] = [];
  const ending: Phase[] = [];
  for (const command of commands) {
    const began =
      trips.find((trip) => trip.start >= from && !isOfHost(trip)) ?? missing('the round trip that begins a command');
    sending.push(phase(from, command, began.start));
    const replied = repliedAt(messages, trips, `${channel}/state`, command);
    modelMs += replied - command.end;
    const end = acknowledged.find(({ start }) => start >= replied) ?? missing('an acknowledgement');
    ending.push(phase(lookBegan(trips, `${channel}/state`, command, replied), end, replied));
    from = end.end;
  }
  const last = trips.filter(({ start }) => start <= from);
  return {
    phases: { claim, look, command: together(sending), acknowledgement: together(ending) },
    beside: last.filter((trip) => !inPhase.has(trip)).length,
    modelMs,
    requests: sum(last.map(({ exchanges }) => exchanges.length)),
  };
}

/** When the event of the reply came. */
function repliedAt(messages: readonly TracedMessage[], trips: readonly Trip[], state: string, command: Trip): number {
  const event = messages.find(
    ({ kind, at, payload }) => kind === 'event' && at >= command.end && payload.startsWith(`${state}\0`),
  );
  return Math.min(event?.at ?? missing('the event of a reply'), sawReply(trips, state, command)?.end ?? Infinity);
}

/** A look that was under way when the event came may be the one that saw the reply. */
function lookBegan(trips: readonly Trip[], state: string, command: Trip, replied: number): number {
  return Math.min(replied, sawReply(trips, state, command)?.start ?? replied);
}

function sawReply(trips: readonly Trip[], state: string, command: Trip): Trip | undefined {
  return trips.find(
    ({ start, exchanges }) =>
      start > command.start && exchanges.some(({ path, answer }) => path === state && answer === 'pci-inserted'),
  );
}

/**
 * The first look that saw both ends connected, and after which none saw them otherwise: the time that they must stay so
 * counts from it.
 */
function lookThatSawConnected(
  trips: readonly Trip[],
  { backendState, frontendState }: Pick<Places, 'backendState' | 'frontendState'>,
  since: number,
  until: number,
): Trip {
  const known = new Map<string, string | undefined>();
  let found: Trip | undefined;
  for (const trip of trips) {
    if (trip.start < since || trip.start > until) continue;
    const read = trip.exchanges.filter(({ path }) => path === backendState || path === frontendState);
    for (const { path, answer } of read) known.set(path, answer);
    const both = known.get(backendState) === connected && known.get(frontendState) === connected;
    if (!both) found = undefined;
    else if (read.length > 0) found ??= trip;
  }
  return found ?? missing('a look that saw both ends connected');
}

/** The round trips that ended a transaction in which the path was written, or that wrote it without one. */
function committed(trips: readonly Trip[], path: string, value?: string): Trip[] {
  const ids = new Set<number>();
  const ends: Trip[] = [];
  const writes = (exchange: Exchange): boolean =>
    exchange.type === MessageType.WRITE && exchange.path === path && (value === undefined || exchange.value === value);
  for (const trip of trips) {
    for (const exchange of trip.exchanges) {
      const { type, transactionId, answer } = exchange;
      if (writes(exchange)) {
        if (transactionId === 0) ends.push(trip);
        else ids.add(transactionId);
      }
      if (type === MessageType.TRANSACTION_END && ids.delete(transactionId) && exchange.path === 'T') {
        if (answer !== undefined) ends.push(trip);
      }
    }
  }
  return ends;
}

function together(phases: readonly Phase[]): Phase {
  return {
    trips: sum(phases.map(({ trips }) => trips)),
    waits: sum(phases.map(({ waits }) => waits)),
    ms: sum(phases.map(({ ms }) => ms)),
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const latest = (trips: readonly Trip[]): Trip =>
  trips.reduce((one, other) => (other.start > one.start ? other : one), trips[0] ?? missing('a claim'));

function missing(what: string): never {
  throw new Error(`the trace lacks ${what}`);
}
