import { mkdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The host's files that device models save to and restore from, by their path in dom0. */
export interface SaveFiles {
  save(path: string, image: Uint8Array): Promise<void>;
  exists(path: string): Promise<boolean>;
}

/** Save files kept below `directory`, or only remembered if there is none. Nothing outside is ever written. */
export function createSaveFiles(directory: string | undefined): SaveFiles {
  const remembered = new Set<string>();
  const place = (path: string): string | undefined =>
    directory === undefined ? undefined : join(directory, encodeURIComponent(path));
  return {
    save: async (path, image) => {
      const file = place(path);
      if (file !== undefined && directory !== undefined) {
        await mkdir(directory, { recursive: true });
        await writeFile(file, image);
      }
      remembered.add(path);
    },
    exists: async (path) => {
      const file = place(path);
      if (remembered.has(path) || file === undefined) return remembered.has(path);
      return stat(file).then(
        (found) => found.isFile(),
        () => false,
      );
    },
  };
}
