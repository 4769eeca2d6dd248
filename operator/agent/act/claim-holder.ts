import { pciClaimPath } from '../../domain/locations.ts';
import type { Pin } from '../../domain/notes.ts';
import { parseDomid } from '../../domain/untrusted.ts';
import type { XenStoreReader } from '../../xenstore/xenstore.ts';
import type { DomainInventory } from '../observe/domain-inventory.ts';

/**
 * Whose the claim of a device is: the guest's that it was noted for, another domain's, or nobody's. libxl drops the claim
 * when it ends the guest, so that by the time this agent puts its notes in order another guest may have the device. A domid
 * that was given again names another domain; a claim that names none is not ours either.
 */
export async function claimHolder(
  tree: XenStoreReader,
  domains: DomainInventory,
  address: string,
  target: Pin,
): Promise<'ours' | 'others' | 'nobodys'> {
  const claim = await tree.tryRead(pciClaimPath(address));
  if (claim === undefined) return 'nobodys';
  if (parseDomid(claim) !== target.domid) return 'others';
  return domains.list().some(({ domid, uuid }) => domid === target.domid && uuid !== target.uuid) ? 'others' : 'ours';
}
