import { crc32 } from 'node:zlib';

/** One change as it lies on disk. `object` is the JSON of the object after it (for a removal: the last state). */
export interface StoreRecord {
  readonly resourceVersion: number;
  readonly collection: string;
  readonly removed: boolean;
  readonly object: string;
}

/** One line: checksum, resource version, put or delete, collection, JSON. JSON.stringify never writes a line end. */
export function encodeRecord(record: StoreRecord): string {
  const body = `${String(record.resourceVersion)} ${record.removed ? 'D' : 'P'} ${record.collection} ${record.object}`;
  return `${checksum(body)} ${body}\n`;
}

/** The record of a line without its line end, or undefined if the line is torn or damaged. */
export function decodeRecord(line: string): StoreRecord | undefined {
  const match = /^([0-9a-f]{8}) (\d{1,16}) ([PD]) ([a-z0-9.-]+) (?=\{)/.exec(line);
  if (match === null || checksum(line.slice(9)) !== match[1]) return undefined;
  return {
    resourceVersion: Number(match[2]),
    collection: match[4] ?? '',
    removed: match[3] === 'D',
    object: line.slice(match[0].length),
  };
}

function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
