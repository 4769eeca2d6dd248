/** What an annotation asks whose value is the reason, in people's words. */
export type AnnotationRequest =
  | { readonly kind: 'none' }
  /** The annotation is there and says no reason. */
  | { readonly kind: 'unexplained' }
  /** `words` are fit to be shown. */
  | { readonly kind: 'asked'; readonly words: string };

const maxWords = 128;
/** Longer values are cut before they are looked at. */
const maxRead = 1024;

/**
 * People's words as they may be shown: one line of letters, digits and common signs. Everything else (control characters,
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

/** What the value asks, if there is one. */
export function explained(value: string | undefined): AnnotationRequest {
  if (value === undefined) return { kind: 'none' };
  const words = shown(value);
  return /[\p{L}\p{N}]/u.test(words) ? { kind: 'asked', words } : { kind: 'unexplained' };
}

/** What the annotation asks of the object that has it. */
export function annotationRequest(
  { metadata }: { readonly metadata: { readonly annotations?: Readonly<Record<string, string>> } },
  annotation: string,
): AnnotationRequest {
  return explained(metadata.annotations?.[annotation]);
}
