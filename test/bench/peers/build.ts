import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const libraries = { libxenstore: ['-lxenstore'], insert: ['-lxenstore'], pipelined: [] } as const;

/** A C program of this folder. */
export type Peer = keyof typeof libraries;

/** Compiles C peers into a folder, each under its own name; says so loudly where that cannot be, and gives false. */
export async function buildPeers(folder: string, peers: readonly Peer[]): Promise<boolean> {
  try {
    if (!existsSync('/usr/include/xenstore.h')) throw new Error('xenstore.h is not there: install libxen-dev');
    for (const peer of peers) {
      const source = join(import.meta.dirname, `${peer}.c`);
      await promisify(execFile)('cc', ['-O2', '-o', join(folder, peer), source, ...libraries[peer]]);
    }
    return true;
  } catch (error) {
    process.stderr.write(`\n*** SKIPPED: the C peers cannot be built here: ${String(error)}\n\n`);
    return false;
  }
}
