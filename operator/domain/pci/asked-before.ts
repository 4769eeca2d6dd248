import type { PciAttachment } from '../../api/generated/pci-attachment.ts';

/** `namespace/name` of an attachment. */
export const attachmentName = ({ metadata }: PciAttachment): string => `${metadata.namespace ?? ''}/${metadata.name}`;

/** `namespace/name` of the StubDomain that an attachment is for. */
export const stubDomainOf = ({ metadata, spec }: PciAttachment): string =>
  `${metadata.namespace ?? ''}/${spec.stubDomainRef.name}`;

/** Whether `a` asked before `b`: by creation, then by name, so that every controller decides alike. */
export function askedBefore(a: PciAttachment, b: PciAttachment): boolean {
  const [left, right] = [a.metadata.creationTimestamp, b.metadata.creationTimestamp];
  if (left !== right) return left < right;
  return attachmentName(a) < attachmentName(b);
}
