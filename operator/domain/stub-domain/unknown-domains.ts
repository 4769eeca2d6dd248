import type { Snapshot } from '../snapshot.ts';
import { isDeleting } from '../wanted.ts';

/** XenStore says nothing of that; it is looked at again so often. */
export const unknownRetryMs = 5000;

/**
 * What is to be said when the hypervisor runs the guest or its stub domain and XenStore has no node of it: its daemon was
 * restarted empty (reference §10.7). What was there cannot be read any more, so that nothing is made, sent or taken down:
 * a second device model for a running guest would cost it its disks.
 */
export function unknownDomainsMessage({ unknownToXenStore }: Pick<Snapshot, 'unknownToXenStore'>): string | undefined {
  if (unknownToXenStore === undefined || unknownToXenStore.length === 0) return undefined;
  const domids = [...unknownToXenStore].sort((a, b) => a - b);
  const which = `domain${domids.length > 1 ? 's' : ''} ${domids.join(' and ')}`;
  return `XenStore has nothing about ${which}, which the hypervisor runs: its daemon was restarted empty. Nothing is done meanwhile. Shut the guest down and start it again, after its stub domain is gone too (xl destroy), or restart the host.`;
}

/** Whether the stub domain is left alone for that. One that is deleted goes as far as it is known. */
export function isUnknown({ object, unknownToXenStore }: Snapshot): boolean {
  return object !== undefined && !isDeleting(object) && (unknownToXenStore?.length ?? 0) > 0;
}
