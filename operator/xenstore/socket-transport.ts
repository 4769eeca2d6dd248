import { connect } from 'node:net';
import type { Socket } from 'node:net';
import type { Clock, Random } from '../runtime/ports.ts';
import { backoffDelay } from './backoff.ts';
import type { Transport, TransportEvents, TransportLink } from './transport.ts';
import { PAYLOAD_MAX } from './wire.ts';

const READ_BUFFER_SIZE = 64 * 1024;
/** The daemons listen with a backlog of 1: of many who connect at once most get EAGAIN, for some milliseconds. */
const MOST_CONNECT_RETRIES = 40;
const CONNECT_RETRY_BASE_MS = 1;
const CONNECT_RETRY_MOST_MS = 250;

/** The way over the daemon's unix socket, `/run/xenstored/socket`. */
export function socketTransport(path: string, clock: Clock, random: Random): Transport {
  return {
    name: path,
    payloadMax: PAYLOAD_MAX,
    throughKernel: false,
    open: (events) => new SocketLink(path, clock, random, events),
  };
}

class SocketLink implements TransportLink {
  readonly #path: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #buffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE);
  #events: TransportEvents | undefined;
  #socket: Socket;
  #retries = 0;
  #cancelRetry: (() => void) | undefined;

  constructor(path: string, clock: Clock, random: Random, events: TransportEvents) {
    this.#path = path;
    this.#clock = clock;
    this.#random = random;
    this.#events = events;
    this.#socket = this.#connect();
  }

  send(messages: Buffer): boolean {
    this.#socket.write(messages);
    // The stream counts as written what the kernel took during the call.
    return this.#socket.writableLength === 0;
  }

  destroy(): void {
    this.#events = undefined;
    this.#cancelRetry?.();
    this.#socket.destroy();
  }

  #connect(): Socket {
    let failure: NodeJS.ErrnoException | undefined;
    const socket = connect({
      path: this.#path,
      onread: {
        buffer: this.#buffer,
        callback: (size, buffer) => {
          this.#events?.onData(buffer as Buffer, 0, size);
          return true;
        },
      },
    });
    socket.on('connect', () => this.#events?.onOpen());
    socket.on('error', (error: NodeJS.ErrnoException) => {
      failure = error;
    });
    socket.on('close', () => {
      if (failure?.code === 'EAGAIN' && failure.syscall === 'connect' && this.#retries < MOST_CONNECT_RETRIES) {
        this.#retryLater();
      } else {
        this.#end(failure);
      }
    });
    return socket;
  }

  #retryLater(): void {
    if (this.#events === undefined) return;
    this.#retries++;
    const delay = backoffDelay(this.#retries, CONNECT_RETRY_BASE_MS, CONNECT_RETRY_MOST_MS, this.#random);
    this.#cancelRetry = this.#clock.setTimer(delay, () => {
      this.#socket = this.#connect();
    });
  }

  #end(error: Error | undefined): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClose(error);
  }
}
