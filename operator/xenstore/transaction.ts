import type { Clock, Random } from '../runtime/ports.ts';
import { abortable, backoffDelay, reasonOf, sleep } from './backoff.ts';
import type { Connection, MutableStats } from './connection.ts';
import * as decoders from './decoders.ts';
import { XenStoreError, isXenStoreError } from './errors.ts';
import { Request } from './request.ts';
import { TreeOperations } from './tree.ts';
import { MessageType, messageTypeName } from './wire.ts';
import type { TransactionOptions, XenStoreTransaction } from './xenstore.ts';

/** What the callback of a transaction returns to give it up without an error. */
export const ABORT: unique symbol = Symbol('abort');

const DEFAULT_ATTEMPTS = 16;
const BACKOFF_BASE_MS = 1;
const BACKOFF_MOST_MS = 100;

export interface TransactionHost {
  /** The connection that a transaction can live on; throws where there is none or the client closes. */
  connection(): Connection;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: MutableStats;
}

/** The tree inside one transaction, for as long as its callback runs. */
class Transaction extends TreeOperations implements XenStoreTransaction {
  readonly id: number;
  readonly #connection: Connection;
  #pending = 0;
  #returned = false;
  #lateFailure: Error | undefined;
  #whenSettled: (() => void) | undefined;

  constructor(connection: Connection, id: number) {
    super();
    this.#connection = connection;
    this.id = id;
  }

  protected override get transactionId(): number {
    return this.id;
  }

  /**
   * Waits for the requests that the callback made and did not wait for. Gives back the first failure among those: the
   * callback cannot have known of it.
   */
  async finish(): Promise<Error | undefined> {
    this.#returned = true;
    if (this.#pending > 0) {
      await new Promise<void>((resolve) => {
        this.#whenSettled = resolve;
      });
    }
    return this.#lateFailure;
  }

  protected override send(request: Request): void {
    if (this.#returned) {
      const operation = messageTypeName(request.type);
      request.reject(new XenStoreError('EINVAL', `${operation}: the transaction is over`, { operation }));
      return;
    }
    this.#pending++;
    const resolve = (value: never): void => {
      this.#settled(undefined);
      request.resolve(value);
    };
    const reject = (error: XenStoreError): void => {
      this.#settled(error);
      request.reject(error);
    };
    const { type, txId, text, value, path, decode, missingIsFine } = request;
    this.#connection.submit(new Request(type, txId, text, value, path, decode, missingIsFine, resolve, reject));
  }

  #settled(error: Error | undefined): void {
    this.#pending--;
    if (!this.#returned) return;
    this.#lateFailure ??= error;
    if (this.#pending === 0) this.#whenSettled?.();
  }
}

type Attempt<T> = { readonly done: true; readonly result: T } | { readonly done: false };

/**
 * Runs `callback` in transactions until one commits. A commit that conflicts, and a transaction that the daemon does
 * not know any more (live update ends them all), are tried again; everything else is thrown. Each attempt takes three
 * round trips where the callback makes its requests at once: start, the callback's, end.
 */
export async function runTransaction<T>(
  host: TransactionHost,
  callback: (tx: XenStoreTransaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  const { attempts = DEFAULT_ATTEMPTS, signal } = options;
  for (let attempt = 1; ; attempt++) {
    if (signal?.aborted === true) throw reasonOf(signal);
    const outcome = await runOnce(host.connection(), callback, signal);
    if (outcome.done) return outcome.result;
    host.stats.conflicts++;
    if (attempt >= attempts) {
      throw new XenStoreError('EAGAIN', `the transaction met a conflict ${String(attempts)} times`, {
        operation: 'TRANSACTION_END',
      });
    }
    await sleep(host.clock, backoffDelay(attempt, BACKOFF_BASE_MS, BACKOFF_MOST_MS, host.random), signal);
  }
}

async function runOnce<T>(
  connection: Connection,
  callback: (tx: XenStoreTransaction) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<Attempt<T>> {
  const starting = request(connection, MessageType.TRANSACTION_START, 0, '', decoders.number);
  const id = await abortable(starting, signal).catch(async (error: unknown) => {
    // Given up while the daemon was asked: what it still opens is closed.
    starting.then((late) => end(connection, late, false)).catch(() => undefined);
    throw error;
  });
  const tx = new Transaction(connection, id);
  let result: T;
  try {
    result = await abortable(callback(tx), signal);
    const late = await tx.finish();
    if (late !== undefined) throw late;
  } catch (error) {
    const ending = tx.finish().then(() => end(connection, id, false));
    // Who gives up does not wait for a daemon that may be the reason. `end` of an abort never rejects.
    if (signal?.aborted === true) throw error;
    const ended = await ending;
    // Reads in a transaction that is gone say ENOENT (C) or EIO (oxenstored): not the callback's doing.
    if (ended === 'unknown-transaction' && isXenStoreError(error, 'ENOENT', 'EIO')) return { done: false };
    throw error;
  }
  if (result === ABORT) {
    await end(connection, id, false);
    return { done: true, result };
  }
  return (await end(connection, id, true)) === 'ended' ? { done: true, result } : { done: false };
}

/** Ends a transaction. An abort that fails is of no interest: the daemon drops it with the connection. */
async function end(
  connection: Connection,
  id: number,
  commit: boolean,
): Promise<'ended' | 'conflict' | 'unknown-transaction'> {
  try {
    await request(connection, MessageType.TRANSACTION_END, id, commit ? 'T' : 'F', decoders.nothing);
    return 'ended';
  } catch (error) {
    if (isXenStoreError(error, 'ENOENT', 'EIO')) return 'unknown-transaction';
    if (isXenStoreError(error, 'EAGAIN')) return 'conflict';
    if (!commit) return 'ended';
    throw error;
  }
}

function request<T>(
  connection: Connection,
  type: MessageType,
  txId: number,
  text: string,
  decode: (buffer: Buffer, start: number, end: number) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    connection.submit(new Request(type, txId, text, undefined, undefined, decode, false, resolve, reject));
  });
}
