import { isObject } from '../json.ts';
import type { JsonObject, ServedResource } from '../served-resource.ts';

/** Fields that Go holds as bytes, by kind: JSON has them in base64. */
const byteFields: Readonly<Record<string, string>> = { Secret: 'data', ConfigMap: 'binaryData' };

/**
 * Reads the fields of a built-in kind that are bytes and writes them anew, as Go does. `wrong` says what Go's decoder
 * would say if it cannot be read.
 */
export function normalBytes(
  resource: ServedResource,
  object: JsonObject,
): { readonly object: JsonObject } | { readonly wrong: string } {
  const field = resource.custom ? undefined : byteFields[resource.kind];
  const map = field === undefined ? undefined : object[field];
  if (field === undefined || !isObject(map)) return { object };
  const read: JsonObject = {};
  for (const [key, value] of Object.entries(map)) {
    if (typeof value === 'string') {
      const fault = base64Fault(value);
      if (fault !== undefined) return { wrong: `illegal base64 data at input byte ${String(fault)}` };
      read[key] = Buffer.from(value, 'base64').toString('base64');
    } else if (value === null) {
      read[key] = value;
    } else {
      return { wrong: cannotUnmarshal(value, `${resource.kind}.${field}`, '[]uint8') };
    }
  }
  return { object: { ...object, [field]: read } };
}

/** What Go's JSON decoder says of a value that does not fit a field; `type` is the Go type. */
export function cannotUnmarshal(value: unknown, field: string, type: string): string {
  return `json: cannot unmarshal ${kindOf(value)} into Go struct field ${field} of type ${type}`;
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  return typeof value === 'boolean' ? 'bool' : typeof value;
}

/** Where Go's `base64.StdEncoding` stops reading; undefined if it reads all. Line breaks are passed over. */
function base64Fault(text: string): number | undefined {
  const input = Buffer.from(text);
  let at = 0;
  const skipBreaks = (): void => {
    while (input[at] === 0x0a || input[at] === 0x0d) at++;
  };
  for (let digits = 0; ;) {
    const quantum = digits % 4;
    const byte = input[at];
    if (byte === undefined) return quantum === 0 ? undefined : at - quantum;
    at++;
    if (byte === 0x0a || byte === 0x0d) continue;
    if (isDigit(byte)) {
      digits++;
      continue;
    }
    if (byte !== padding || quantum < 2) return at - 1;
    if (quantum === 2) {
      skipBreaks();
      if (at === input.length) return at;
      if (input[at] !== padding) return at - 1;
      at++;
    }
    skipBreaks();
    return at < input.length ? at : undefined;
  }
}

const padding = 0x3d;

function isDigit(byte: number): boolean {
  return /[A-Za-z0-9+/]/.test(String.fromCharCode(byte));
}
