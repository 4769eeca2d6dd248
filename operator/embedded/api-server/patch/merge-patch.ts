/** JSON merge patch (RFC 7386). */
import { isObject, own, setOwn, type JsonObject } from '../schema/json.ts';
import { PatchError } from './errors.ts';

/** Deeper bodies are refused before they can exhaust the stack. */
export const MAX_DEPTH = 256;

/** Nulls mean removal, and what is new has no nulls left in its maps. */
function mergeValue(target: unknown, patch: unknown, depth: number): unknown {
  if (!isObject(patch)) return patch;
  if (depth > MAX_DEPTH) throw new PatchError(400, 'error decoding patch: it is nested too deeply');
  const out: JsonObject = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const value = patch[key];
    if (value === null) delete out[key];
    else setOwn(out, key, mergeValue(own(out, key), value, depth + 1));
  }
  return out;
}

/** The target with the patch merged in. The target itself is not changed. */
export function mergePatch(target: JsonObject, patch: unknown): JsonObject {
  if (!isObject(patch)) throw new PatchError(400, 'error decoding patch: a merge patch is an object');
  return mergeValue(target, patch, 0) as JsonObject;
}
