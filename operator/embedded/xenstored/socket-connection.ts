import type { Socket } from 'node:net';
import type { Logger } from '../../runtime/ports.ts';
import { isXenStoreError } from '../../xenstore/errors.ts';
import { PacketParser, type PacketSink } from '../../xenstore/parser.ts';
import { PAYLOAD_MAX } from '../../xenstore/wire.ts';
import type { XenstoredCore } from './core.ts';
import { OutputQueue } from './output-queue.ts';
import type { Output, Session } from './session.ts';

/** Bytes of one client that are worked through before the others get their turn. */
const TURN = 16 * 1024;
/** Bytes waiting for a client at which no more of its requests are read. */
const ENOUGH_WAITING = 64 * 1024;

/** What a connection needs of its server. */
export interface ConnectionServer {
  readonly core: XenstoredCore;
  readonly logger: Logger;
  /** This connection has something to write. */
  wants(connection: SocketConnection): void;
  /** All that was caused is caused: have every connection write what it has. */
  flush(): void;
  closed(connection: SocketConnection): void;
}

/**
 * A client's socket. Requests are taken in turns of 16 KiB, so that one that floods does not keep the others waiting,
 * and not at all while its replies are not read. Events wait for it up to a limit; then it is disconnected.
 */
export class SocketConnection implements PacketSink, Output {
  readonly domid: number;
  readonly #server: ConnectionServer;
  readonly #socket: Socket;
  readonly #session: Session;
  readonly #parser = new PacketParser(this, PAYLOAD_MAX);
  readonly #queue = new OutputQueue();
  readonly #most: number;
  #input: Buffer | undefined;
  #writing = false;
  #turnPending = false;
  #ended = false;
  #done = false;

  /** `domid` must be introduced. */
  constructor(server: ConnectionServer, socket: Socket, domid: number) {
    this.domid = domid;
    this.#server = server;
    this.#socket = socket;
    const { limits } = server.core;
    this.#most = domid === 0 ? limits.pendingBytes : limits.guestPendingBytes;
    const session = server.core.open(domid, this);
    if (session === undefined) throw new Error(`domain ${String(domid)} is not introduced`);
    this.#session = session;
    socket.on('data', (chunk: Buffer) => {
      this.#input = this.#input === undefined ? chunk : Buffer.concat([this.#input, chunk]);
      if (!this.#turnPending) this.#turn();
    });
    socket.on('end', () => {
      this.#ended = true;
      if (!this.#turnPending) this.#goOn();
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      server.logger.debug('a XenStore client was lost', { domid, code: error.code });
    });
    socket.on('close', () => {
      this.#end();
    });
  }

  reply(type: number, reqId: number, txId: number, body: string): void {
    this.#queue.reply(type, reqId, txId, body);
    this.#server.wants(this);
  }

  event(path: string, token: string): void {
    this.#queue.event(path, token);
    this.#server.wants(this);
  }

  onPacket(type: number, reqId: number, txId: number, buffer: Buffer, start: number, end: number): void {
    if (!this.#done) this.#server.core.handle(this.#session, type, reqId, txId, buffer.toString('latin1', start, end));
  }

  /** Writes what waits, unless the last write is not through yet. */
  flush(): void {
    if (this.#done) return;
    if (this.#queue.length > this.#most) {
      this.#server.logger.warn('a XenStore client does not read and is disconnected', {
        domid: this.domid,
        waiting: this.#queue.length,
      });
      this.destroy();
      return;
    }
    if (this.#writing || this.#queue.length === 0) return;
    this.#writing = true;
    this.#socket.write(this.#queue.take(), () => {
      this.#written();
    });
    if (this.#socket.writableLength === 0) this.#writing = false;
  }

  /** Ends the connection now. */
  destroy(): void {
    this.#end();
    this.#socket.destroy();
  }

  #turn(): void {
    this.#turnPending = false;
    const input = this.#input;
    if (input === undefined || this.#done) return;
    const end = Math.min(input.length, TURN);
    this.#input = end < input.length ? input.subarray(end) : undefined;
    try {
      this.#parser.push(input, 0, end);
    } catch (error) {
      // EPROTOCOL: a payload larger than the protocol allows, after which nothing can be understood.
      if (isXenStoreError(error, 'EPROTOCOL')) {
        this.#server.logger.debug('a XenStore client breaks the protocol', { domid: this.domid });
      } else {
        this.#server.logger.error('a XenStore request failed', { domid: this.domid, error: String(error) });
      }
      this.destroy();
    }
    this.#server.flush();
    this.#goOn();
  }

  /**
   * Reads on if replies have room, or ends if the client has said all and has all its answers; waits until replies are
   * read otherwise.
   */
  #goOn(): void {
    if (this.#done) return;
    const full = this.#queue.length > ENOUGH_WAITING;
    if (this.#input === undefined && !full) {
      if (this.#socket.isPaused()) this.#socket.resume();
      if (this.#ended && this.#queue.length === 0) this.#socket.end();
      return;
    }
    this.#socket.pause();
    if (full || this.#turnPending) return;
    this.#turnPending = true;
    setImmediate(() => {
      this.#turn();
    });
  }

  #written(): void {
    this.#writing = false;
    this.flush();
    if (!this.#turnPending && (this.#ended || this.#socket.isPaused())) this.#goOn();
  }

  #end(): void {
    if (this.#done) return;
    this.#done = true;
    this.#input = undefined;
    this.#server.core.close(this.#session);
    this.#server.closed(this);
  }
}
