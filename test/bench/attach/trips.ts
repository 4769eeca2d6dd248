import type { TracedMessage } from '../processes/xenstore-trace.ts';
import { MessageType } from '../../../operator/xenstore/wire.ts';

/** A request with its answer; `answer` is undefined for an error reply. */
export interface Exchange {
  readonly type: number;
  readonly transactionId: number;
  readonly path: string;
  /** What is written, for requests that do. */
  readonly value: string;
  readonly answer: string | undefined;
}

/**
 * A round trip: begins when something is sent while nothing is unanswered, and ends when nothing is unanswered any more.
 */
export interface Trip {
  /** Milliseconds, as of the messages. */
  readonly start: number;
  readonly end: number;
  readonly exchanges: readonly Exchange[];
  /**
   * How many waits there can be in it at most: 1, and another one for each time that something is sent after an answer to
   * what was sent before has come.
   */
  readonly waits: number;
}

interface Open {
  start: number;
  end: number;
  waits: number;
  answered: boolean;
  readonly exchanges: Exchange[];
  readonly pending: Map<number, TracedMessage>;
}

/** Cuts what passed into round trips, in order of their start. Requests that were not answered are left out. */
export function tripsOf(messages: readonly TracedMessage[]): Trip[] {
  const trips: Open[] = [];
  const open = new Map<number, Open>();
  for (const message of messages) {
    const { connection, at } = message;
    let trip = open.get(connection);
    if (message.kind === 'request') {
      if (trip === undefined) {
        trip = { start: at, end: at, waits: 1, answered: false, exchanges: [], pending: new Map() };
        open.set(connection, trip);
        trips.push(trip);
      } else if (trip.answered) {
        trip.waits += 1;
        trip.answered = false;
      }
      trip.pending.set(message.requestId, message);
    } else if (message.kind === 'reply' && trip !== undefined) {
      const request = trip.pending.get(message.requestId);
      if (request === undefined) continue;
      trip.pending.delete(message.requestId);
      trip.exchanges.push(exchangeOf(request, message));
      trip.answered = true;
      trip.end = at;
      if (trip.pending.size === 0) open.delete(connection);
    }
  }
  return trips;
}

function exchangeOf({ type, transactionId, payload }: TracedMessage, reply: TracedMessage): Exchange {
  const cut = payload.indexOf('\0');
  return {
    type,
    transactionId,
    path: cut === -1 ? payload : payload.slice(0, cut),
    value: cut === -1 ? '' : payload.slice(cut + 1),
    answer: reply.type === MessageType.ERROR ? undefined : reply.payload,
  };
}
