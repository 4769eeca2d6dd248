import { isXenStoreError } from '../../xenstore/errors.ts';
import type { XenStoreReader } from '../../xenstore/xenstore.ts';

/** XenbusState of xen/include/public/io/xenbus.h. */
export const xenbus = {
  initialising: 1,
  initWait: 2,
  initialised: 3,
  connected: 4,
  closing: 5,
  closed: 6,
  reconfiguring: 7,
  reconfigured: 8,
} as const;

export type XenbusState = (typeof xenbus)[keyof typeof xenbus];

const states = new Map<string, XenbusState>(Object.values(xenbus).map((state) => [String(state), state]));

/** The state that a node's text says; undefined for anything that is not one. */
export function parseState(text: string | undefined): XenbusState | undefined {
  return text === undefined ? undefined : states.get(text);
}

/** Reads a `state` node, which the other side may have written: missing, unreadable and nonsense are all undefined. */
export async function readState(store: XenStoreReader, path: string): Promise<XenbusState | undefined> {
  try {
    const value = await store.tryRead(path);
    return value === undefined || value.length !== 1 ? undefined : parseState(String.fromCharCode(value[0] ?? 0));
  } catch (error) {
    if (isXenStoreError(error, 'EACCES')) return undefined;
    throw error;
  }
}
