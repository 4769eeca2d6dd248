import type { Clock, Logger } from '../../runtime/ports.ts';
import { isXenStoreError } from '../../xenstore/errors.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import { pcibackStep, type PcibackDevice } from './pciback.ts';
import { pvBackendStep, pvKinds, type BackendWrite, type PvKind } from './pv-backend.ts';
import type { QuirkSettings } from './quirks.ts';
import { parseState, readState, xenbus, type XenbusState } from './xenbus.ts';

/** The back ends of dom0 for all domains of a host: one watch, and nothing to do while nothing changes. */
export interface Backends {
  stop(): Promise<void>;
}

export interface BackendsOptions {
  /** The dom0 connection. */
  readonly store: XenStore;
  /** Whether a device (BDF) is bound to pciback. */
  readonly assignable: (address: string) => boolean;
  /** The misbehaviour asked for the back ends of a stub domain. */
  readonly quirks: (domid: number) => QuirkSettings;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Device {
  readonly kind: PvKind | 'pci';
  readonly domid: number;
  readonly device: string;
}

const kinds: ReadonlySet<string> = new Set([...pvKinds, 'pci']);

const firstVncPort = 5900;
const backendRoot = '/local/domain/0/backend/';
const backendPath = /^\/local\/domain\/0\/backend\/([a-z]+)\/(\d+)\/(\d+)(?:\/(state|online))?$/;
const frontendPath = /^\/local\/domain\/(\d+)\/device\/([a-z]+)\/(\d+)(?:\/state)?$/;
/** Removing a whole domain, or all its back ends of a kind, is one event with that path. */
const removedParent = /^\/local\/domain\/(?:\d+|0\/backend(?:\/pci(?:\/\d+)?)?)$/;

/** Which back end a changed path is about; undefined for changes that no back end reacts to. */
export function deviceOfPath(path: string): Device | undefined {
  if (path.startsWith(backendRoot)) {
    const [, kind = '', domid = '', device = ''] = backendPath.exec(path) ?? [];
    return kinds.has(kind) ? { kind: kind as Device['kind'], domid: Number(domid), device } : undefined;
  }
  const [, domid = '', kind = '', device = ''] = frontendPath.exec(path) ?? [];
  return kinds.has(kind) ? { kind: kind as Device['kind'], domid: Number(domid), device } : undefined;
}

export async function startBackends(options: BackendsOptions): Promise<Backends> {
  const { store, clock, logger } = options;
  const dirty = new Map<string, boolean>();
  /** Devices that pciback has exported, by BDF: the back end's directory. A second export is refused. */
  const exported = new Map<string, string>();
  const displays = new Set<number>();
  const timers = new Set<() => void>();
  let stopped = false;

  const changed = (path: string): void => {
    const device = deviceOfPath(path);
    if (device !== undefined) touch(device);
    else if (removedParent.test(path)) for (const holder of new Set(exported.values())) touchPath(holder);
  };

  const touchPath = (path: string): void => {
    const device = deviceOfPath(path);
    if (device !== undefined) touch(device);
  };

  const touch = (device: Device): void => {
    if (stopped) return;
    const key = directory(device);
    const busy = dirty.has(key);
    dirty.set(key, true);
    if (!busy) void serve(device, key);
  };

  const serve = async (device: Device, key: string): Promise<void> => {
    try {
      while (dirty.get(key) === true && !stopped) {
        dirty.set(key, false);
        await act(device, key);
      }
    } catch (error) {
      if (!stopped)
        logger.warn('back end failed', { backend: key, error: error instanceof Error ? error.message : '' });
    } finally {
      dirty.delete(key);
    }
  };

  const act = async (device: Device, key: string): Promise<void> => {
    const quirks = options.quirks(device.domid);
    if (quirks.backendsStuck) return;
    const frontend = `/local/domain/${device.domid}/device/${device.kind}/${device.device}`;
    const [backendState, frontendState] = await Promise.all([
      readState(store, `${key}/state`),
      readState(store, `${frontend}/state`),
    ]);
    if (backendState === undefined) {
      forget(device, key);
      return;
    }
    // Console 0 is the console daemon's, which knows no states; a shared console has no front end directory.
    if (device.kind === 'console' && device.device === '0') return;
    const writes =
      device.kind === 'pci'
        ? await pciWrites(device, key, backendState, frontendState, quirks)
        : pvBackendStep(device.kind, backendState, frontendState);
    if (writes.length === 0) return;
    await pause(quirks.backendDelayMs);
    if (!(await put(key, writes))) return;
    if (writes.some(({ node, value }) => node === 'state' && value === String(xenbus.connected))) {
      await connected(device, frontend);
    }
  };

  /** Not into a directory that was removed meanwhile: a write would bring it back. */
  const put = async (key: string, writes: readonly BackendWrite[]): Promise<boolean> =>
    store.transaction(async (tx) => {
      if ((await tx.tryRead(`${key}/state`)) === undefined) return false;
      await Promise.all(writes.map(async ({ node, value }) => tx.write(`${key}/${node}`, value)));
      return true;
    }, patient);

  const pciWrites = async (
    device: Device,
    key: string,
    backend: XenbusState,
    frontend: XenbusState | undefined,
    quirks: QuirkSettings,
  ): Promise<readonly BackendWrite[]> => {
    const exporting = backend === xenbus.initialising || backend === xenbus.reconfiguring;
    const devices = exporting ? await pciDevices(store, key) : [];
    const available = (address: string): boolean =>
      options.assignable(address) && (exported.get(address) ?? key) === key;
    const { writes, error } = pcibackStep({ backend, frontend, devices, available, quirks });
    if (error !== undefined) {
      await store.write(`/local/domain/0/error/backend/pci/${device.domid}/${device.device}/error`, `-22 ${error}`);
    } else if (exporting && writes.length > 0) {
      release(key);
      for (const { address, state } of devices) if (!isLeaving(state)) exported.set(address, key);
    }
    if (writes.some(({ node, value }) => node === 'state' && value === String(xenbus.closed))) release(key);
    return writes;
  };

  const release = (key: string): void => {
    for (const [address, holder] of exported) if (holder === key) exported.delete(address);
  };

  const forget = (device: Device, key: string): void => {
    release(key);
    if (device.kind === 'vfb') displays.delete(device.domid);
  };

  /** What dom0's QEMU and console daemon tell a toolstack once they serve a device. */
  const connected = async (device: Device, frontend: string): Promise<void> => {
    if (device.kind === 'vfb') {
      displays.add(device.domid);
      await below(
        `/local/domain/${device.domid}`,
        'console/vnc-port',
        String(firstVncPort + [...displays].indexOf(device.domid)),
      );
    }
    if (device.kind === 'console') {
      const output = await store.tryRead(`${directory(device)}/output`);
      if (output !== undefined && Buffer.from(output).toString('latin1') === 'pty') {
        await below(frontend, 'tty', `/dev/pts/${device.domid}`);
      }
    }
  };

  const below = async (parent: string, node: string, value: string): Promise<void> => {
    await store.transaction(async (tx) => {
      try {
        await tx.getPermissions(parent);
      } catch (error) {
        if (isXenStoreError(error, 'ENOENT')) return;
        throw error;
      }
      await tx.write(`${parent}/${node}`, value);
    }, patient);
  };

  const pause = async (delayMs: number): Promise<void> => {
    if (delayMs <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(delayMs, () => {
        timers.delete(cancel);
        resolve();
      });
      timers.add(cancel);
    });
  };

  const watch = store.watch('/local/domain', ({ path }) => changed(path));
  await watch.ready;

  return {
    stop: async () => {
      stopped = true;
      for (const cancel of timers) cancel();
      timers.clear();
      await watch.close().catch(() => {});
    },
  };
}

/** pciback lets go of an entry that the toolstack closes, and leaves what it says as it is (xen_pcibk_reconfigure). */
const isLeaving = (state: XenbusState | undefined): boolean => state === xenbus.closing || state === xenbus.closed;

function directory({ kind, domid, device }: Device): string {
  return `${backendRoot}${kind}/${domid}/${device}`;
}

/** A kernel tries for ever. */
const patient = { attempts: 1000 };

/** As many as the virtual bus has functions. */
const mostPciDevices = 256;

async function pciDevices(store: XenStore, key: string): Promise<PcibackDevice[]> {
  const count = Number((await store.tryReadString(`${key}/num_devs`)) ?? '0');
  const wanted = Number.isInteger(count) ? Math.min(Math.max(count, 0), mostPciDevices) : 0;
  const indexes = Array.from({ length: wanted }, (_, index) => index);
  const found = await Promise.all(
    indexes.map(async (index): Promise<PcibackDevice | undefined> => {
      const [address, state, vdev] = await Promise.all([
        store.tryReadString(`${key}/dev-${index}`),
        store.tryReadString(`${key}/state-${index}`),
        store.tryReadString(`${key}/vdev-${index}`),
      ]);
      return address === undefined ? undefined : { index, address, state: parseState(state), vdev };
    }),
  );
  return found.filter((one) => one !== undefined);
}
