import { xenbusState } from '../xenbus.ts';
import { type PciBackendView, backendEntry, gaveUp } from './backend.ts';

export type Gate =
  | { readonly kind: 'ready' }
  /** `until`: when it may be ready by the passing of time alone, in milliseconds since the epoch. */
  | { readonly kind: 'pending'; readonly missing: string; readonly until?: number };

/** How long the front end must have been connected: only after it says so is its device list filled (pcifront.c). */
export const frontendHoldMs = 1000;

/**
 * Whether the device model will find the device if it looks now. The model looks once in its life, so that an insert
 * that overtakes the handshake spoils every later one (reference: the one-shot enumeration trap).
 */
export function insertGate(
  view: PciBackendView,
  address: string,
  connectedSince: number | undefined,
  now: number,
): Gate {
  const entry = backendEntry(view, address);
  if (entry === undefined) return { kind: 'pending', missing: 'the back end entry' };
  if (gaveUp(view)) return { kind: 'pending', missing: 'a back end that pciback has not given up' };
  if (view.state !== xenbusState.connected) return { kind: 'pending', missing: 'the back end' };
  if (entry.state !== xenbusState.initialised) return { kind: 'pending', missing: 'pciback' };
  if (!entry.hasVirtualAddress) return { kind: 'pending', missing: 'the virtual address' };
  if (view.frontendState !== xenbusState.connected || connectedSince === undefined) {
    return { kind: 'pending', missing: 'the front end' };
  }
  const until = connectedSince + frontendHoldMs;
  return now >= until
    ? { kind: 'ready' }
    : { kind: 'pending', missing: 'a front end that has been connected for a second', until };
}
