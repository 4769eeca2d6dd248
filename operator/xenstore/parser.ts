import { XenStoreError } from './errors.ts';
import { HEADER_SIZE, uint32At } from './wire.ts';

/**
 * What gets the messages. The payload is `buffer[start..end)`, valid only during the call: a receiver that keeps bytes
 * copies them.
 */
export interface PacketSink {
  onPacket(type: number, reqId: number, txId: number, buffer: Buffer, start: number, end: number): void;
}

/**
 * Bytes to messages, whatever way the stream is cut. Messages that are whole in one chunk are given out in place; one
 * that is not is put together once, in a buffer of its size.
 */
export class PacketParser {
  readonly #sink: PacketSink;
  readonly #payloadMax: number;
  readonly #header = Buffer.alloc(HEADER_SIZE);
  #headerHave = 0;
  #body: Buffer | undefined;
  #bodyHave = 0;
  #failure: XenStoreError | undefined;

  /** `payloadMax`: PAYLOAD_MAX for a server, REPLY_PAYLOAD_MAX for a client. */
  constructor(sink: PacketSink, payloadMax: number) {
    this.#sink = sink;
    this.#payloadMax = payloadMax;
  }

  /** Whether a message has begun and is not whole yet. */
  get partial(): boolean {
    return this.#headerHave > 0;
  }

  /**
   * Takes `chunk[from..to)`, and hands on every message that is now whole. Throws EPROTOCOL when a payload is announced
   * that is larger than allowed; nothing can be parsed after that. What the sink throws comes through, and ends this
   * chunk too.
   */
  push(chunk: Buffer, from = 0, to = chunk.length): void {
    if (this.#failure !== undefined) throw this.#failure;
    let at = this.#headerHave > 0 ? this.#finish(chunk, from, to) : from;
    while (to - at >= HEADER_SIZE) {
      const length = this.#checked(uint32At(chunk, at + 12));
      const start = at + HEADER_SIZE;
      if (to - start < length) break;
      const packet = at;
      at = start + length;
      this.#sink.onPacket(
        uint32At(chunk, packet),
        uint32At(chunk, packet + 4),
        uint32At(chunk, packet + 8),
        chunk,
        start,
        at,
      );
    }
    if (at < to) this.#begin(chunk, at, to);
  }

  /** Keeps the beginning of a message. */
  #begin(chunk: Buffer, at: number, to: number): void {
    const have = Math.min(HEADER_SIZE, to - at);
    chunk.copy(this.#header, 0, at, at + have);
    this.#headerHave = have;
    if (have < HEADER_SIZE) return;
    const body = Buffer.allocUnsafe(this.#checked(uint32At(this.#header, 12)));
    this.#bodyHave = chunk.copy(body, 0, at + have, to);
    this.#body = body;
  }

  /** Goes on with a message that has begun; gives back where the next one starts. */
  #finish(chunk: Buffer, from: number, to: number): number {
    let at = from;
    if (this.#headerHave < HEADER_SIZE) {
      const take = Math.min(HEADER_SIZE - this.#headerHave, to - at);
      chunk.copy(this.#header, this.#headerHave, at, at + take);
      this.#headerHave += take;
      at += take;
      if (this.#headerHave < HEADER_SIZE) return at;
    }
    const length = this.#checked(uint32At(this.#header, 12));
    if (this.#body === undefined && to - at >= length) {
      this.#deliver(chunk, at, at + length);
      return at + length;
    }
    this.#body ??= Buffer.allocUnsafe(length);
    const took = chunk.copy(this.#body, this.#bodyHave, at, Math.min(to, at + length - this.#bodyHave));
    this.#bodyHave += took;
    at += took;
    if (this.#bodyHave === length) this.#deliver(this.#body, 0, length);
    return at;
  }

  #deliver(buffer: Buffer, start: number, end: number): void {
    this.#headerHave = 0;
    this.#body = undefined;
    this.#bodyHave = 0;
    const header = this.#header;
    this.#sink.onPacket(uint32At(header, 0), uint32At(header, 4), uint32At(header, 8), buffer, start, end);
  }

  #checked(length: number): number {
    if (length <= this.#payloadMax) return length;
    this.#failure = new XenStoreError(
      'EPROTOCOL',
      `a message announces ${String(length)} bytes, more than ${String(this.#payloadMax)}`,
      { outcome: 'unknown' },
    );
    throw this.#failure;
  }
}
