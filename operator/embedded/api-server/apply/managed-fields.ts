/** `metadata.managedFields`: who owns which fields, read from an object and written back (apimachinery, util/managedfields). */
import { isObject, type JsonObject } from '../schema/json.ts';
import { type FieldSet, isEmptySet, union, withoutMembers } from './field-set.ts';

/** One entry: a manager, by what operation, through which subresource, and what it owns. */
export interface Manager {
  readonly name: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  readonly fields: FieldSet;
}

/** Update managers beyond this many are folded into one. As kube-apiserver does. */
const MAX_UPDATE_MANAGERS = 10;
const BUCKET_NAME = 'ancient-changes';
const MAX_DEPTH = 100;

/** Fields that nobody owns: they are the server's, or the identity of the object. The paths alone, not what is below. */
const NEVER_OWNED: FieldSet = {
  'f:apiVersion': {},
  'f:kind': {},
  'f:metadata': {
    '.': {},
    'f:name': {},
    'f:namespace': {},
    'f:creationTimestamp': {},
    'f:selfLink': {},
    'f:uid': {},
    'f:clusterName': {},
    'f:generation': {},
    'f:managedFields': {},
    'f:resourceVersion': {},
  },
};

/** The set without the fields that nobody owns. */
export function stripUnowned(set: FieldSet): FieldSet {
  return withoutMembers(set, NEVER_OWNED);
}

function isFieldSet(value: unknown, depth: number): value is FieldSet {
  if (!isObject(value) || depth > MAX_DEPTH) return false;
  for (const key of Object.keys(value)) {
    if (key !== '.' && !isElement(key)) return false;
    if (!isFieldSet(value[key], depth + 1)) return false;
  }
  return true;
}

function isElement(key: string): boolean {
  const body = key.slice(2);
  switch (key.slice(0, 2)) {
    case 'f:':
      return true;
    case 'i:':
      return /^\d{1,9}$/.test(body);
    case 'k:':
      return isObject(parse(body));
    case 'v:':
      return parse(body) !== undefined;
    default:
      return false;
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decodeEntry(entry: unknown, trusted: boolean): Manager | undefined {
  if (!isObject(entry)) return undefined;
  const { manager, operation, apiVersion, subresource, time, fieldsType, fieldsV1 } = entry;
  if (operation !== 'Apply' && operation !== 'Update') return undefined;
  if (fieldsType !== 'FieldsV1' || !isObject(fieldsV1)) return undefined;
  if (!trusted && !isFieldSet(fieldsV1, 0)) return undefined;
  return {
    name: typeof manager === 'string' ? manager : '',
    operation,
    apiVersion: typeof apiVersion === 'string' ? apiVersion : '',
    subresource: typeof subresource === 'string' ? subresource : '',
    time: typeof time === 'string' ? time : undefined,
    fields: fieldsV1 as unknown as FieldSet,
  };
}

/**
 * The managers of an object; undefined if what is written there cannot be read. `trusted` is for stored objects: their
 * entries were checked when they came in, and to check them again at every write would cost more than the write.
 */
export function decodeManagers(managedFields: unknown, trusted: boolean): Manager[] | undefined {
  if (managedFields === undefined || managedFields === null) return [];
  if (!Array.isArray(managedFields)) return undefined;
  const managers: Manager[] = [];
  for (const entry of managedFields) {
    const manager = decodeEntry(entry, trusted);
    if (manager === undefined) return undefined;
    managers.push(manager);
  }
  return managers;
}

/** `managedFields: [{}]` is how a client asks to forget all ownership. */
export function isReset(managedFields: unknown): boolean {
  if (!Array.isArray(managedFields) || managedFields.length !== 1) return false;
  const only: unknown = managedFields[0];
  return isObject(only) && Object.keys(only).length === 0;
}

/** Whether two entries are the same manager: an Apply manager stays the same under another apiVersion. */
export function sameManager(a: Manager, b: Manager): boolean {
  return (
    a.name === b.name &&
    a.operation === b.operation &&
    a.subresource === b.subresource &&
    (a.operation === 'Apply' || a.apiVersion === b.apiVersion)
  );
}

/** In messages: `"x"`, and for what was not applied ` using group/version`. */
export function managerText(manager: Manager): string {
  const subresource = manager.subresource === '' ? '' : ` with subresource ${JSON.stringify(manager.subresource)}`;
  const using = manager.operation === 'Update' ? ` using ${manager.apiVersion}` : '';
  return `${JSON.stringify(manager.name)}${subresource}${using}`;
}

function seconds(time: string | undefined): number {
  return time === undefined ? 0 : Math.floor(Date.parse(time) / 1000);
}

function byOrder(a: Manager, b: Manager): number {
  const text = (x: string, y: string): number => (x < y ? -1 : x > y ? 1 : 0);
  return (
    text(a.operation, b.operation) ||
    seconds(a.time) - seconds(b.time) ||
    text(a.name, b.name) ||
    text(a.apiVersion, b.apiVersion) ||
    text(a.subresource, b.subresource)
  );
}

/** Folds the oldest Update managers into one when there are too many. */
function capped(managers: readonly Manager[]): readonly Manager[] {
  const updates = managers.filter((manager) => manager.operation === 'Update');
  if (updates.length <= MAX_UPDATE_MANAGERS) return managers;
  const oldest = [...updates].sort(byOrder).slice(0, updates.length - MAX_UPDATE_MANAGERS + 1);
  const rest = managers.filter((manager) => !oldest.includes(manager));
  const buckets = new Map<string, Manager>();
  for (const manager of oldest) {
    const bucket = buckets.get(manager.apiVersion);
    buckets.set(manager.apiVersion, {
      ...manager,
      name: BUCKET_NAME,
      subresource: '',
      fields: bucket === undefined ? manager.fields : union(bucket.fields, manager.fields),
    });
  }
  return [...rest, ...buckets.values()];
}

/** The entries to store, in kube-apiserver's order; undefined if nobody owns anything. */
export function encodeManagers(managers: readonly Manager[]): JsonObject[] | undefined {
  const owners = capped(managers.filter((manager) => !isEmptySet(manager.fields)));
  if (owners.length === 0) return undefined;
  return [...owners].sort(byOrder).map((manager) => ({
    manager: manager.name,
    operation: manager.operation,
    apiVersion: manager.apiVersion,
    ...(manager.time === undefined ? {} : { time: manager.time }),
    fieldsType: 'FieldsV1',
    fieldsV1: manager.fields,
    ...(manager.subresource === '' ? {} : { subresource: manager.subresource }),
  }));
}
