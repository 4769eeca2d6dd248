import { pciNotePath, pciNotesPath } from '../../domain/locations.ts';
import { type PciNote, parseNote } from '../../domain/notes.ts';
import { fromXenstoreBdf, xenstoreBdf } from '../../domain/pci/bdf.ts';
import type { TreeReader } from './tree-cache.ts';

type Found = readonly [address: string, note: PciNote] | undefined;

async function readNote(tree: TreeReader, targetUuid: string, address: string): Promise<Found> {
  const note = parseNote('pci', await tree.tryRead(pciNotePath(targetUuid, address)));
  return note === undefined ? undefined : [address, note];
}

/** Our notes about the guest's PCI devices, by address. In one burst if they are all among the `expected` addresses. */
export async function readPciNotes(
  tree: TreeReader,
  targetUuid: string,
  expected: ReadonlySet<string>,
): Promise<Map<string, PciNote>> {
  const [names, early] = await Promise.all([
    tree.tryList(pciNotesPath(targetUuid)),
    Promise.all([...expected].map((address) => readNote(tree, targetUuid, address))),
  ]);
  const known = new Set([...expected].map(xenstoreBdf));
  const others = (names ?? []).flatMap((name) => (known.has(name) ? [] : (fromXenstoreBdf(name) ?? [])));
  const late = await Promise.all(others.map((address) => readNote(tree, targetUuid, address)));
  const found = [...early, ...late].filter((entry) => entry !== undefined);
  return new Map(found.sort(([a], [b]) => (a < b ? -1 : 1)));
}
