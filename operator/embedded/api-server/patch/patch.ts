/** All kinds of patches but server-side apply (apply/apply.ts). */
import type { JsonObject } from '../schema/json.ts';
import { PatchError } from './errors.ts';
import { jsonPatch } from './json-patch.ts';
import { mergePatch } from './merge-patch.ts';
import { strategicMergePatch } from './strategic-merge-patch.ts';

export { PatchError } from './errors.ts';

/** Bare media types of patches. */
export const PATCH_TYPES = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

function unsupported(builtin: boolean): PatchError {
  const accepted = [
    PATCH_TYPES.json,
    PATCH_TYPES.merge,
    ...(builtin ? [PATCH_TYPES.strategic] : []),
    PATCH_TYPES.apply,
    ...(builtin ? ['application/apply-patch+cbor'] : []),
  ];
  return new PatchError(
    415,
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

/**
 * Applies a decoded patch to an object. Parameters of the content type (`; charset=…`) are ignored. `builtinSchema` is
 * given for built-in kinds alone: they know strategic merge patches. Throws PatchError; the target is never changed.
 */
export function applyPatch(
  contentType: string,
  target: JsonObject,
  patch: unknown,
  builtinSchema?: JsonObject,
): JsonObject {
  switch (contentType.split(';', 1)[0]?.trim().toLowerCase()) {
    case PATCH_TYPES.json:
      return jsonPatch(target, patch);
    case PATCH_TYPES.merge:
      return mergePatch(target, patch);
    case PATCH_TYPES.strategic:
      if (builtinSchema === undefined) throw unsupported(false);
      return strategicMergePatch(target, patch, builtinSchema);
    default:
      throw unsupported(builtinSchema !== undefined);
  }
}
