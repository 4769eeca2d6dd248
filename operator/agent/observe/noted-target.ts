import { agentFinalizer } from '../../api/names.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { pciNotePath, pciNotesPath } from '../../domain/locations.ts';
import { parseNote } from '../../domain/notes.ts';
import { fromXenstoreBdf } from '../../domain/pci/bdf.ts';
import type { TreeReader } from './tree-cache.ts';

/**
 * The guest that has a device of one of these attachments, by the notes of all guests: for when their StubDomain is gone
 * and this agent never saw it. Without it their devices would stay in a guest that nobody names any more.
 */
export async function findNotedTarget(
  tree: TreeReader,
  attachments: readonly PciAttachment[],
): Promise<string | undefined> {
  const owners = new Set(
    attachments
      .filter(({ metadata }) => metadata.finalizers?.includes(agentFinalizer) === true)
      .map(({ metadata }) => metadata.uid),
  );
  if (owners.size === 0) return undefined;
  for (const uuid of (await tree.tryList('/tool/stubdom')) ?? []) {
    for (const name of (await tree.tryList(pciNotesPath(uuid))) ?? []) {
      const address = fromXenstoreBdf(name);
      const value = address === undefined ? undefined : await tree.tryRead(pciNotePath(uuid, address));
      if (owners.has(parseNote('pci', value)?.owner ?? '')) return uuid;
    }
  }
  return undefined;
}
