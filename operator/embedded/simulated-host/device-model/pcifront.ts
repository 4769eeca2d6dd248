import type { WatchHandle, XenStore } from '../../../xenstore/xenstore.ts';
import { isXenStoreError } from '../../../xenstore/errors.ts';
import { readState, xenbus, type XenbusState } from '../xenbus.ts';

/** What MiniOS's pcifront does next (stubdom-protocol §4.6). `publish` is ring, event channel, magic, then state 3. */
export type PcifrontMove = 'wait' | 'publish' | 'connect' | 'reconfigure' | 'reconnect' | 'shutDown';

/** Pure: from both states, each undefined if the node is missing. */
export function pcifrontMove(frontend: XenbusState | undefined, backend: XenbusState | undefined): PcifrontMove {
  if (frontend === undefined || backend === undefined) return 'wait';
  if (backend === xenbus.closing || backend === xenbus.closed) {
    return frontend === xenbus.closed || frontend === xenbus.initialising ? 'wait' : 'shutDown';
  }
  if (frontend === xenbus.initialising) return backend <= xenbus.connected ? 'publish' : 'wait';
  if (frontend === xenbus.initialised) return backend === xenbus.connected ? 'connect' : 'wait';
  if (frontend === xenbus.connected) return backend === xenbus.reconfiguring ? 'reconfigure' : 'wait';
  if (frontend === xenbus.reconfiguring) return backend === xenbus.reconfigured ? 'reconnect' : 'wait';
  return 'wait';
}

export interface Pcifront {
  /** Whether the global device pointer is set: only then does libpci find anything. */
  readonly connected: boolean;
  /** Devices of the back end as `SSSS:BB:DD.F`, in its order. */
  devices(): Promise<readonly string[]>;
  /** Whether the configuration space of the device (BDF without segment) can be read: `vdev-N` must be there. */
  readable(device: string): Promise<boolean>;
  stop(): Promise<void>;
}

/** Runs the front end of stub domain `domid` on its own connection until `stop`. Reacts to watches alone. */
export function startPcifront(store: XenStore, domid: number, onError: (error: unknown) => void): Pcifront {
  const frontend = `/local/domain/${domid}/device/pci/0`;
  const backend = `/local/domain/0/backend/pci/${domid}/0`;
  const watches: WatchHandle[] = [];
  let backendWatched = false;
  let connected = false;
  let stopped = false;
  let running = false;
  let again = false;

  const changed = (): void => {
    again = true;
    if (running) return;
    running = true;
    void loop().catch(onError);
  };

  const loop = async (): Promise<void> => {
    try {
      while (again && !stopped) {
        again = false;
        await act();
      }
    } finally {
      running = false;
    }
  };

  const act = async (): Promise<void> => {
    const mine = await readState(store, `${frontend}/state`);
    if (mine === undefined) {
      connected = false;
      return;
    }
    if (!backendWatched) {
      backendWatched = true;
      watches.push(store.watch(`${backend}/state`, changed));
      return;
    }
    switch (pcifrontMove(mine, await readState(store, `${backend}/state`))) {
      case 'wait':
        return;
      case 'publish':
        await Promise.all([
          store.write(`${frontend}/pci-op-ref`, '8'),
          store.write(`${frontend}/event-channel`, '9'),
          store.write(`${frontend}/magic`, '7'),
          store.write(`${frontend}/state`, String(xenbus.initialised)),
        ]);
        return;
      case 'connect':
        await store.write(`${frontend}/state`, String(xenbus.connected));
        connected = true;
        return;
      case 'reconfigure':
        await store.write(`${frontend}/state`, String(xenbus.reconfiguring));
        return;
      case 'reconnect':
        await store.write(`${frontend}/state`, String(xenbus.connected));
        return;
      case 'shutDown':
        connected = false;
        await store.write(`${frontend}/state`, String(xenbus.closed));
        return;
    }
  };

  watches.push(store.watch(`/local/domain/${domid}/device/pci`, changed));

  const devices = async (): Promise<readonly string[]> => {
    const count = Number((await text(store, `${backend}/num_devs`)) ?? '0');
    const wanted = Math.min(Number.isInteger(count) && count > 0 ? count : 0, mostDevices);
    const found = await Promise.all(
      Array.from({ length: wanted }, (_, index) => text(store, `${backend}/dev-${index}`)),
    );
    return found.map((one) => one ?? '');
  };

  return {
    get connected() {
      return connected;
    },
    devices,
    readable: async (device) => {
      const all = await devices();
      const index = all.findIndex((one) => one.endsWith(device));
      return index >= 0 && (await text(store, `${backend}/vdev-${index}`)) !== undefined;
    },
    stop: async () => {
      stopped = true;
      await Promise.allSettled(watches.map((watch) => watch.close()));
    },
  };
}

/** As many as a PV bus has places. */
const mostDevices = 256;

/** A device model takes what it cannot read for missing. */
async function text(store: XenStore, path: string): Promise<string | undefined> {
  try {
    return await store.tryReadString(path);
  } catch (error) {
    if (isXenStoreError(error, 'EACCES')) return undefined;
    throw error;
  }
}
