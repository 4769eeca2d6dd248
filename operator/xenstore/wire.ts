/**
 * The frame of every XenStore message (xen/io/xs_wire.h): four u32 — type, req_id, tx_id, len — and `len` bytes.
 * The protocol says native byte order; every machine that Xen runs on is little-endian.
 */

/** Message types, `enum xsd_sockmsg_type`. 20 was RESTRICT and is not a type any more. */
export const MessageType = {
  CONTROL: 0,
  DIRECTORY: 1,
  READ: 2,
  GET_PERMS: 3,
  WATCH: 4,
  UNWATCH: 5,
  TRANSACTION_START: 6,
  TRANSACTION_END: 7,
  INTRODUCE: 8,
  RELEASE: 9,
  GET_DOMAIN_PATH: 10,
  WRITE: 11,
  MKDIR: 12,
  RM: 13,
  SET_PERMS: 14,
  WATCH_EVENT: 15,
  ERROR: 16,
  IS_DOMAIN_INTRODUCED: 17,
  RESUME: 18,
  SET_TARGET: 19,
  RESET_WATCHES: 21,
  DIRECTORY_PART: 22,
  GET_FEATURE: 23,
  SET_FEATURE: 24,
  GET_QUOTA: 25,
  SET_QUOTA: 26,
} as const;

/** One of the values of `MessageType`. */
export type MessageType = (typeof MessageType)[keyof typeof MessageType];

const names = new Map<number, keyof typeof MessageType>(
  (Object.keys(MessageType) as (keyof typeof MessageType)[]).map((name) => [MessageType[name], name]),
);

/** The name of a message type for errors and logs; a number that is no type is shown as such. */
export function messageTypeName(type: number): string {
  return names.get(type) ?? `type ${String(type)}`;
}

/** Bytes of a header. */
export const HEADER_SIZE = 16;
/** Most bytes of a payload (XENSTORE_PAYLOAD_MAX). A daemon closes the connection of who sends more. */
export const PAYLOAD_MAX = 4096;
/** Most bytes of a payload sent through /dev/xen/xenbus, where header and payload together are at most 4096. */
export const XENBUS_PAYLOAD_MAX = PAYLOAD_MAX - HEADER_SIZE;
/** Most bytes of an absolute path, without its NUL (XENSTORE_ABS_PATH_MAX). */
export const ABSOLUTE_PATH_MAX = 3072;
/** Most bytes of a relative path, without its NUL (XENSTORE_REL_PATH_MAX). */
export const RELATIVE_PATH_MAX = 2048;
/** Most payload bytes that a client accepts: oxenstored answers DIRECTORY with far more than 4096 on a socket. */
export const REPLY_PAYLOAD_MAX = 1024 * 1024;

/** A header, decoded. */
export interface Header {
  readonly type: number;
  readonly reqId: number;
  readonly txId: number;
  readonly length: number;
}

/** Writes a header at `at`; gives back where the payload begins. */
export function encodeHeader(
  target: Uint8Array,
  at: number,
  type: number,
  reqId: number,
  txId: number,
  length: number,
): number {
  putUint32(target, at, type);
  putUint32(target, at + 4, reqId);
  putUint32(target, at + 8, txId);
  putUint32(target, at + 12, length);
  return at + HEADER_SIZE;
}

/** Reads the header at `at`; the caller sees to it that 16 bytes are there. */
export function decodeHeader(source: Uint8Array, at = 0): Header {
  return {
    type: uint32At(source, at),
    reqId: uint32At(source, at + 4),
    txId: uint32At(source, at + 8),
    length: uint32At(source, at + 12),
  };
}

/** A whole message in a buffer of its own. */
export function encodePacket(type: number, reqId: number, txId: number, payload: Uint8Array): Buffer {
  const packet = Buffer.allocUnsafe(HEADER_SIZE + payload.length);
  packet.set(payload, encodeHeader(packet, 0, type, reqId, txId, payload.length));
  return packet;
}

/** The u32 at `at`, little-endian. Plain indexing: the JIT makes less of Buffer's checked accessors. */
export function uint32At(source: Uint8Array, at: number): number {
  return (
    ((source[at] as number) |
      ((source[at + 1] as number) << 8) |
      ((source[at + 2] as number) << 16) |
      ((source[at + 3] as number) << 24)) >>>
    0
  );
}

function putUint32(target: Uint8Array, at: number, value: number): void {
  target[at] = value;
  target[at + 1] = value >>> 8;
  target[at + 2] = value >>> 16;
  target[at + 3] = value >>> 24;
}
