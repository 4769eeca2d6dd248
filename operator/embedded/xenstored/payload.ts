/** Payloads as latin1 strings, taken apart as C xenstored does: a string counts only with the NUL that ends it. */

/** The one string of a payload; undefined unless it is exactly one string with its NUL. */
export function oneString(payload: string): string | undefined {
  const end = payload.indexOf('\0');
  return end < 0 || end !== payload.length - 1 ? undefined : payload.slice(0, end);
}

/** All strings of a payload. What follows the last NUL is not one. */
export function strings(payload: string): string[] {
  return payload.split('\0').slice(0, -1);
}

/** C's atoi, at most 32 bits, unsigned: 0 for what is no number. */
export function toNumber(text: string): number {
  const match = /^[ \t\n\v\f\r]*([+-]?[0-9]+)/.exec(text);
  return match === null ? 0 : Number(BigInt.asUintN(32, BigInt((match[1] as string).replace('+', ''))));
}
