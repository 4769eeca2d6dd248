import { childObject, childString, childStrings, isObject, toJson } from '../json.ts';
import type { JsonObject } from '../served-resource.ts';

/**
 * One version of one object. The JSON text is the truth: it is compact, shared by readers and watchers, and nobody can
 * change it; what selectors and the garbage collector ask for is kept beside it.
 */
export interface StoredObject {
  /** `namespace/name`, or `name` for cluster-scoped kinds. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: number;
  readonly json: string;
  readonly labels: Readonly<Record<string, string>> | undefined;
  /** What field selectors can ask for. */
  readonly fields: Readonly<Record<string, string>>;
  /** The uids of its owners. */
  readonly owners: readonly string[];
  /** True from the moment that metadata.deletionTimestamp is set. */
  readonly deleting: boolean;
}

const nobody: readonly string[] = [];

/** `namespace/name` or `name`. */
export function storageKey(namespace: string, name: string): string {
  return namespace === '' ? name : `${namespace}/${name}`;
}

/** Reads what a store needs to know about `object`, whose metadata must be complete. */
export function toStored(object: JsonObject, selectable: readonly string[], json = toJson(object)): StoredObject {
  const metadata = childObject(object, 'metadata') ?? {};
  const namespace = childString(metadata, 'namespace');
  const name = childString(metadata, 'name');
  return {
    key: storageKey(namespace, name),
    namespace,
    name,
    uid: childString(metadata, 'uid'),
    resourceVersion: Number(childString(metadata, 'resourceVersion')),
    json,
    labels: childObject(metadata, 'labels') as Record<string, string> | undefined,
    fields: fieldsOf(object, namespace, name, selectable),
    owners: ownersOf(metadata),
    deleting: childString(metadata, 'deletionTimestamp') !== '',
  };
}

/** A fresh, mutable copy of the object. */
export function parseStored(stored: StoredObject): JsonObject {
  return JSON.parse(stored.json) as JsonObject;
}

/** Finalizers of an object. */
export function finalizersOf(object: JsonObject): string[] {
  return childStrings(object['metadata'], 'finalizers');
}

function ownersOf(metadata: JsonObject): readonly string[] {
  const owners = metadata['ownerReferences'];
  if (!Array.isArray(owners) || owners.length === 0) return nobody;
  return owners.map((owner) => childString(owner, 'uid'));
}

function fieldsOf(
  object: JsonObject,
  namespace: string,
  name: string,
  selectable: readonly string[],
): Readonly<Record<string, string>> {
  const fields: Record<string, string> = { 'metadata.name': name, 'metadata.namespace': namespace };
  for (const path of selectable) fields[path] = textAt(object, path);
  return fields;
}

function textAt(object: JsonObject, path: string): string {
  let value: unknown = object;
  for (const part of path.split('.')) value = isObject(value) && Object.hasOwn(value, part) ? value[part] : undefined;
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}
