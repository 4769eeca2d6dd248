/**
 * Strategic merge patch for built-in kinds: like a merge patch, but lists whose schema names a merge key are merged by
 * it, with the directives `$patch`, `$deleteFromPrimitiveList/…`, `$setElementOrder/…` and `$retainKeys`.
 */
import { deepEqual, isObject, own, setOwn, type JsonObject } from '../schema/json.ts';
import { PatchError } from './errors.ts';
import { MAX_DEPTH } from './merge-patch.ts';

const PATCH = '$patch';
const RETAIN = '$retainKeys';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const ORDER = '$setElementOrder/';

function bad(message: string): PatchError {
  return new PatchError(400, message);
}

function childSchema(schema: JsonObject | undefined, key: string): JsonObject | undefined {
  if (schema === undefined) return undefined;
  const properties = schema['properties'];
  const property = isObject(properties) ? own(properties, key) : undefined;
  if (isObject(property)) return property;
  return isObject(schema['additionalProperties']) ? schema['additionalProperties'] : undefined;
}

function mergesItems(schema: JsonObject | undefined): boolean {
  const strategy = schema?.['x-kubernetes-patch-strategy'];
  return typeof strategy === 'string' && strategy.split(',').includes('merge');
}

function listFor(patch: JsonObject, directive: string): unknown[] {
  const value = own(patch, directive);
  if (!Array.isArray(value)) throw bad(`${directive} must be a list`);
  return value;
}

function mergeMap(target: unknown, patch: JsonObject, schema: JsonObject | undefined, depth: number): JsonObject {
  if (depth > MAX_DEPTH) throw bad('the patch is nested too deeply');
  const directive = own(patch, PATCH);
  if (directive === 'replace' || directive === 'delete') {
    const { [PATCH]: _, ...rest } = patch;
    return directive === 'replace' ? rest : {};
  }
  if (directive !== undefined && directive !== 'merge') throw bad(`unknown patch type: ${JSON.stringify(directive)}`);
  const out: JsonObject = isObject(target) ? { ...target } : {};
  if (Object.hasOwn(patch, RETAIN)) {
    const keep = listFor(patch, RETAIN);
    for (const key of Object.keys(out)) if (!keep.includes(key)) delete out[key];
  }
  for (const key of Object.keys(patch)) {
    if (key === PATCH || key === RETAIN || key.startsWith(ORDER)) continue;
    if (key.startsWith(DELETE_FROM)) {
      deleteFrom(out, key.slice(DELETE_FROM.length), listFor(patch, key));
      continue;
    }
    if (key.startsWith('$')) throw bad(`unsupported directive in a strategic merge patch: ${JSON.stringify(key)}`);
    const value = patch[key];
    if (value === null) delete out[key];
    else setOwn(out, key, mergeAny(own(out, key), value, childSchema(schema, key), depth + 1));
  }
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(ORDER)) continue;
    const name = key.slice(ORDER.length);
    const list = own(out, name);
    if (!Array.isArray(list)) continue;
    const before = isObject(target) ? own(target, name) : undefined;
    const mergeKey = childSchema(schema, name)?.['x-kubernetes-patch-merge-key'];
    const by = typeof mergeKey === 'string' ? mergeKey : undefined;
    setOwn(out, name, ordered(list, Array.isArray(before) ? before : [], listFor(patch, key), by));
  }
  return out;
}

function deleteFrom(out: JsonObject, key: string, values: readonly unknown[]): void {
  const list = own(out, key);
  if (Array.isArray(list))
    setOwn(
      out,
      key,
      list.filter((item) => !values.includes(item)),
    );
}

function mergeAny(target: unknown, patch: unknown, schema: JsonObject | undefined, depth: number): unknown {
  if (isObject(patch)) return mergeMap(target, patch, schema, depth);
  if (!Array.isArray(patch) || !mergesItems(schema)) return patch;
  const key = schema?.['x-kubernetes-patch-merge-key'];
  const list = Array.isArray(target) ? (target as unknown[]) : [];
  if (typeof key !== 'string') {
    const added = (patch as unknown[]).filter((item) => !list.includes(item));
    return ordered([...list, ...added], list, patch, undefined);
  }
  const items = isObject(schema?.['items']) ? schema['items'] : undefined;
  return ordered(mergeKeyed(list, patch, key, items, depth), list, patch, key);
}

function mergeKeyed(
  target: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  items: JsonObject | undefined,
  depth: number,
): unknown[] {
  if (patch.some((item) => isObject(item) && own(item, PATCH) === 'replace')) {
    return patch.filter((item) => !(isObject(item) && own(item, PATCH) === 'replace'));
  }
  const out = [...target];
  for (const item of patch) {
    if (!isObject(item)) throw bad(`items of this list must be objects with the key ${JSON.stringify(key)}`);
    const value = own(item, key);
    if (value === undefined) throw bad(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = out.findIndex((other) => isObject(other) && deepEqual(own(other, key), value));
    if (own(item, PATCH) === 'delete') {
      if (at >= 0) out.splice(at, 1);
    } else if (at >= 0) {
      out[at] = mergeMap(out[at], item, items, depth + 1);
    } else {
      out.push(mergeMap({}, item, items, depth + 1));
    }
  }
  return out;
}

/**
 * kube-apiserver's order of a merged list: items of the patch come in the patch's order (or that of `$setElementOrder`),
 * the server's own in theirs, and a server's item goes before one of the patch only if it was before it already.
 */
function ordered(
  merged: readonly unknown[],
  before: readonly unknown[],
  order: readonly unknown[],
  key: string | undefined,
): unknown[] {
  const keyOf = (item: unknown): unknown => (key !== undefined && isObject(item) ? own(item, key) : item);
  const place = (list: readonly unknown[], item: unknown): number =>
    list.findIndex((other) => deepEqual(keyOf(other), keyOf(item)));
  const patched = merged.filter((item) => place(order, item) >= 0).sort((a, b) => place(order, a) - place(order, b));
  const kept = merged.filter((item) => place(order, item) < 0);
  const out: unknown[] = [];
  let next = 0;
  for (const item of kept) {
    const at = place(before, item);
    while (next < patched.length) {
      const other = place(before, patched[next]);
      if (other >= 0 && at >= 0 && at < other) break;
      out.push(patched[next++]);
    }
    out.push(item);
  }
  return [...out, ...patched.slice(next)];
}

/** The target with the patch merged in, as the schema of its kind says. The target itself is not changed. */
export function strategicMergePatch(target: JsonObject, patch: unknown, schema: JsonObject): JsonObject {
  if (!isObject(patch)) throw bad('error decoding patch: a strategic merge patch is an object');
  return mergeMap(target, patch, schema, 0);
}
