import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { forceRemovalAnnotation } from '../../api/names.ts';

/** What a device is taken by although the guest may not have let it go. */
export type ForcedRemoval =
  /** Somebody said so, and why: `words` are fit to be shown. */
  | { readonly by: 'annotation'; readonly words: string }
  /** spec.removalPolicy is Force, and the time is up. */
  | { readonly by: 'policy' }
  /** The PciAttachment or its StubDomain is gone, or going, and the time is up. */
  | { readonly by: 'gone' };

export type ForceRequest =
  | { readonly kind: 'none' }
  /** The annotation is there and says no reason. */
  | { readonly kind: 'unexplained' }
  | { readonly kind: 'asked'; readonly words: string };

const maxWords = 128;
/** Longer values are cut before they are looked at. */
const maxRead = 1024;

/**
 * The reason as it may be shown: one line of letters, digits and common signs. Everything else (control characters,
 * terminal escapes, characters that turn the direction of writing) becomes a question mark.
 */
function shown(value: string): string {
  const line = value
    .slice(0, maxRead)
    .replaceAll(/\s+/gu, ' ')
    .replaceAll(/[^\p{L}\p{N} .,:;!?_/#()'+@=%&*-]/gu, '?')
    .trim();
  const characters = Array.from(line);
  return characters.length <= maxWords ? line : `${characters.slice(0, maxWords - 1).join('')}…`;
}

/** What the attachment's annotation asks. It takes effect when the attachment is being removed, and not before. */
export function forceRequest(attachment: PciAttachment | undefined): ForceRequest {
  const value = attachment?.metadata.annotations?.[forceRemovalAnnotation];
  if (value === undefined) return { kind: 'none' };
  const words = shown(value);
  return /[\p{L}\p{N}]/u.test(words) ? { kind: 'asked', words } : { kind: 'unexplained' };
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
