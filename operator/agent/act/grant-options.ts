import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { pciOptions } from '../../domain/wanted.ts';
import type { GrantOptions } from '../../hypervisor/hypervisor.ts';
import type { ActContext } from './context.ts';

/**
 * How the stub domain, whose front end asks pciback, and the guest, which has the DMA, get a device. An attachment that is
 * gone by now asked for nothing out of the ordinary.
 */
export function grantTo(receiver: 'stub' | 'guest', attachment: PciAttachment | undefined): GrantOptions {
  const options = attachment === undefined ? undefined : pciOptions(attachment);
  if (receiver === 'stub') return { iommu: false, ...(options?.permissive === true ? { permissive: true } : {}) };
  return { iommu: true, ...(options?.rdmPolicy === 'relaxed' ? { rdmRelaxed: true } : {}) };
}

/** The attachment that a note names as its owner, if it is still there. */
export function ownerOf({ snapshot }: ActContext, { owner }: { readonly owner: string }): PciAttachment | undefined {
  return snapshot.attachments.find(({ metadata }) => metadata.uid === owner);
}
