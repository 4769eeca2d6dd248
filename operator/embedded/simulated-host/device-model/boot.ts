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
  const target = await store.tryReadString(`/local/domain/${domid}/target`);
  if (target === undefined || !/^\d{1,5}$/.test(target)) throw new BootFailure('no target');
  const targetDomid = Number(target);
  const vm = await store.tryReadString(`/local/domain/${targetDomid}/vm`);
  if (vm === undefined || !/^\/vm\/[0-9a-f-]{36}$/.test(vm)) throw new BootFailure('the target has no vm path');
  const line = await store.tryReadString(`${vm}/image/dmargs`);
  if (line === undefined) throw new BootFailure('no command line');
  return { targetDomid, words: splitCommandLine(line) };
}
