/** Readers of what attributes say. Garbage is undefined, and what undefined means is the caller's to decide. */

/** The digits of `0x8086`, in lower case, if there are exactly so many. */
export function hexDigits(text: string | undefined, digits: number): string | undefined {
  const match = /^0x([0-9a-fA-F]+)\n?$/.exec(text ?? '');
  return match?.[1]?.length === digits ? match[1].toLowerCase() : undefined;
}

/** A whole number from `from` to `to`. */
export function wholeNumber(text: string | undefined, from: number, to: number): number | undefined {
  if (!/^-?\d{1,15}\n?$/.test(text ?? '')) return undefined;
  const value = Number(text);
  return value >= from && value <= to ? value : undefined;
}

/** A name that may be shown: printable, without blanks, at most `max` long; everything else is `otherwise`. */
export function shownName(name: string, max: number, otherwise: string): string {
  return /^[\x21-\x7e]+$/.test(name) && name.length <= max ? name : otherwise;
}

/** Undoes the octal escapes of mountinfo and swaps (`\040` is a blank). */
export function unescapeOctal(text: string): string {
  return text.replace(/\\([0-3][0-7]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}
