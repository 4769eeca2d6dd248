import { backendOptions, type PciOptions } from '../command-channel/parameter.ts';
import { backendPath, frontendPath, libxlPath } from '../locations.ts';
import type { Pin } from '../notes.ts';
import { type PlanNode, nodesBelow, ownedBy } from '../plan-node.ts';
import { xenbusState } from '../xenbus.ts';

/** One device in the PV back end. Its index is not stable: removal shifts the later ones down (libxl_pci.c). */
export interface BackendEntry {
  readonly index: number;
  readonly address: string;
  /** xenbus sub-state of the entry; 3 once pciback has it. */
  readonly state: number | undefined;
  /** Whether pciback gave it a virtual address; without one its configuration space reads as zeros. */
  readonly hasVirtualAddress: boolean;
}

/** The stub domain's PV back end for PCI, as dom0 owns it, and what its front end says, which is only a hint. */
export interface PciBackendView {
  readonly exists: boolean;
  readonly state: number | undefined;
  readonly entries: readonly BackendEntry[];
  readonly frontendState: number | undefined;
}

export const noPciBackend: PciBackendView = { exists: false, state: undefined, entries: [], frontendState: undefined };

/** The entry of a device, if it is there. */
export function backendEntry(view: PciBackendView, address: string): BackendEntry | undefined {
  return view.entries.find((entry) => entry.address === address);
}

/**
 * Whether another entry than that of `address` is on its way out. pciback fails on an entry that it let go before, and then
 * never answers again (Linux, xen_pcibk_reconfigure): nothing else may be asked of it until that entry is dropped.
 */
export function othersLeave(view: PciBackendView, address?: string): boolean {
  return view.entries.some(
    (entry) => entry.address !== address && (entry.state === xenbusState.closing || entry.state === xenbusState.closed),
  );
}

/**
 * Whether pciback has ended the back end by itself: it did not get a device (one that the stub domain before still had, say),
 * or its front end went away. It never begins again on its own (Linux, xen-pciback/xenbus.c).
 */
export function gaveUp({ exists, state }: PciBackendView): boolean {
  return exists && (state === xenbusState.closing || state === xenbusState.closed);
}

/** As long as libxl waits for a back end to close (LIBXL_DESTROY_TIMEOUT). */
const closeMs = 10_000;

/**
 * Whether both ends can be removed: pciback has closed its own, or has been closing it for too long. One that is removed
 * before goes on with what it was at when the same path is laid out again. Else the time at which to look again
 * (milliseconds since the epoch), if it is on its way.
 */
export function backendEnd(
  { exists, state }: PciBackendView,
  closingSince: number | undefined,
  now: number,
): { readonly ended: boolean; readonly dueAt?: number } {
  if (!exists || state === undefined || state === xenbusState.closed) return { ended: true };
  if (state !== xenbusState.closing) return { ended: false };
  const dueAt = (closingSince ?? now) + closeMs;
  return now >= dueAt ? { ended: true } : { ended: false, dueAt };
}

/** What to write to have pciback close the back end (libxl__device_destroy). */
export function closeBackend(stub: Pin): PlanNode[] {
  const back = backendPath('pci', stub.domid, 0);
  return [
    { path: `${back}/online`, value: '0' },
    { path: `${back}/state`, value: String(xenbusState.closing) },
  ];
}

/** The nodes of both ends. */
export function backendRoots(stub: Pin): string[] {
  return [
    backendPath('pci', stub.domid, 0),
    frontendPath('pci', stub.domid, 0),
    `${libxlPath(stub.domid)}/device/pci/0`,
  ];
}

/** A device to be put into the back end. */
export interface NewEntry {
  readonly address: string;
  readonly options: PciOptions;
  readonly vdevfn?: number;
}

/** Writes of a first or further device. Removals are paths. */
export interface BackendChange {
  readonly write: readonly PlanNode[];
  readonly remove: readonly string[];
}

function entryNodes(back: string, index: number, address: string, options: PciOptions, vdevfn?: number): PlanNode[] {
  return nodesBelow(back, {
    [`key-${index}`]: address,
    [`dev-${index}`]: address,
    ...(vdevfn === undefined ? {} : { [`vdevfn-${index}`]: vdevfn.toString(16) }),
    [`opts-${index}`]: backendOptions(options),
    [`state-${index}`]: String(xenbusState.initialising),
  });
}

/**
 * What to write to add devices: the first ones make both ends, further ones ask the connected back end to look again
 * (state 7). Undefined while the back end is busy with something else.
 */
export function addBackendEntries(
  view: PciBackendView,
  stub: Pin,
  stubName: string,
  devices: readonly NewEntry[],
): BackendChange | undefined {
  const back = backendPath('pci', stub.domid, 0);
  const front = frontendPath('pci', stub.domid, 0);
  const entries = devices.flatMap(({ address, options, vdevfn }, index) =>
    entryNodes(back, view.entries.length + index, address, options, vdevfn),
  );
  const count = { path: `${back}/num_devs`, value: String(view.entries.length + devices.length) };
  if (!view.exists) {
    const note = `${libxlPath(stub.domid)}/device/pci/0`;
    return {
      remove: [],
      write: [
        { path: front, permissions: ownedBy(stub.domid, 0) },
        ...nodesBelow(front, { backend: back, 'backend-id': '0', state: String(xenbusState.initialising) }),
        { path: back, permissions: ownedBy(0, stub.domid) },
        ...nodesBelow(back, { frontend: front, 'frontend-id': String(stub.domid), online: '1', domain: stubName }),
        ...entries,
        count,
        { path: `${back}/state`, value: String(xenbusState.initialising) },
        ...nodesBelow(note, { backend: back, frontend: front }),
      ],
    };
  }
  // pciback reads the list at its own time and in no transaction: only a settled back end takes another.
  if (view.state !== xenbusState.connected || othersLeave(view)) return undefined;
  return {
    remove: [],
    write: [...entries, count, { path: `${back}/state`, value: String(xenbusState.reconfiguring) }],
  };
}

/** What to write to begin taking a device out: its sub-state to closing, and the back end to look again. */
export function closeBackendEntry(stub: Pin, entry: BackendEntry): PlanNode[] {
  const back = backendPath('pci', stub.domid, 0);
  return [
    { path: `${back}/state-${entry.index}`, value: String(xenbusState.closing) },
    { path: `${back}/state`, value: String(xenbusState.reconfiguring) },
  ];
}

const perEntry = ['key', 'dev', 'vdevfn', 'opts', 'state', 'vdev', 'name'] as const;

/**
 * What to write to drop a closed entry: the later ones move down by one, as libxl does. `read` gives the present values of
 * the entries' nodes. The last entry takes both ends with it.
 */
export function dropBackendEntry(
  view: PciBackendView,
  stub: Pin,
  entry: BackendEntry,
  read: (path: string) => string | undefined,
): BackendChange {
  const back = backendPath('pci', stub.domid, 0);
  if (view.entries.length <= 1) {
    return {
      write: [],
      remove: backendRoots(stub),
    };
  }
  const write: PlanNode[] = [];
  const remove: string[] = [];
  const last = view.entries.length - 1;
  for (let index = entry.index; index < last; index += 1) {
    for (const name of perEntry) {
      const next = read(`${back}/${name}-${index + 1}`);
      if (next === undefined) remove.push(`${back}/${name}-${index}`);
      else write.push({ path: `${back}/${name}-${index}`, value: next });
    }
  }
  for (const name of perEntry) remove.push(`${back}/${name}-${last}`);
  write.push({ path: `${back}/num_devs`, value: String(last) });
  return { write, remove };
}

/** Every node of the entries, for `dropBackendEntry`. */
export function entryPaths(stub: Pin, count: number): string[] {
  const back = backendPath('pci', stub.domid, 0);
  return Array.from({ length: count }, (_, index) => perEntry.map((name) => `${back}/${name}-${index}`)).flat();
}
