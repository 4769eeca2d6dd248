import { lstat, mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileFacts } from '../../../hypervisor/hypervisor.ts';

/** The host's files that device models save to and restore from, by their path in dom0. */
export interface SaveFiles {
  /** Writes the file, as of `modifiedAt` (milliseconds since the epoch). */
  save(path: string, image: Uint8Array, modifiedAt: number): Promise<void>;
  /** The file, or undefined if there is none. */
  inspect(path: string): Promise<FileFacts | undefined>;
}

/** Save files kept below `directory`, or only remembered if there is none. Nothing outside is ever written. */
export function createSaveFiles(directory: string | undefined): SaveFiles {
  const remembered = new Map<string, FileFacts>();
  return {
    save: async (path, image, modifiedAt) => {
      if (directory !== undefined) {
        const file = join(directory, encodeURIComponent(path));
        await mkdir(directory, { recursive: true });
        await writeFile(file, image);
        await utimes(file, modifiedAt / 1000, modifiedAt / 1000);
      }
      remembered.set(path, { size: image.length, modifiedAt });
    },
    inspect: async (path) => {
      const known = remembered.get(path);
      if (known !== undefined || directory === undefined) return known;
      return lstat(join(directory, encodeURIComponent(path))).then(
        (found) => (found.isFile() ? { size: found.size, modifiedAt: found.mtimeMs } : undefined),
        () => undefined,
      );
    },
  };
}
