import { backendPath, frontendPath } from '../../domain/locations.ts';
import { type BackendEntry, type PciBackendView, noPciBackend } from '../../domain/pci/backend.ts';
import { isBdf } from '../../domain/pci/bdf.ts';
import { parseDecimal } from '../../domain/untrusted.ts';
import { parseXenbusState } from '../../domain/xenbus.ts';
import type { TreeReader } from './tree-cache.ts';

const maxEntries = 64;

async function readEntry(tree: TreeReader, back: string, index: number): Promise<BackendEntry> {
  const [device, state, virtual] = await Promise.all([
    tree.tryRead(`${back}/dev-${index}`),
    tree.tryRead(`${back}/state-${index}`),
    tree.tryRead(`${back}/vdev-${index}`),
  ]);
  const address = device === undefined ? '' : new TextDecoder().decode(device);
  return {
    index,
    address: isBdf(address) ? address : '',
    state: parseXenbusState(state),
    hasVirtualAddress: virtual !== undefined,
  };
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

/**
 * The PCI back end of the stub domain, as it is inside or outside a transaction. In one burst if it has no more than
 * `expected` entries: that many are read before their number is known. Where all of them are there, the next one is asked
 * for and not waited for: a tree that keeps what was read knows it when one more device is wanted.
 */
export async function readPciBackend(tree: TreeReader, stub: number, expected: number): Promise<PciBackendView> {
  const back = backendPath('pci', stub, 0);
  const [count, state, frontend, early] = await Promise.all([
    tree.tryRead(`${back}/num_devs`),
    tree.tryRead(`${back}/state`),
    tree.tryRead(`${frontendPath('pci', stub, 0)}/state`),
    Promise.all(range(0, expected).map((index) => readEntry(tree, back, index))),
  ]);
  const length = parseDecimal(count, maxEntries) ?? 0;
  if (length >= expected) readEntry(tree, back, length).catch(() => {});
  if (count === undefined && state === undefined) return noPciBackend;
  const late = await Promise.all(range(expected, length).map((index) => readEntry(tree, back, index)));
  return {
    exists: true,
    state: parseXenbusState(state),
    entries: [...early.slice(0, length), ...late],
    frontendState: parseXenbusState(frontend),
  };
}
