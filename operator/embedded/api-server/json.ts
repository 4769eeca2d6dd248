/**
 * JSON as Go's encoder writes it where it matters: U+2028 and U+2029 are escaped, because clients that split a watch
 * stream with a line reader take them for line ends and lose the event.
 */
export function toJson(value: unknown): string {
  return escapeLineSeparators(JSON.stringify(value));
}

/** The same escape for text that is JSON already. Inside JSON these two characters occur in strings only. */
export function escapeLineSeparators(json: string): string {
  return /[\u2028\u2029]/.test(json) ? json.replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029') : json;
}

/** True for a plain JSON object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The child object `key`, or undefined if it is absent or something else. */
export function childObject(value: unknown, key: string): Record<string, unknown> | undefined {
  const child = isObject(value) ? value[key] : undefined;
  return isObject(child) ? child : undefined;
}

/** The child string `key`, or '' if it is absent or something else. */
export function childString(value: unknown, key: string): string {
  const child = isObject(value) ? value[key] : undefined;
  return typeof child === 'string' ? child : '';
}

/** The strings of the child list `key`; what is no string is left out. */
export function childStrings(value: unknown, key: string): string[] {
  const child = isObject(value) ? value[key] : undefined;
  return Array.isArray(child) ? child.filter((item) => typeof item === 'string') : [];
}

/** Deep equality of JSON values; the order of keys does not count. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && jsonEqual(a[key], b[key]));
}
