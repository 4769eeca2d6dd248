const needle = Buffer.from('"managedFields":[');
const quote = 0x22;
const backslash = 0x5c;
const open = 0x5b;
const close = 0x5d;
const comma = 0x2c;
const brace = 0x7b;

/** The index after the array that opens at `start`, or -1 when it does not end in these bytes. */
function endOfArray(bytes: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === quote) {
      at += 1;
      while (at < bytes.length && bytes[at] !== quote) at += bytes[at] === backslash ? 2 : 1;
    } else if (byte === open) depth += 1;
    else if (byte === close) {
      depth -= 1;
      if (depth === 0) return at + 1;
    }
  }
  return -1;
}

/**
 * The JSON text without its `managedFields` arrays, which are often most of an object and which nobody here reads:
 * cutting them is several times cheaper than parsing them. Only a key can match: within a string its closing quote
 * would be escaped. An array that does not look like the server's book-keeping, or does not end, is left where it is.
 */
export function withoutManagedFields(bytes: Buffer): string {
  let from = 0;
  let text = '';
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length)) {
    const before = bytes[at - 1];
    const first = bytes[at + needle.length];
    if ((before !== comma && before !== brace) || (first !== brace && first !== close)) continue;
    let end = endOfArray(bytes, at + needle.length - 1);
    if (end < 0) break;
    let start = at;
    // One comma goes with it: the one after, or, for the last key, the one before.
    if (bytes[end] === comma) end += 1;
    else if (before === comma) start -= 1;
    text += bytes.toString('utf8', from, start);
    from = end;
    at = end - needle.length;
  }
  return from === 0 ? bytes.toString('utf8') : text + bytes.toString('utf8', from);
}
