import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A message as it came over the wire; the payload as latin1, so that no byte is lost. */
export interface Packet {
  readonly type: number;
  readonly reqId: number;
  readonly txId: number;
  readonly payload: string;
}

const WATCH_EVENT = 15;

/**
 * A connection that knows the frame and nothing else, written apart from the product's own wire code, so that a
 * mistake in one does not hide in the other. It sends any bytes, and gives out messages in their order.
 */
export class RawConnection {
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #packets: Packet[] = [];
  #waiting: (() => void) | undefined;
  #closed = false;
  #lastReqId = 0;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.#take(chunk);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#closed = true;
      this.#waiting?.();
    });
  }

  /** Connects. Real daemons listen with a backlog of 1, so that a full queue (EAGAIN) is tried again. */
  static async open(path: string): Promise<RawConnection> {
    for (;;) {
      const socket = connect(path);
      const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
        socket.once('connect', () => {
          resolve(undefined);
        });
        socket.once('error', resolve);
      });
      if (error === undefined) return new RawConnection(socket);
      if (error.code !== 'EAGAIN') throw error;
      await delay(5);
    }
  }

  /** Sends one request; gives its id. */
  send(type: number, payload: string, txId = 0): number {
    const body = Buffer.from(payload, 'latin1');
    const reqId = ++this.#lastReqId;
    this.sendBytes(Buffer.concat([header(type, reqId, txId, body.length), body]));
    return reqId;
  }

  /** Sends bytes as they are. */
  sendBytes(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  /** Sends one byte and waits until it has left. */
  async sendByte(byte: number): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#socket.write(Buffer.of(byte), () => {
        resolve();
      });
    });
  }

  /** The next message, whatever it is; undefined when the other side has closed. */
  async next(): Promise<Packet | undefined> {
    for (;;) {
      const packet = this.#packets.shift();
      if (packet !== undefined) return packet;
      if (this.#closed) return undefined;
      await new Promise<void>((resolve) => (this.#waiting = resolve));
      this.#waiting = undefined;
    }
  }

  /** The events until the reply to `reqId`, and that reply; no reply when the other side has closed. */
  async reply(reqId: number): Promise<{ readonly events: Packet[]; readonly reply: Packet | undefined }> {
    const events: Packet[] = [];
    for (;;) {
      const packet = await this.next();
      if (packet?.type !== WATCH_EVENT) {
        if (packet !== undefined && packet.reqId !== reqId) {
          throw new Error(`a reply to request ${String(packet.reqId)} where ${String(reqId)} was awaited`);
        }
        return { events, reply: packet };
      }
      events.push(packet);
    }
  }

  /** Sends one request and waits for its reply. */
  async request(type: number, payload: string, txId = 0): Promise<{ events: Packet[]; reply: Packet | undefined }> {
    return await this.reply(this.send(type, payload, txId));
  }

  /** Stops or goes on reading: what the daemon does with a client that does not read. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const closed = new Promise((resolve) => this.#socket.once('close', resolve));
    this.#socket.destroy();
    await closed;
  }

  #take(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    let at = 0;
    while (this.#bytes.length - at >= 16) {
      const length = this.#bytes.readUInt32LE(at + 12);
      if (this.#bytes.length - at - 16 < length) break;
      this.#packets.push({
        type: this.#bytes.readUInt32LE(at),
        reqId: this.#bytes.readUInt32LE(at + 4),
        txId: this.#bytes.readUInt32LE(at + 8),
        payload: this.#bytes.toString('latin1', at + 16, at + 16 + length),
      });
      at += 16 + length;
    }
    this.#bytes = this.#bytes.subarray(at);
    this.#waiting?.();
  }
}

/** A header as bytes. */
export function header(type: number, reqId: number, txId: number, length: number): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(reqId, 4);
  bytes.writeUInt32LE(txId, 8);
  bytes.writeUInt32LE(length, 12);
  return bytes;
}
