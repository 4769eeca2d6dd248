import { xenbus, type XenbusState } from './xenbus.ts';

/** The PV devices that dom0 serves by itself: disks, network, and what its QEMU serves (display, keyboard, consoles). */
export const pvKinds = ['vbd', 'vif', 'vfb', 'vkbd', 'console'] as const;

export type PvKind = (typeof pvKinds)[number];

/** A node that a back end writes, relative to its own directory. The `state` comes last. */
export interface BackendWrite {
  readonly node: string;
  readonly value: string;
}

/**
 * What a PV back end writes next, given both states; nothing if it waits. InitWait, then Connected once the front end
 * is Initialised or Connected; Closed when the toolstack closes it or the front end is gone.
 */
export function pvBackendStep(
  kind: PvKind,
  backend: XenbusState | undefined,
  frontend: XenbusState | undefined,
): readonly BackendWrite[] {
  switch (backend) {
    case xenbus.initialising:
      return [...offers[kind], stateOf(xenbus.initWait)];
    case xenbus.initWait:
      if (frontend !== xenbus.initialised && frontend !== xenbus.connected) return [];
      return [...(kind === 'vbd' ? geometry : []), stateOf(xenbus.connected)];
    case xenbus.connected:
      return frontend === undefined || frontend === xenbus.closing || frontend === xenbus.closed
        ? [stateOf(xenbus.closed)]
        : [];
    case xenbus.closing:
      return [stateOf(xenbus.closed)];
    default:
      return [];
  }
}

/** A state as a write. */
export function stateOf(state: XenbusState): BackendWrite {
  return { node: 'state', value: String(state) };
}

/** What a back end says of itself before a front end comes. `hotplug-status` is the hotplug script's. */
const offers: Readonly<Record<PvKind, readonly BackendWrite[]>> = {
  vbd: [
    { node: 'physical-device', value: 'fe:0' },
    { node: 'hotplug-status', value: 'connected' },
    { node: 'feature-flush-cache', value: '1' },
  ],
  vif: [
    { node: 'feature-rx-copy', value: '1' },
    { node: 'feature-sg', value: '1' },
    { node: 'hotplug-status', value: 'connected' },
  ],
  vfb: [{ node: 'feature-resize', value: '1' }],
  vkbd: [{ node: 'feature-abs-pointer', value: '1' }],
  console: [],
};

/** A disk of 8 GiB. */
const geometry: readonly BackendWrite[] = [
  { node: 'sectors', value: '16777216' },
  { node: 'sector-size', value: '512' },
  { node: 'info', value: '0' },
];
