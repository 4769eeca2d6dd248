import { XenStoreError, errorCodeOf } from './errors.ts';
import type { WireErrorCode, XenStoreErrorCode } from './errors.ts';
import { PAYLOAD_MAX } from './wire.ts';

/**
 * Payloads, in both directions: `encode…` and `decode…` of what the client sends and the server reads, and of what the
 * server answers. Paths, tokens and numbers are ASCII; they are decoded as latin1, so that no byte is lost and whoever
 * checks them sees the strange ones. Values stay bytes. `decode…` throws EINVAL for what has not the form.
 */

/** The answer of requests that have nothing to say. */
export const OK_PAYLOAD: Buffer = Buffer.from('OK\0');
/** The payload of a request without arguments: oxenstored 4.17 stalls on an empty one. */
export const EMPTY_PAYLOAD: Buffer = Buffer.from('\0');

/** Strings, each with a NUL behind it. */
export function encodeStrings(strings: readonly (string | number | bigint)[]): Buffer {
  let text = '';
  for (const string of strings) text += `${String(string)}\0`;
  return Buffer.from(text, 'latin1');
}

/** The strings of a payload where each ends with a NUL; the last NUL may be missing. An empty payload has none. */
export function decodeStrings(payload: Uint8Array): string[] {
  const strings: string[] = [];
  const buffer = asBuffer(payload);
  let at = 0;
  while (at < buffer.length) {
    const nul = buffer.indexOf(0, at);
    const end = nul < 0 ? buffer.length : nul;
    strings.push(buffer.toString('latin1', at, end));
    at = end + 1;
  }
  return strings;
}

/** The one string of a payload, with or without its NUL; undefined if bytes follow the NUL. */
export function decodeString(payload: Uint8Array): string | undefined {
  const buffer = asBuffer(payload);
  const nul = buffer.indexOf(0);
  if (nul >= 0 && nul !== buffer.length - 1) return undefined;
  return buffer.toString('latin1', 0, nul < 0 ? buffer.length : nul);
}

/** WRITE: `path\0value`, no NUL behind the value. */
export function encodeWrite(path: string, value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  return Buffer.concat([Buffer.from(`${path}\0`, 'latin1'), bytes]);
}

/** The path and the value of a WRITE. The value is a view of the payload. */
export function decodeWrite(payload: Uint8Array): { readonly path: string; readonly value: Buffer } {
  const buffer = asBuffer(payload);
  const nul = buffer.indexOf(0);
  if (nul < 0) throw malformed('WRITE');
  return { path: buffer.toString('latin1', 0, nul), value: buffer.subarray(nul + 1) };
}

/** WATCH, UNWATCH and WATCH_EVENT: `path\0token\0`. */
export function encodeWatch(path: string, token: string): Buffer {
  return encodeStrings([path, token]);
}

/** The path and the token of a WATCH, UNWATCH or WATCH_EVENT; `depth` where a WATCH has the third argument. */
export function decodeWatch(payload: Uint8Array): {
  readonly path: string;
  readonly token: string;
  readonly depth: string | undefined;
} {
  const [path, token, depth, ...rest] = decodeStrings(payload);
  if (path === undefined || token === undefined || rest.length > 0) throw malformed('WATCH');
  return { path, token, depth };
}

/** SET_PERMS: `path\0perm\0perm\0…`; see permissions.ts for the strings. */
export function encodeSetPermissions(path: string, permissions: readonly string[]): Buffer {
  return encodeStrings([path, ...permissions]);
}

/** The path and the permission strings of a SET_PERMS. */
export function decodeSetPermissions(payload: Uint8Array): { readonly path: string; readonly permissions: string[] } {
  const [path, ...permissions] = decodeStrings(payload);
  if (path === undefined || permissions.length === 0) throw malformed('SET_PERMS');
  return { path, permissions };
}

/** TRANSACTION_END: `T\0` commits, `F\0` aborts. */
export function encodeTransactionEnd(commit: boolean): Buffer {
  return encodeStrings([commit ? 'T' : 'F']);
}

/** Whether a TRANSACTION_END commits. */
export function decodeTransactionEnd(payload: Uint8Array): boolean {
  return decodeBoolean(payload);
}

/** `T\0` or `F\0`: the answer of IS_DOMAIN_INTRODUCED. */
export function encodeBoolean(value: boolean): Buffer {
  return encodeStrings([value ? 'T' : 'F']);
}

/** Reads `T` or `F`. */
export function decodeBoolean(payload: Uint8Array): boolean {
  const text = decodeString(payload);
  if (text !== 'T' && text !== 'F') throw malformed('T or F');
  return text === 'T';
}

/** A decimal number as in transaction and domain ids: digits only, at most u32. */
export function decodeNumber(text: string | undefined): number {
  if (text === undefined || !/^[0-9]{1,10}$/.test(text) || Number(text) > 0xffffffff) throw malformed('number');
  return Number(text);
}

/** INTRODUCE: `domid\0gfn\0event channel\0`. */
export function encodeIntroduce(domid: number, gfn: bigint, eventChannel: number): Buffer {
  return encodeStrings([domid, gfn, eventChannel]);
}

/** The arguments of an INTRODUCE. */
export function decodeIntroduce(payload: Uint8Array): {
  readonly domid: number;
  readonly gfn: bigint;
  readonly eventChannel: number;
} {
  const [domid, gfn, eventChannel, ...rest] = decodeStrings(payload);
  if (gfn === undefined || !/^[0-9]{1,20}$/.test(gfn) || rest.length > 0) throw malformed('INTRODUCE');
  return { domid: decodeNumber(domid), gfn: BigInt(gfn), eventChannel: decodeNumber(eventChannel) };
}

/** DIRECTORY_PART: `path\0offset\0`. */
export function encodeDirectoryPart(path: string, offset: number): Buffer {
  return encodeStrings([path, offset]);
}

/** The path and the offset (bytes of the list of names) of a DIRECTORY_PART. */
export function decodeDirectoryPart(payload: Uint8Array): { readonly path: string; readonly offset: number } {
  const [path, offset, ...rest] = decodeStrings(payload);
  if (path === undefined || rest.length > 0) throw malformed('DIRECTORY_PART');
  return { path, offset: decodeNumber(offset) };
}

/** One answer to DIRECTORY_PART. */
export interface DirectoryPart {
  readonly generation: string;
  readonly names: string[];
  /** Bytes of the list that these names take: added to the offset for the next request. */
  readonly size: number;
  readonly last: boolean;
}

/**
 * The answer to DIRECTORY_PART: `generation\0`, then as many whole names of `list` (each with its NUL) from `offset`
 * on as fit `payloadMax`, then one more NUL if the list ends there.
 */
export function encodeDirectoryPartReply(
  generation: string | number | bigint,
  list: Uint8Array,
  offset: number,
  payloadMax: number = PAYLOAD_MAX,
): Buffer {
  const head = encodeStrings([generation]);
  const buffer = asBuffer(list);
  const room = payloadMax - head.length - 1;
  if (buffer.length - offset <= room) return Buffer.concat([head, buffer.subarray(offset), EMPTY_PAYLOAD]);
  const end = buffer.lastIndexOf(0, offset + room - 1) + 1;
  return Buffer.concat([head, buffer.subarray(offset, Math.max(offset, end))]);
}

/** Reads an answer to DIRECTORY_PART. */
export function decodeDirectoryPartReply(payload: Uint8Array): DirectoryPart {
  const buffer = asBuffer(payload);
  const nul = buffer.indexOf(0);
  if (nul < 0) throw malformed('DIRECTORY_PART reply');
  const generation = buffer.toString('latin1', 0, nul);
  const rest = buffer.subarray(nul + 1);
  const last = rest.length > 0 && rest[rest.length - 1] === 0 && (rest.length === 1 || rest[rest.length - 2] === 0);
  const list = last ? rest.subarray(0, rest.length - 1) : rest;
  return { generation, names: decodeStrings(list), size: list.length, last };
}

/** ERROR: the name of an errno. */
export function encodeError(code: WireErrorCode): Buffer {
  return encodeStrings([code]);
}

/** The code of an ERROR reply; EUNKNOWN for a name that the protocol does not have. */
export function decodeError(payload: Uint8Array): XenStoreErrorCode {
  return errorCodeOf(decodeStrings(payload.subarray(0, 32))[0] ?? '');
}

/** The same bytes as a Buffer. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function malformed(what: string): XenStoreError {
  return new XenStoreError('EINVAL', `malformed payload: ${what}`);
}
