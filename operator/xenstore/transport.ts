import type { XenStoreErrorCode } from './errors.ts';

/** What a transport tells. Nothing is told after `onClose`, nor after `destroy`. */
export interface TransportEvents {
  onOpen(): void;
  /** Bytes `buffer[from..to)`, valid only during the call. */
  onData(buffer: Buffer, from: number, to: number): void;
  /** The message with this req_id could not be written and will have no reply. */
  onRefused(reqId: number, code: XenStoreErrorCode): void;
  /** The way is gone, or could not be opened. */
  onClose(error: Error | undefined): void;
}

/** One opened (or opening) way to the daemon. */
export interface TransportLink {
  /**
   * Sends whole messages, one behind the other; only after `onOpen`. Gives back whether the bytes have left, so that
   * the caller may use the buffer again at once. If not, the buffer belongs to the transport.
   */
  send(messages: Buffer): boolean;
  /** Closes at once. Idempotent. */
  destroy(): void;
}

/** A kind of way to a XenStore daemon. */
export interface Transport {
  /** For messages: where it leads. */
  readonly name: string;
  /** Most bytes of a payload that can be sent. */
  readonly payloadMax: number;
  /** Whether the kernel stands between, with its own answers to WATCH and UNWATCH (protocol reference 10.5). */
  readonly throughKernel: boolean;
  open(events: TransportEvents): TransportLink;
}
