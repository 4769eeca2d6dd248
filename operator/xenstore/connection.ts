import { XenStoreError, refusal } from './errors.ts';
import type { XenStoreErrorCode } from './errors.ts';
import { decodeError, decodeWatch } from './messages.ts';
import { PacketParser } from './parser.ts';
import type { PacketSink } from './parser.ts';
import { RequestQueue } from './request-queue.ts';
import { type Request, isWatchRequest, payloadSize, writePayload } from './request.ts';
import type { Transport, TransportEvents, TransportLink } from './transport.ts';
import { HEADER_SIZE, MessageType, REPLY_PAYLOAD_MAX, encodeHeader, messageTypeName } from './wire.ts';

/** Counters that all connections of a client share. */
export interface MutableStats {
  requests: number;
  roundTrips: number;
  events: number;
  lateEvents: number;
  reconnects: number;
  conflicts: number;
}

export interface ConnectionOptions {
  readonly transport: Transport;
  /** Most requests that are sent and not answered; more wait, first come, first served. */
  readonly maxInFlight: number;
  readonly stats: MutableStats;
  readonly onOpen: (connection: Connection) => void;
  /** A watch event. */
  readonly onEvent: (path: string, token: string) => void;
  /** The connection is over; everything that waited for it has been rejected. Not called after `destroy`. */
  readonly onClose: (connection: Connection, error: XenStoreError) => void;
  /** Called when the last request has been answered and none waits. */
  readonly onIdle: () => void;
}

const FIRST_OUT_SIZE = 16 * 1024;

/**
 * One connection's pipeline:
 *
 *     submit → |waiting| → encode → |out buffer| → one write a tick → |slots by req_id| → reply → resolve
 *
 * Requests of one tick share one write. Replies are matched by req_id, not by order. A protocol violation ends the
 * connection, because a stream that is out of step would leave somebody waiting for ever.
 */
export class Connection implements PacketSink, TransportEvents {
  readonly #options: ConnectionOptions;
  readonly #link: TransportLink;
  readonly #parser: PacketParser;
  readonly #waiting = new RequestQueue();
  readonly #slots: (Request | undefined)[];
  readonly #mask: number;
  readonly #flush = (): void => {
    this.#sendBurst();
  };
  #out = Buffer.allocUnsafeSlow(FIRST_OUT_SIZE);
  #outEnd = 0;
  #burst = 0;
  #inFlight = 0;
  #lastReqId = 0;
  /** The first id of the burst that is not flushed yet. */
  #burstFrom = 0;
  #flushDue = false;
  #open = false;
  #over: XenStoreError | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    // Twice the bound, so that a free slot is found at once even where replies come out of order.
    const slots = 2 ** Math.ceil(Math.log2(options.maxInFlight * 2));
    this.#slots = new Array<Request | undefined>(slots).fill(undefined);
    this.#mask = slots - 1;
    this.#parser = new PacketParser(this, REPLY_PAYLOAD_MAX);
    this.#link = options.transport.open(this);
  }

  get throughKernel(): boolean {
    return this.#options.transport.throughKernel;
  }

  /** Whether it can carry requests now. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Nothing is in flight and nothing waits. */
  get idle(): boolean {
    return this.#inFlight === 0 && this.#waiting.length === 0;
  }

  /** Takes a request; it is sent with all others of this tick, or waits for its turn. Rejects it if that cannot be. */
  submit(request: Request): void {
    if (this.#over !== undefined) {
      request.reject(lost(this.#over, request, 'not-applied'));
      return;
    }
    const size = payloadSize(request);
    if (size > this.#options.transport.payloadMax) {
      request.reject(refusal('E2BIG', request.type, request.path));
      return;
    }
    if (this.#open && this.#inFlight < this.#options.maxInFlight && this.#waiting.length === 0) {
      this.#encode(request, size);
    } else {
      this.#waiting.push(request);
    }
  }

  /** Ends it now. Everything in flight and waiting is rejected as after a loss. */
  destroy(error: XenStoreError): void {
    this.#link.destroy();
    this.#finish(error);
  }

  onOpen(): void {
    this.#open = true;
    this.#options.onOpen(this);
    this.#fill();
  }

  onData(buffer: Buffer, from: number, to: number): void {
    try {
      this.#parser.push(buffer, from, to);
    } catch (cause) {
      this.#fail(cause);
      return;
    }
    if (this.#waiting.length > 0) this.#fill();
    else if (this.#inFlight === 0) this.#options.onIdle();
  }

  onRefused(reqId: number, code: XenStoreErrorCode): void {
    const request = this.#take(reqId);
    if (request === undefined) return;
    request.reject(refusal(code, request.type, request.path));
    this.#fill();
    if (this.idle) this.#options.onIdle();
  }

  onClose(cause: Error | undefined): void {
    const why = cause === undefined ? 'the daemon closed the connection' : codeOf(cause);
    this.#close(new XenStoreError('EDISCONNECTED', `${this.#options.transport.name}: ${why}`, { cause }));
  }

  onPacket(type: number, reqId: number, _txId: number, buffer: Buffer, start: number, end: number): void {
    if (this.#over !== undefined) return;
    if (type === MessageType.WATCH_EVENT) {
      const { path, token } = decodeWatch(buffer.subarray(start, end));
      this.#options.stats.events++;
      this.#options.onEvent(path, token);
      return;
    }
    const request = this.#take(reqId) ?? this.#takeUnnumbered(type, reqId);
    if (request === undefined) throw violation(`a ${messageTypeName(type)} reply to no request`);
    if (type === request.type) {
      let value: unknown;
      try {
        value = request.decode(buffer, start, end);
      } catch (cause) {
        request.reject(unreadable(cause, request));
        return;
      }
      request.resolve(value as never);
    } else if (type === MessageType.ERROR) {
      const code = decodeError(buffer.subarray(start, end));
      if (code === 'ENOENT' && request.missingIsFine) request.resolve(undefined as never);
      else request.reject(refusal(code, request.type, request.path));
    } else {
      request.reject(lost(violation('its reply has another type'), request, 'unknown'));
      throw violation(`a ${messageTypeName(type)} reply to ${messageTypeName(request.type)}`);
    }
  }

  #take(reqId: number): Request | undefined {
    const slot = reqId & this.#mask;
    const request = this.#slots[slot];
    if (request === undefined || request.reqId !== reqId) return undefined;
    this.#slots[slot] = undefined;
    this.#inFlight--;
    return request;
  }

  /** Old kernels answer WATCH and UNWATCH with req_id 0: it is the oldest of that type. */
  #takeUnnumbered(type: number, reqId: number): Request | undefined {
    if (reqId !== 0 || !this.throughKernel || !isWatchRequest(type)) return undefined;
    let oldest: Request | undefined;
    for (const request of this.#slots) {
      if (request?.type === type && (oldest === undefined || request.reqId < oldest.reqId)) oldest = request;
    }
    return oldest === undefined ? undefined : this.#take(oldest.reqId);
  }

  #fill(): void {
    while (this.#open && this.#inFlight < this.#options.maxInFlight) {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      this.#encode(request, payloadSize(request));
    }
  }

  #encode(request: Request, size: number): void {
    const at = this.#outEnd;
    const end = at + HEADER_SIZE + size;
    if (end > this.#out.length) this.#grow(end);
    const reqId = this.#nextReqId();
    request.reqId = reqId;
    this.#slots[reqId & this.#mask] = request;
    writePayload(request, this.#out, encodeHeader(this.#out, at, request.type, reqId, request.txId, size));
    this.#outEnd = end;
    this.#inFlight++;
    if (this.#burst++ === 0) this.#burstFrom = reqId;
    if (!this.#flushDue) {
      this.#flushDue = true;
      // After all promise callbacks of this turn, so that everything they ask for is in the same write.
      process.nextTick(this.#flush);
    }
  }

  /** The next id whose slot is free; never 0, which is what events and old kernels' answers have. */
  #nextReqId(): number {
    let reqId = this.#lastReqId;
    do {
      reqId = reqId === 0xffffffff ? 1 : reqId + 1;
    } while (this.#slots[reqId & this.#mask] !== undefined);
    this.#lastReqId = reqId;
    return reqId;
  }

  #grow(needed: number): void {
    const larger = Buffer.allocUnsafeSlow(2 ** Math.ceil(Math.log2(needed)));
    this.#out.copy(larger, 0, 0, this.#outEnd);
    this.#out = larger;
  }

  #sendBurst(): void {
    this.#flushDue = false;
    if (this.#over !== undefined || this.#burst === 0) return;
    const { stats } = this.#options;
    stats.requests += this.#burst;
    if (this.#inFlight === this.#burst) stats.roundTrips++;
    this.#burst = 0;
    const messages = this.#out.subarray(0, this.#outEnd);
    this.#outEnd = 0;
    if (!this.#link.send(messages)) this.#out = Buffer.allocUnsafeSlow(this.#out.length);
  }

  #fail(cause: unknown): void {
    const error = cause instanceof XenStoreError ? cause : violation('a message cannot be read', cause);
    this.#link.destroy();
    this.#close(error.code === 'EPROTOCOL' ? error : violation(error.message, error));
  }

  #close(error: XenStoreError): void {
    if (this.#over !== undefined) return;
    this.#finish(error);
    this.#options.onClose(this, error);
  }

  #finish(error: XenStoreError): void {
    if (this.#over !== undefined) return;
    this.#over = error;
    this.#open = false;
    for (const request of this.#slots) {
      if (request === undefined) continue;
      // What is encoded and not flushed has not been sent either.
      const unsent = this.#burst > 0 && request.reqId >= this.#burstFrom;
      request.reject(lost(error, request, unsent ? 'not-applied' : 'unknown'));
    }
    this.#slots.fill(undefined);
    this.#inFlight = 0;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.reject(lost(error, next, 'not-applied'));
    }
  }
}

function violation(message: string, cause?: unknown): XenStoreError {
  return new XenStoreError('EPROTOCOL', message, { cause, outcome: 'unknown' });
}

function codeOf(error: Error): string {
  const { code } = error as NodeJS.ErrnoException;
  return typeof code === 'string' ? code : error.message;
}

/** The error of a request that ends with its connection. */
function lost(error: XenStoreError, request: Request, outcome: 'not-applied' | 'unknown'): XenStoreError {
  const operation = messageTypeName(request.type);
  const message = `${operation}${request.path === undefined ? '' : ` ${request.path}`}: ${error.message}`;
  return new XenStoreError(error.code, message, { cause: error, path: request.path, operation, outcome });
}

/** The error of a request whose reply cannot be read. */
function unreadable(cause: unknown, request: Request): XenStoreError {
  const known = cause instanceof XenStoreError && cause.code === 'EILSEQ';
  const operation = messageTypeName(request.type);
  const path = request.path;
  return new XenStoreError(
    known ? 'EILSEQ' : 'EPROTOCOL',
    `${operation} ${path ?? ''}: ${known ? cause.message : 'bad reply'}`,
    {
      cause,
      path,
      operation,
      outcome: 'unknown',
    },
  );
}
