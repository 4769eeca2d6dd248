import { type ForcedRemoval, forcedMessage } from '../../domain/pci/force-removal.ts';
import type { ActContext } from './context.ts';

/** A device was taken although the guest, or the back end, had not let it go: for people, and counted. */
export function tellForced(context: ActContext, address: string, forced: ForcedRemoval): void {
  context.metrics?.forced(forced.by);
  context.happened({
    uid: context.snapshot.pciNotes.get(address)?.owner ?? '',
    type: 'Warning',
    reason: 'RemovalForced',
    message: forcedMessage(address, forced),
  });
}
