/** Pruning of fields that a schema does not know, and defaulting (apiextensions-apiserver, schema/{pruning,defaulting}). */
import { copyOf, isObject, setOwn, type JsonObject } from './json.ts';
import { childPath } from './field-error.ts';
import { propertyNode, type SchemaNode } from './schema-node.ts';

/** Drops unknown fields; their paths are added to `dropped`. What has none is returned as it is. */
export function pruneValue(node: SchemaNode | undefined, value: unknown, path: string, dropped: string[]): unknown {
  if (node === undefined) return value;
  if (Array.isArray(value)) {
    let out: unknown[] | undefined;
    for (const [i, item] of value.entries()) {
      const kept = pruneValue(node.items, item, `${path}[${String(i)}]`, dropped);
      if (kept !== item) (out ??= [...(value as unknown[])])[i] = kept;
    }
    return out ?? value;
  }
  if (!isObject(value)) return value;
  const open = node.preserveUnknown || node.additional === true;
  let out: JsonObject | undefined;
  for (const key of Object.keys(value)) {
    const child = propertyNode(node, key);
    if (child === undefined) {
      if (open || (node.type === undefined && node.properties.size === 0)) continue;
      dropped.push(childPath(path, key));
      out ??= copyOf(value);
      delete out[key];
      continue;
    }
    const kept = pruneValue(child, value[key], childPath(path, key), dropped);
    if (kept === value[key]) continue;
    out ??= copyOf(value);
    setOwn(out, key, kept);
  }
  return out ?? value;
}

function isStrayNull(node: SchemaNode, value: unknown): boolean {
  return value === null && !node.nullable && !node.preserveUnknown && node.type !== undefined;
}

function defaultObject(node: SchemaNode, value: JsonObject): JsonObject {
  let out: JsonObject | undefined;
  for (const [key, property] of node.properties) {
    if (property.defaultValue === undefined) continue;
    if (Object.hasOwn(value, key) && !isStrayNull(property, value[key])) continue;
    setOwn((out ??= copyOf(value)), key, structuredClone(property.defaultValue));
  }
  const filled = out ?? value;
  for (const key of Object.keys(filled)) {
    const child = propertyNode(node, key);
    if (child === undefined) continue;
    const before = filled[key];
    if (isStrayNull(child, before)) {
      out ??= copyOf(value);
      delete out[key];
      continue;
    }
    const after = defaultValue(child, before);
    if (after !== before) setOwn((out ??= copyOf(value)), key, after);
  }
  return out ?? value;
}

/** Fills in defaults and drops nulls that are not allowed. What needs nothing is returned as it is. */
export function defaultValue(node: SchemaNode, value: unknown): unknown {
  if (Array.isArray(value)) {
    if (node.items === undefined) return value;
    let out: unknown[] | undefined;
    for (const [i, item] of value.entries()) {
      const filled = defaultValue(node.items, item);
      if (filled !== item) (out ??= [...(value as unknown[])])[i] = filled;
    }
    return out ?? value;
  }
  return isObject(value) ? defaultObject(node, value) : value;
}
