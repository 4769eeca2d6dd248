import type { XenStoreError } from './errors.ts';
import { MessageType } from './wire.ts';

/** Reads a reply's payload, `buffer[start..end)`; bytes that are kept are copied. What it throws rejects the request. */
export type Decoder<T> = (buffer: Buffer, start: number, end: number) => T;

/**
 * One request from its making to its answer. On the wire its payload is `text`, a NUL, and `value` if there is one; a
 * `text` with NULs inside is several strings.
 */
export class Request {
  readonly type: MessageType;
  readonly txId: number;
  readonly text: string;
  readonly value: Uint8Array | string | undefined;
  /** The path for errors; `text` where that is the path. */
  readonly path: string | undefined;
  readonly decode: Decoder<unknown>;
  /** ENOENT is the answer `undefined` instead of an error. */
  readonly missingIsFine: boolean;
  readonly resolve: (value: never) => void;
  readonly reject: (error: XenStoreError) => void;
  /** Given when it is sent; 0 before. */
  reqId = 0;

  constructor(
    type: MessageType,
    txId: number,
    text: string,
    value: Uint8Array | string | undefined,
    path: string | undefined,
    decode: Decoder<unknown>,
    missingIsFine: boolean,
    resolve: (value: never) => void,
    reject: (error: XenStoreError) => void,
  ) {
    this.type = type;
    this.txId = txId;
    this.text = text;
    this.value = value;
    this.path = path;
    this.decode = decode;
    this.missingIsFine = missingIsFine;
    this.resolve = resolve;
    this.reject = reject;
  }
}

/** The size of a request's payload in bytes. */
export function payloadSize(request: Request): number {
  const { value } = request;
  const valueSize = value === undefined ? 0 : typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  return request.text.length + 1 + valueSize;
}

/** Writes a request's payload at `at`; the room is there. Gives back where it ends. */
export function writePayload(request: Request, target: Buffer, at: number): number {
  const { text, value } = request;
  let end = at;
  for (let index = 0; index < text.length; index++) target[end++] = text.charCodeAt(index);
  target[end++] = 0;
  if (value === undefined) return end;
  if (typeof value === 'string') return end + target.write(value, end);
  target.set(value, end);
  return end + value.length;
}

/** Whether the answer of such a request can come with req_id 0 from the kernel's xenbus device. */
export function isWatchRequest(type: number): boolean {
  return type === MessageType.WATCH || type === MessageType.UNWATCH;
}
