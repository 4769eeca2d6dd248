import { isXenStoreError } from '../../../xenstore/errors.ts';
import type { XenStore } from '../../../xenstore/xenstore.ts';
import { splitCommandLine } from './command-line.ts';

/** What a device model learns before it starts. */
export interface BootFacts {
  readonly targetDomid: number;
  readonly words: readonly string[];
}

/** The stub domain crashed at its start, for a reason that a toolstack can mend. */
export class BootFailure extends Error {
  readonly code = 'BootFailure';
  constructor(message: string) {
    super(message);
    this.name = 'BootFailure';
  }
}

/** Reads `target`, then the target's `vm`, then the command line there: MiniOS's main.c, without which there is no QEMU. */
export async function readBootFacts(store: XenStore, domid: number): Promise<BootFacts> {
  const target = await readText(store, `/local/domain/${domid}/target`);
  if (target === undefined || !/^\d{1,5}$/.test(target)) throw new BootFailure('no target');
  const targetDomid = Number(target);
  const vm = await readText(store, `/local/domain/${targetDomid}/vm`);
  if (vm === undefined || !/^\/vm\/[0-9a-f-]{36}$/.test(vm)) throw new BootFailure('the target has no vm path');
  const line = await readText(store, `${vm}/image/dmargs`);
  if (line === undefined) throw new BootFailure('no command line');
  return { targetDomid, words: splitCommandLine(line) };
}

/** A node that the domain may not see is as good as missing, and xenstored does not tell them apart. */
async function readText(store: XenStore, path: string): Promise<string | undefined> {
  try {
    return await store.tryReadString(path);
  } catch (error) {
    if (isXenStoreError(error, 'EACCES')) return undefined;
    throw error;
  }
}
