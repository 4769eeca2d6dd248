import { pciClaimPath } from '../../domain/locations.ts';
import type { Pin } from '../../domain/notes.ts';
import { parseDomid } from '../../domain/untrusted.ts';
import type { XenStoreReader } from '../../xenstore/xenstore.ts';

/**
 * Whose the claim of a device is: the guest's that it was noted for, another domain's, or nobody's. libxl drops the claim
 * when it ends the guest, so that by the time this agent puts its notes in order another guest may have the device. A claim
 * with the domid of before counts as ours, since only libxl drops claims; one that names no domain does not.
 */
export async function claimHolder(
  tree: XenStoreReader,
  address: string,
  target: Pin,
): Promise<'ours' | 'others' | 'nobodys'> {
  const claim = await tree.tryRead(pciClaimPath(address));
  if (claim === undefined) return 'nobodys';
  return parseDomid(claim) === target.domid ? 'ours' : 'others';
}
