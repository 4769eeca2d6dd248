import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { forceRemovalAnnotation } from '../../api/names.ts';
import { type AnnotationRequest, annotationRequest } from '../annotation-request.ts';

/** What a device is taken by although the guest may not have let it go. */
export type ForcedRemoval =
  /** Somebody said so, and why: `words` are fit to be shown. */
  | { readonly by: 'annotation'; readonly words: string }
  /** spec.removalPolicy is Force, and the time is up. */
  | { readonly by: 'policy' }
  /** The PciAttachment or its StubDomain is gone, or going, and the time is up. */
  | { readonly by: 'gone' };

/** What the attachment's annotation asks. It takes effect when the attachment is being removed, and not before. */
export function forceRequest(attachment: PciAttachment | undefined): AnnotationRequest {
  return attachment === undefined ? { kind: 'none' } : annotationRequest(attachment, forceRemovalAnnotation);
}

/** The removal that the annotation forces, if it does. */
export function forcedByAnnotation(attachment: PciAttachment | undefined): ForcedRemoval | undefined {
  const request = forceRequest(attachment);
  return request.kind === 'asked' ? { by: 'annotation', words: request.words } : undefined;
}

/** Sentence of the event. */
export function forcedMessage(address: string, forced: ForcedRemoval): string {
  const cause = `The guest did not let ${address} go in time; it is taken all the same and stays bound to pciback`;
  switch (forced.by) {
    case 'annotation':
      return `${address} is taken from the guest without waiting for it, and stays bound to pciback: ${forceRemovalAnnotation} says "${forced.words}"`;
    case 'policy':
    case 'gone':
      return cause;
  }
}

/** What to write where the annotation gives no reason. */
export function unexplainedMessage({ metadata }: PciAttachment): string {
  const { name, namespace = 'default' } = metadata;
  return `The annotation ${forceRemovalAnnotation} gives no reason, and nothing is forced. Say why the device is taken from a guest that may still use it: kubectl annotate --overwrite pciattachment -n ${namespace} ${name} ${forceRemovalAnnotation}="why".`;
}
