/**
 * Splits a device model's command line as MiniOS does: at spaces, with `'` and `"` quoting. The value of
 * `/vm/<uuid>/image/dmargs` begins with a space when libxl wrote it.
 */
export function splitCommandLine(text: string): string[] {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (const character of text) {
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else word = (word ?? '') + character;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= '';
    } else if (character === ' ') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Host bridge, IDE and its companions, graphics, Xen platform device. */
const fixedSlots = 4;

/** How many slots the emulated devices take: the fixed ones and one for each `-net nic`. */
export function emulatedSlotCount(words: readonly string[]): number {
  const nics = words.filter((word, index) => words[index - 1] === '-net' && /^nic(,|$)/.test(word)).length;
  return fixedSlots + nics;
}

/** What follows `-loadvm`: the device model starts from a saved state. */
export function restoreFile(words: readonly string[]): string | undefined {
  const at = words.indexOf('-loadvm');
  return at < 0 ? undefined : words[at + 1];
}
