import { XenStoreError } from './errors.ts';
import type { DirectoryPart } from './messages.ts';

/** How often a list that changes while it is read is begun again. */
const MOST_RESTARTS = 16;
/** Most bytes of one node's list of children: far more than any node has. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * The children of a node in several messages. The daemon counts changes of the list as a generation; when it moves
 * between two parts, the list is read anew. EAGAIN when that does not come to an end.
 */
export async function listInParts(path: string, part: (offset: number) => Promise<DirectoryPart>): Promise<string[]> {
  for (let restart = 0; restart < MOST_RESTARTS; restart++) {
    const names = await listOnce(path, part);
    if (names !== undefined) return names;
  }
  throw failure('EAGAIN', path, 'the list of children keeps changing');
}

async function listOnce(path: string, part: (offset: number) => Promise<DirectoryPart>): Promise<string[] | undefined> {
  const names: string[] = [];
  let generation: string | undefined;
  for (let offset = 0; offset <= MOST_BYTES;) {
    const next = await part(offset);
    generation ??= next.generation;
    if (next.generation !== generation) return undefined;
    for (const name of next.names) names.push(name);
    if (next.last) return names;
    if (next.size === 0) throw failure('EPROTOCOL', path, 'a part of the list is empty and not the last');
    offset += next.size;
  }
  throw failure('EPROTOCOL', path, 'the list of children has no end');
}

function failure(code: 'EAGAIN' | 'EPROTOCOL', path: string, message: string): XenStoreError {
  return new XenStoreError(code, `DIRECTORY_PART ${path}: ${message}`, { operation: 'DIRECTORY_PART', path });
}
