import { createReadStream } from 'node:fs';
import { ApiServerStartError } from '../start-error.ts';
import { decodeRecord, type StoreRecord } from './record.ts';

/**
 * Gives the records of a file to `onRecord` until the first that is torn; resolves with the number of good bytes. A good
 * record after a bad one means damage, which is an error.
 */
export async function readRecords(path: string, onRecord: (record: StoreRecord) => void): Promise<number> {
  let good = 0;
  let bad = false;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
    let data: Buffer = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer]);
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10)) {
      const record = decodeRecord(data.toString('utf8', 0, end));
      if (record === undefined) {
        bad = true;
      } else {
        if (bad) throw corrupt(path);
        onRecord(record);
        good += end + 1;
      }
      data = data.subarray(end + 1);
    }
    rest = data;
  }
  return good;
}

/** The error for a file that is damaged before its end. */
export function corrupt(path: string): ApiServerStartError {
  return new ApiServerStartError(
    'EDATACORRUPT',
    `${path} is damaged before its end: restore it from a copy, or start with an empty --data-dir`,
  );
}
