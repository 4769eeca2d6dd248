import type { XenStore } from '../../../xenstore/xenstore.ts';
import { isXenStoreError } from '../../../xenstore/errors.ts';
import { readState, xenbus, type XenbusState } from '../xenbus.ts';

/** The PV devices that MiniOS brings up before QEMU starts, with the nodes that each front end publishes. */
const kinds: Readonly<
  Record<string, { readonly nodes: Readonly<Record<string, string>>; readonly ready: XenbusState }>
> = {
  vbd: {
    nodes: { 'ring-ref': '8', 'event-channel': '3', protocol: 'x86_64-abi' },
    ready: xenbus.initialised,
  },
  vif: {
    nodes: { 'tx-ring-ref': '16', 'rx-ring-ref': '17', 'event-channel': '4', 'request-rx-copy': '1' },
    ready: xenbus.connected,
  },
  vfb: { nodes: { 'page-ref': '24', 'event-channel': '5', protocol: 'x86_64-abi' }, ready: xenbus.initialised },
  vkbd: { nodes: { 'page-ref': '32', 'event-channel': '6', protocol: 'x86_64-abi' }, ready: xenbus.initialised },
  console: { nodes: { 'ring-ref': '40', port: '7' }, ready: xenbus.connected },
};

interface Frontend {
  readonly path: string;
  readonly backend: string;
  readonly state: XenbusState;
}

/**
 * Brings up every front end below `device/` and waits until all their back ends are connected. A back end that never
 * connects holds up the start for ever, as it does in MiniOS; a device without a back end is left alone.
 */
export async function bringUpFrontends(store: XenStore, domid: number, signal: AbortSignal): Promise<number> {
  const found = await Promise.all(Object.keys(kinds).map(async (kind) => publishKind(store, domid, kind)));
  const frontends = found.flat();
  if (frontends.length === 0) return 0;
  await store.wait(
    async (tree) => {
      const states = await Promise.all(frontends.map(async ({ backend }) => readState(tree, `${backend}/state`)));
      return states.every((state) => state === xenbus.connected) ? true : undefined;
    },
    { signal },
  );
  const late = frontends.filter(({ state }) => state !== xenbus.connected);
  await Promise.all(late.map(async ({ path }) => store.write(`${path}/state`, String(xenbus.connected))));
  return frontends.length;
}

async function publishKind(store: XenStore, domid: number, kind: string): Promise<Frontend[]> {
  const plan = kinds[kind];
  if (plan === undefined) return [];
  const directory = `/local/domain/${domid}/device/${kind}`;
  const devices = await children(store, directory);
  const published = await Promise.all(
    devices.map(async (device): Promise<Frontend | undefined> => {
      const path = `${directory}/${device}`;
      if ((await readState(store, `${path}/state`)) === undefined) return undefined;
      await Promise.all([
        ...Object.entries(plan.nodes).map(async ([name, value]) => store.write(`${path}/${name}`, value)),
        store.write(`${path}/state`, String(plan.ready)),
      ]);
      return { path, backend: `/local/domain/0/backend/${kind}/${domid}/${device}`, state: plan.ready };
    }),
  );
  return published.filter((one) => one !== undefined);
}

async function children(store: XenStore, directory: string): Promise<string[]> {
  try {
    return (await store.tryList(directory)) ?? [];
  } catch (error) {
    if (isXenStoreError(error, 'EACCES')) return [];
    throw error;
  }
}
