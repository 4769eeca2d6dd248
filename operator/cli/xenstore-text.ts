import { encodePermissions } from '../xenstore/permissions.ts';
import type { Permissions } from '../xenstore/xenstore.ts';

const named: Readonly<Record<number, string>> = { 9: '\\t', 10: '\\n', 13: '\\r', 92: '\\\\' };

/**
 * Shows any bytes on one line of printable ASCII, as xenstore-ls does: \t \n \r \\ by name, other bytes below 8 as three
 * octal digits, the rest as \xHH.
 */
export function escapeValue(value: Uint8Array): string {
  let text = '';
  for (const byte of value) {
    const name = named[byte];
    if (name !== undefined) text += name;
    else if (byte >= 0x20 && byte <= 0x7e) text += String.fromCharCode(byte);
    else if (byte < 8) text += `\\${byte.toString(8).padStart(3, '0')}`;
    else text += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return text;
}

/** The bytes that `escapeValue` would show so, undefined if there is an escape it does not know. */
export function unescapeValue(text: string): Uint8Array | undefined {
  const chunks: Uint8Array[] = [];
  const pattern = /\\(?:x([0-9A-Fa-f]{2})|([0-3][0-7]{2})|([tnr\\]))|([^\\]+)|(\\)/gu;
  for (const [, hex, octal, letter, plain, wrong] of text.matchAll(pattern)) {
    if (wrong !== undefined) return undefined;
    if (plain !== undefined) chunks.push(Buffer.from(plain));
    else if (hex !== undefined) chunks.push(Buffer.of(Number.parseInt(hex, 16)));
    else if (octal !== undefined) chunks.push(Buffer.of(Number.parseInt(octal, 8)));
    else chunks.push(Buffer.from({ t: '\t', n: '\n', r: '\r' }[letter ?? ''] ?? '\\'));
  }
  return Buffer.concat(chunks);
}

/** Permissions as the tools of Xen write them: the owner with what all others may do, then the exceptions: `n5,r0`. */
export function formatPermissions(permissions: Permissions): string {
  return encodePermissions(permissions).join(',');
}
