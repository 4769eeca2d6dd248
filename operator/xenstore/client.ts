import { silentLogger, systemClock } from '../runtime/ports.ts';
import type { Clock, Logger, Random } from '../runtime/ports.ts';
import { abortable, backoffDelay } from './backoff.ts';
import { Connection } from './connection.ts';
import type { MutableStats } from './connection.ts';
import * as decoders from './decoders.ts';
import { XenStoreError } from './errors.ts';
import { ObservableLinkState } from './link-state.ts';
import type { Request } from './request.ts';
import { socketTransport } from './socket-transport.ts';
import { runTransaction } from './transaction.ts';
import type { Transport } from './transport.ts';
import { TreeOperations } from './tree.ts';
import { waitFor } from './wait.ts';
import { WatchIterator } from './watch-iterator.ts';
import { WatchRegistry } from './watches.ts';
import { MessageType } from './wire.ts';
import { xenbusTransport } from './xenbus-transport.ts';
import type {
  LinkState,
  TransactionOptions,
  WaitOptions,
  WatchEvent,
  WatchHandle,
  XenStore,
  XenStoreStats,
  XenStoreTransaction,
  XenStoreReader,
} from './xenstore.ts';

export interface XenStoreOptions {
  /** A unix socket, the kernel's device, or a transport of one's own. */
  readonly transport:
    | { readonly kind: 'socket'; readonly path: string }
    | { readonly kind: 'xenbus'; readonly path: string }
    | { readonly kind: 'custom'; readonly transport: Transport };
  readonly clock?: Clock;
  readonly random?: Random;
  readonly logger?: Logger;
  /** Most requests in flight; more wait in order. Through the kernel's device it is always 1. Default 64: deeper queues add latency, not throughput. */
  readonly maxInFlight?: number;
  /** Whether a lost connection is made again. Default true; if not, a loss closes the client. */
  readonly reconnect?: boolean;
}

const DEFAULT_IN_FLIGHT = 64;
const RECONNECT_BASE_MS = 50;
const RECONNECT_MOST_MS = 5_000;

/** Opens a client. It connects in the background; requests made meanwhile wait for the first connection. */
export function openXenStore(options: XenStoreOptions): XenStoreClient {
  return new XenStoreClient(options);
}

/**
 * The XenStore client.
 *
 * Requests made before the first connection wait for it. After a loss, those in flight are rejected with EDISCONNECTED
 * (`outcome` says whether they can have been applied), and new ones are too until the link is back: callers have their
 * own back-off and must look at the tree again anyway. Watches, iterators and `wait` live through it.
 */
export class XenStoreClient extends TreeOperations implements XenStore {
  protected override readonly transactionId = 0;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #maxInFlight: number;
  readonly #reconnect: boolean;
  readonly #state: ObservableLinkState;
  readonly #watches: WatchRegistry;
  readonly #stats: MutableStats = {
    requests: 0,
    roundTrips: 0,
    events: 0,
    lateEvents: 0,
    reconnects: 0,
    conflicts: 0,
  };
  #connection: Connection | undefined;
  #connectedOnce = false;
  #failures = 0;
  #cancelReconnect: (() => void) | undefined;
  #transactions = 0;
  #closing: Promise<void> | undefined;
  #whenIdle: (() => void) | undefined;

  constructor(options: XenStoreOptions) {
    super();
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#logger = options.logger ?? silentLogger;
    this.#maxInFlight = options.maxInFlight ?? DEFAULT_IN_FLIGHT;
    if (!Number.isInteger(this.#maxInFlight) || this.#maxInFlight < 1 || this.#maxInFlight > 4096) {
      throw new RangeError('maxInFlight is an integer from 1 to 4096');
    }
    this.#reconnect = options.reconnect ?? true;
    this.#state = new ObservableLinkState(this.#logger);
    this.#watches = new WatchRegistry(this.#clock, this.#random, this.#logger);
    this.#transport = makeTransport(options.transport, this.#clock, this.#random);
    this.#connect();
  }

  get state(): LinkState {
    return this.#state.value;
  }

  get stats(): XenStoreStats {
    return this.#stats;
  }

  onStateChange(listener: (state: LinkState, error?: Error) => void): () => void {
    return this.#state.listen(listener);
  }

  connected(signal?: AbortSignal): Promise<void> {
    if (this.state === 'connected') return Promise.resolve();
    if (this.state === 'closed') return Promise.reject(closedError());
    // Timers of the clock let the process end; who waits for a connection does not want that.
    const hold = setInterval(() => undefined, 2 ** 30);
    let stop: (() => void) | undefined;
    const change = new Promise<void>((resolve, reject) => {
      stop = this.#state.listen((state, error) => {
        if (state === 'connected') resolve();
        else if (state === 'closed') reject(error ?? closedError());
      });
    });
    return abortable(change, signal).finally(() => {
      clearInterval(hold);
      stop?.();
    });
  }

  async transaction<T>(
    callback: (tx: XenStoreTransaction) => Promise<T>,
    options: TransactionOptions = {},
  ): Promise<T> {
    this.#refuseWhenClosed('transaction');
    this.#transactions++;
    try {
      const host = {
        clock: this.#clock,
        random: this.#random,
        stats: this.#stats,
        connection: () => this.#current(),
      };
      return await runTransaction(host, callback, options);
    } finally {
      this.#transactions--;
      this.#checkIdle();
    }
  }

  watch(path: string, listener: (event: WatchEvent) => void): WatchHandle {
    this.#refuseWhenClosed('WATCH');
    return this.#watches.add(path, { onEvent: listener });
  }

  events(path: string, options: { readonly signal?: AbortSignal } = {}): AsyncIterableIterator<WatchEvent> {
    this.#refuseWhenClosed('WATCH');
    return new WatchIterator(path, options.signal, (listener) => this.#watches.add(path, listener));
  }

  async wait<T>(condition: (tree: XenStoreReader) => Promise<T | undefined>, options: WaitOptions = {}): Promise<T> {
    this.#refuseWhenClosed('wait');
    return waitFor(
      {
        tree: this,
        clock: this.#clock,
        addWatch: (path, listener) => this.#watches.add(path, listener),
        onStateChange: (listener) => this.#state.listen(listener),
      },
      condition,
      options,
    );
  }

  introduce(domid: number, gfn: bigint, eventChannel: number): Promise<void> {
    const text = `${String(domid)}\0${String(gfn)}\0${String(eventChannel)}`;
    return this.call(MessageType.INTRODUCE, text, decoders.nothing);
  }

  release(domid: number): Promise<void> {
    return this.call(MessageType.RELEASE, String(domid), decoders.nothing);
  }

  isIntroduced(domid: number): Promise<boolean> {
    return this.call(MessageType.IS_DOMAIN_INTRODUCED, String(domid), decoders.boolean);
  }

  getDomainPath(domid: number): Promise<string> {
    return this.call(MessageType.GET_DOMAIN_PATH, String(domid), decoders.word);
  }

  resume(domid: number): Promise<void> {
    return this.call(MessageType.RESUME, String(domid), decoders.nothing);
  }

  setTarget(domid: number, target: number): Promise<void> {
    return this.call(MessageType.SET_TARGET, `${String(domid)}\0${String(target)}`, decoders.nothing);
  }

  /** Also the watches of this client go, and are registered again at once. Refused on xenbus, where it hits the kernel's. */
  async resetWatches(): Promise<void> {
    if (this.#transport.throughKernel) {
      throw new XenStoreError('ENOSYS', 'RESET_WATCHES would end the watches of the kernel', {
        operation: 'RESET_WATCHES',
      });
    }
    const done = this.call(MessageType.RESET_WATCHES, '', decoders.nothing);
    if (this.#connection?.isOpen === true) this.#watches.attach(this.#connection);
    await done;
  }

  control(...args: string[]): Promise<string> {
    return this.call(MessageType.CONTROL, args.join('\0'), decoders.loose);
  }

  getFeatures(domid?: number): Promise<number> {
    return this.call(MessageType.GET_FEATURE, domid === undefined ? '' : String(domid), decoders.number);
  }

  getQuota(name?: string, domid?: number): Promise<string> {
    const text = [domid, name].filter((part) => part !== undefined).join('\0');
    return this.call(MessageType.GET_QUOTA, text, decoders.loose);
  }

  /** Waits for as long as the daemon takes to answer; `destroy` meanwhile ends that. */
  close(): Promise<void> {
    this.#closing ??= this.#closeGently();
    return this.#closing;
  }

  destroy(error: Error = closedError()): void {
    if (this.state === 'closed') return;
    this.#cancelReconnect?.();
    const connection = this.#connection;
    this.#connection = undefined;
    const reason = error instanceof XenStoreError ? error : closedError(error);
    this.#state.set('closed', error);
    connection?.destroy(reason);
    this.#watches.end(reason);
    this.#whenIdle?.();
  }

  protected override send(request: Request): void {
    try {
      if (this.#closing !== undefined) throw closedError();
      this.#current().submit(request);
    } catch (error) {
      request.reject(error as XenStoreError);
    }
  }

  /** The connection for a request made now. */
  #current(): Connection {
    const connection = this.#connection;
    // During the first attempt to connect requests wait in the connection that is being made.
    if (connection !== undefined && (connection.isOpen || this.state === 'connecting')) return connection;
    if (this.state === 'closed') throw closedError();
    throw new XenStoreError('EDISCONNECTED', `${this.#transport.name}: not connected`);
  }

  #connect(): void {
    this.#connection = new Connection({
      transport: this.#transport,
      // Linux sends a message out of the buffer that the next write to the descriptor fills (xenbus_dev_frontend.c): what is
      // written before the reply is there may travel in the place of the message before.
      maxInFlight: this.#transport.throughKernel ? 1 : this.#maxInFlight,
      stats: this.#stats,
      onOpen: (connection) => {
        this.#opened(connection);
      },
      onEvent: (path, token) => {
        if (!this.#watches.dispatch(path, token)) this.#stats.lateEvents++;
      },
      onClose: (_connection, error) => {
        this.#lost(error);
      },
      onIdle: () => {
        if (this.#whenIdle !== undefined) this.#checkIdle();
      },
    });
  }

  #opened(connection: Connection): void {
    this.#failures = 0;
    if (this.#connectedOnce) this.#stats.reconnects++;
    this.#connectedOnce = true;
    this.#watches.attach(connection);
    this.#state.set('connected');
  }

  #lost(error: XenStoreError): void {
    this.#connection = undefined;
    this.#watches.detach();
    if (this.#closing !== undefined || !this.#reconnect) {
      this.destroy(error);
      return;
    }
    this.#failures++;
    if (this.#failures === 1)
      this.#logger.warn('XenStore connection lost', { to: this.#transport.name, code: error.code });
    const delay = backoffDelay(this.#failures, RECONNECT_BASE_MS, RECONNECT_MOST_MS, this.#random);
    this.#cancelReconnect = this.#clock.setTimer(delay, () => {
      this.#connect();
    });
    this.#state.set('disconnected', error);
  }

  async #closeGently(): Promise<void> {
    if (this.state === 'connected') {
      const idle = new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
      this.#checkIdle();
      await idle;
    }
    this.destroy();
  }

  #checkIdle(): void {
    const { idle } = this.#connection ?? { idle: true };
    if (idle && this.#transactions === 0) this.#whenIdle?.();
  }

  #refuseWhenClosed(operation: string): void {
    if (this.#closing === undefined && this.state !== 'closed') return;
    throw new XenStoreError('ECLOSED', `${operation}: the client is closed`, { operation });
  }
}

function closedError(cause?: Error): XenStoreError {
  return new XenStoreError('ECLOSED', cause === undefined ? 'the client is closed' : cause.message, { cause });
}

function makeTransport(choice: XenStoreOptions['transport'], clock: Clock, random: Random): Transport {
  switch (choice.kind) {
    case 'socket':
      return socketTransport(choice.path, clock, random);
    case 'xenbus':
      return xenbusTransport(choice.path);
    case 'custom':
      return choice.transport;
  }
}
