import type { Clock, Logger, Random } from '../runtime/ports.ts';
import { backoffDelay } from './backoff.ts';
import type { Connection } from './connection.ts';
import * as decoders from './decoders.ts';
import { XenStoreError, isXenStoreError } from './errors.ts';
import { invalidPath, isWatchPath } from './paths.ts';
import { Request } from './request.ts';
import { MessageType } from './wire.ts';
import type { WatchEvent, WatchHandle } from './xenstore.ts';

/** What a watch tells its owner. `onEnd` comes once, when it can never fire again and its owner has not closed it. */
export interface WatchListener {
  onEvent(event: WatchEvent): void;
  onEnd?(error: XenStoreError): void;
}

const RETRY_BASE_MS = 500;
const RETRY_MOST_MS = 30_000;

/** One watch of this client, through all its connections. */
class Watch implements WatchHandle {
  readonly path: string;
  readonly token: string;
  readonly listener: WatchListener;
  readonly ready: Promise<void>;
  readonly #close: (watch: Watch) => Promise<void>;
  markReady!: () => void;
  failReady!: (error: Error) => void;
  registeredOnce = false;
  failures = 0;
  cancelRetry: (() => void) | undefined;
  /** The connection on which the daemon was asked to register it. */
  connection: Connection | undefined;
  #closing: Promise<void> | undefined;

  constructor(path: string, token: string, listener: WatchListener, close: (watch: Watch) => Promise<void>) {
    this.path = path;
    this.token = token;
    this.listener = listener;
    this.#close = close;
    this.ready = new Promise((resolve, reject) => {
      this.markReady = resolve;
      this.failReady = reject;
    });
    // Not everybody waits for it; who does gets the rejection.
    this.ready.catch(() => undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close(this);
    return this.#closing;
  }
}

/**
 * The watches of a client by token. The registry outlives connections: each new one gets all watches, and the daemon
 * then fires each once with its own path, which is how listeners learn to look again. Events for tokens that are gone
 * are normal (the daemon had them queued) and are dropped.
 */
export class WatchRegistry {
  readonly #watches = new Map<string, Watch>();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  #connection: Connection | undefined;
  #lastToken = 0;

  constructor(clock: Clock, random: Random, logger: Logger) {
    this.#clock = clock;
    this.#random = random;
    this.#logger = logger;
  }

  /** How many watches there are. */
  get size(): number {
    return this.#watches.size;
  }

  /** A new watch, registered now or with the next connection. Throws EINVAL for a path that cannot be watched. */
  add(path: string, listener: WatchListener): WatchHandle {
    if (!isWatchPath(path)) throw invalidPath(path, 'WATCH');
    this.#lastToken++;
    const watch = new Watch(path, this.#lastToken.toString(36), listener, (closed) => this.#remove(closed));
    this.#watches.set(watch.token, watch);
    if (this.#connection !== undefined) this.#register(watch, this.#connection);
    return watch;
  }

  /** Registers everything on a new connection, or again on this one. */
  attach(connection: Connection): void {
    this.#connection = connection;
    for (const watch of this.#watches.values()) this.#register(watch, connection);
  }

  /** The connection is gone. */
  detach(): void {
    this.#connection = undefined;
    for (const watch of this.#watches.values()) {
      watch.connection = undefined;
      watch.cancelRetry?.();
    }
  }

  /** Gives an event to its watch; false if there is none any more. */
  dispatch(path: string, token: string): boolean {
    const watch = this.#watches.get(token);
    if (watch === undefined) return false;
    try {
      watch.listener.onEvent({ path });
    } catch (error) {
      // It must not unwind the reader of everybody's replies.
      this.#logger.error('a watch listener threw', { watch: watch.path, error: String(error) });
    }
    return true;
  }

  /** Ends all watches without asking the daemon, which forgets them with the connection. */
  end(error: XenStoreError): void {
    this.detach();
    const ended = [...this.#watches.values()];
    this.#watches.clear();
    for (const watch of ended) {
      watch.failReady(error);
      watch.listener.onEnd?.(error);
    }
  }

  #register(watch: Watch, connection: Connection): void {
    watch.connection = connection;
    const text = `${watch.path}\0${watch.token}`;
    const onRegistered = (): void => {
      watch.registeredOnce = true;
      watch.failures = 0;
      watch.markReady();
    };
    const onError = (error: XenStoreError): void => {
      if (watch.connection !== connection || isXenStoreError(error, 'ECLOSED', 'EDISCONNECTED', 'EPROTOCOL')) return;
      this.#refused(watch, connection, error);
    };
    connection.submit(
      new Request(MessageType.WATCH, 0, text, undefined, watch.path, decoders.nothing, false, onRegistered, onError),
    );
  }

  /** The first refusal is the caller's to hear; a watch that has been there once is tried for again and again. */
  #refused(watch: Watch, connection: Connection, error: XenStoreError): void {
    if (this.#watches.get(watch.token) !== watch) return;
    if (error.code === 'EEXIST') {
      watch.markReady();
    } else if (watch.registeredOnce) {
      watch.failures++;
      this.#logger.warn('a watch could not be registered again', { watch: watch.path, code: error.code });
      const delay = backoffDelay(watch.failures, RETRY_BASE_MS, RETRY_MOST_MS, this.#random);
      watch.cancelRetry = this.#clock.setTimer(delay, () => {
        if (watch.connection === connection) this.#register(watch, connection);
      });
    } else {
      this.#watches.delete(watch.token);
      watch.failReady(error);
      watch.listener.onEnd?.(error);
    }
  }

  #remove(watch: Watch): Promise<void> {
    watch.cancelRetry?.();
    if (!this.#watches.delete(watch.token)) return Promise.resolve();
    watch.failReady(new XenStoreError('ECLOSED', `WATCH ${watch.path}: closed`, { path: watch.path }));
    const { connection } = watch;
    watch.connection = undefined;
    if (connection === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const text = `${watch.path}\0${watch.token}`;
      const { nothing } = decoders;
      // Whatever the answer is, the watch is gone.
      connection.submit(
        new Request(MessageType.UNWATCH, 0, text, undefined, watch.path, nothing, true, resolve, () => {
          resolve();
        }),
      );
    });
  }
}
