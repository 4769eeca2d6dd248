import { XenStoreError } from './errors.ts';
import { decodeBoolean, decodeDirectoryPartReply, decodeNumber, decodeString, decodeStrings } from './messages.ts';
import type { DirectoryPart } from './messages.ts';
import { decodePermissions } from './permissions.ts';
import type { Decoder } from './request.ts';

/** Readers of replies, one for each form that a reply can have. */

/** `OK`: nothing to read. */
export const nothing: Decoder<undefined> = () => undefined;

/** A value's bytes, copied out of the receive buffer. */
export const bytes: Decoder<Uint8Array> = (buffer, start, end) => {
  const value = Buffer.allocUnsafe(end - start);
  buffer.copy(value, 0, start, end);
  return value;
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** A value as text: UTF-8 without NUL, else EILSEQ. */
export const text: Decoder<string> = (buffer, start, end) => {
  let high = 0;
  for (let at = start; at < end; at++) {
    const byte = buffer[at] as number;
    if (byte === 0) throw new XenStoreError('EILSEQ', 'the value has a NUL');
    high |= byte;
  }
  if (high < 0x80) return buffer.toString('latin1', start, end);
  try {
    return utf8.decode(buffer.subarray(start, end));
  } catch (cause) {
    throw new XenStoreError('EILSEQ', 'the value is not UTF-8', { cause });
  }
};

/** NUL-terminated strings, as the children of a node. */
export const strings: Decoder<string[]> = (buffer, start, end) => decodeStrings(buffer.subarray(start, end));

/** One string, with or without its NUL, that may have any bytes: what CONTROL and quotas answer. */
export const loose: Decoder<string> = (buffer, start, end) =>
  buffer.toString('utf8', start, end > start && buffer[end - 1] === 0 ? end - 1 : end);

/** One path or name. */
export const word: Decoder<string> = (buffer, start, end) => {
  const found = decodeString(buffer.subarray(start, end));
  if (found === undefined) throw new XenStoreError('EPROTOCOL', 'more than one string where one is due');
  return found;
};

/** A decimal number. */
export const number: Decoder<number> = (buffer, start, end) => decodeNumber(word(buffer, start, end));

/** `T` or `F`. */
export const boolean: Decoder<boolean> = (buffer, start, end) => decodeBoolean(buffer.subarray(start, end));

/** A permission list. */
export const permissions: Decoder<ReturnType<typeof decodePermissions>> = (buffer, start, end) =>
  decodePermissions(strings(buffer, start, end));

/** One answer to DIRECTORY_PART. */
export const directoryPart: Decoder<DirectoryPart> = (buffer, start, end) =>
  decodeDirectoryPartReply(buffer.subarray(start, end));
