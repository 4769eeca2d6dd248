import { HEADER_SIZE, MessageType, PAYLOAD_MAX, encodeHeader } from '../../xenstore/wire.ts';

/** Bytes of a fresh buffer: a few replies. */
const FIRST_SIZE = 1024;

/**
 * Messages for one client that wait to be written. An event that is the same as one that still waits is dropped, as in C
 * xenstored: whoever gets the first reads what the second would tell. Events of special watches are all kept.
 */
export class OutputQueue {
  #buffer: Buffer | undefined;
  #length = 0;
  readonly #events = new Set<string>();

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Adds a reply; `body` is latin1 and at most PAYLOAD_MAX bytes. */
  reply(type: number, reqId: number, txId: number, body: string): void {
    const at = this.#reserve(HEADER_SIZE + body.length);
    const buffer = this.#buffer as Buffer;
    encodeHeader(buffer, at, type, reqId, txId, body.length);
    if (body.length > 0) buffer.write(body, at + HEADER_SIZE, 'latin1');
  }

  /** Adds an event, unless the same one waits already or it is too long for a message. */
  event(path: string, token: string): void {
    const body = `${path}\0${token}\0`;
    if (body.length > PAYLOAD_MAX || this.#events.has(body)) return;
    if (!path.startsWith('@')) this.#events.add(body);
    this.reply(MessageType.WATCH_EVENT, 0, 0, body);
  }

  /** Takes all that waits, to be written. */
  take(): Buffer {
    const taken = this.#buffer?.subarray(0, this.#length) ?? Buffer.alloc(0);
    this.#buffer = undefined;
    this.#length = 0;
    if (this.#events.size > 0) this.#events.clear();
    return taken;
  }

  /** Makes room; gives where it begins. */
  #reserve(size: number): number {
    const at = this.#length;
    const needed = at + size;
    if (this.#buffer === undefined) {
      this.#buffer = Buffer.allocUnsafe(Math.max(FIRST_SIZE, needed));
    } else if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#buffer.length));
      this.#buffer.copy(larger, 0, 0, at);
      this.#buffer = larger;
    }
    this.#length = needed;
    return at;
  }
}
