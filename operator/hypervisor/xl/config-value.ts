import { HypervisorError } from '../hypervisor.ts';

/**
 * A string of an xl configuration. It knows escapes, but nothing that needs one is let in: what could end the string, or
 * the line, was refused by the API, and is again here. Throws `InvalidArgument`.
 */
export function configString(text: string, allowed: RegExp, what: string): string {
  if (text.length > maxString || !allowed.test(text) || !/^[\x20-\x7e]*$/.test(text) || /["']/.test(text)) {
    throw refused(what);
  }
  return `"${text.replaceAll('\\', '\\\\')}"`;
}

/** A whole number within bounds. Throws `InvalidArgument`. */
export function configNumber(value: number, min: number, max: number, what: string): string {
  if (!Number.isInteger(value) || value < min || value > max) throw refused(what);
  return String(value);
}

/** One of `words`. Throws `InvalidArgument`. */
export function configWord<T extends string>(value: T, words: readonly T[], what: string): T {
  if (!words.includes(value)) throw refused(what);
  return value;
}

const maxString = 1400;

function refused(what: string): HypervisorError {
  return new HypervisorError(
    'InvalidArgument',
    `The guest's ${what} cannot be written into a configuration of xl. Change it in the spec: printable ASCII without quotes, and within its bounds.`,
  );
}
