/**
 * Server-side apply and the tracking of updates: structured-merge-diff's Updater and the field managers around it
 * (apimachinery, util/managedfields). Objects are raw JSON and never changed in place; results share unchanged parts
 * with what went in.
 */
import { deepEqual, isObject, own, type JsonObject } from '../schema/json.ts';
import { compare, type Comparison } from './compare.ts';
import { type ApplyConflict, ApplyConflictError, ApplyObjectError } from './errors.ts';
import { difference, fieldPaths, type FieldSet, intersection, isEmptySet, sameSet, union } from './field-set.ts';
import { fieldsOf, withNamedFields } from './fields-of.ts';
import {
  decodeManagers,
  encodeManagers,
  isReset,
  type Manager,
  managerText,
  sameManager,
  stripUnowned,
} from './managed-fields.ts';
import { renewLastApplied } from './last-applied.ts';
import { merge } from './merge.ts';
import { removeFields } from './remove.ts';
import { rootTopology } from './root.ts';
import type { MapTopology } from './topology.ts';
import { typeErrors } from './typed.ts';

export { ApplyConflictError, ApplyObjectError, type ApplyConflict } from './errors.ts';

/** Which part of an object a request may change: the whole but the status, or the status alone. */
export type ApplySubresource = '' | 'status';

/** What `serverSideApply` works on. */
export interface ApplyInput {
  /** The stored object; absent when the apply creates it. */
  readonly live?: JsonObject | undefined;
  /** The body: apiVersion, kind, metadata.name and the fields that the manager wants to own. */
  readonly applied: JsonObject;
  readonly manager: string;
  readonly force: boolean;
  /** group/version of the request. */
  readonly apiVersion: string;
  readonly subresource: ApplySubresource;
  /** RFC 3339, whole seconds. */
  readonly now: string;
  /** openAPIV3Schema of the kind. */
  readonly schema: JsonObject;
  /** Whether the kind has a status subresource, so that the main resource leaves `status` alone. Default true. */
  readonly statusSubresource?: boolean;
}

/** What `trackUpdate` works on. */
export interface UpdateInput {
  /** The stored object; absent for a create. */
  readonly before?: JsonObject | undefined;
  /** The object to store, defaulted and with what the request may not change put back. */
  readonly after: JsonObject;
  readonly manager: string;
  readonly apiVersion: string;
  readonly subresource: ApplySubresource;
  readonly now: string;
  readonly schema: JsonObject;
}

const BEFORE_FIRST_APPLY = 'before-first-apply';

function metadataOf(object: JsonObject | undefined): JsonObject {
  const metadata = object === undefined ? undefined : own(object, 'metadata');
  return isObject(metadata) ? metadata : {};
}

function withoutManagedFields(object: JsonObject): JsonObject {
  const metadata = metadataOf(object);
  if (!Object.hasOwn(metadata, 'managedFields')) return object;
  const { managedFields: _, ...rest } = metadata;
  return { ...object, metadata: rest };
}

/** Maps and lists of metadata that hold nothing are not stored: Go's ObjectMeta leaves them out. */
function withoutBlankMetadata(object: JsonObject): JsonObject {
  const metadata = metadataOf(object);
  const blank = Object.keys(metadata).filter((key) => isBlank(metadata[key]));
  if (blank.length === 0) return object;
  const rest = { ...metadata };
  for (const key of blank) delete rest[key];
  return { ...object, metadata: rest };
}

function withManagedFields(object: JsonObject, managers: readonly Manager[]): JsonObject {
  const managedFields = encodeManagers(managers);
  if (managedFields === undefined) return withoutManagedFields(object);
  return { ...object, metadata: { ...metadataOf(object), managedFields } };
}

/** Takes what changed away from everybody but `self`; conflicts first. */
function settle(
  managers: readonly Manager[],
  self: Manager | undefined,
  changes: Comparison,
  force: boolean,
): readonly Manager[] {
  const touched = union(changes.modified, changes.added);
  if (isEmptySet(touched) && isEmptySet(changes.removed)) return managers;
  const conflicts: { readonly manager: Manager; readonly fields: FieldSet }[] = [];
  const settled = managers.map((manager) => {
    if (manager === self) return manager;
    const fields = intersection(manager.fields, touched);
    if (!isEmptySet(fields)) conflicts.push({ manager, fields });
    return { ...manager, fields: difference(difference(manager.fields, fields), changes.removed) };
  });
  if (!force && conflicts.length > 0) throw conflictError(conflicts);
  return settled;
}

function conflictError(found: readonly { readonly manager: Manager; readonly fields: FieldSet }[]): ApplyConflictError {
  const groups = found
    .map(({ manager, fields }) => ({ name: manager.name, text: managerText(manager), paths: fieldPaths(fields) }))
    .sort((a, b) => (a.text < b.text ? -1 : 1));
  const conflicts: ApplyConflict[] = groups.flatMap(({ name, text, paths }) =>
    paths.map((field) => ({ manager: name, field, message: `conflict with ${text}` })),
  );
  const [only] = conflicts;
  if (conflicts.length === 1 && only !== undefined) {
    return new ApplyConflictError(`Apply failed with 1 conflict: ${only.message}: ${only.field}`, conflicts);
  }
  const lines = groups.flatMap(({ text, paths }) => [`conflicts with ${text}:`, ...paths.map((path) => `- ${path}`)]);
  return new ApplyConflictError(
    `Apply failed with ${String(conflicts.length)} conflicts: ${lines.join('\n')}`,
    conflicts,
  );
}

/** Removes what the manager owned at its last apply, applies no more (`now`), and none of the others owns. */
function prune(
  topology: MapTopology,
  merged: JsonObject,
  others: readonly Manager[],
  last: FieldSet,
  now: FieldSet,
): JsonObject {
  // Naming fields keeps the order of sets, so this answers the question below for most applies at once.
  if (isEmptySet(difference(last, now))) return merged;
  const lastNamed = withNamedFields(topology, last);
  if (isEmptySet(difference(lastNamed, withNamedFields(topology, now)))) return merged;
  const owned = withNamedFields(
    topology,
    others.reduce((all, manager) => union(all, manager.fields), now),
  );
  const fieldsIn = (object: unknown): FieldSet => withNamedFields(topology, fieldsOf(topology, object));
  const all = fieldsIn(merged);
  const pruned = removeFields(topology, merged, lastNamed) ?? {};
  const kept = removeFields(topology, merged, difference(all, union(fieldsIn(pruned), owned))) ?? {};
  const gone = intersection(difference(all, fieldsIn(kept)), lastNamed);
  return (removeFields(topology, merged, gone) ?? {}) as JsonObject;
}

/** An object without the fields that a request through this endpoint never changes. */
function changeable(applied: JsonObject, input: ApplyInput): JsonObject {
  if (input.subresource === 'status') {
    const { apiVersion, kind, metadata, status } = applied;
    const name = isObject(metadata) ? pick(metadata, ['name', 'namespace']) : {};
    return { apiVersion, kind, metadata: name, ...(status === undefined ? {} : { status }) };
  }
  if (input.statusSubresource === false || !Object.hasOwn(applied, 'status')) return applied;
  const { status: _, ...rest } = applied;
  return rest;
}

function isBlank(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return value === null || (isObject(value) && Object.keys(value).length === 0);
}

function textAt(object: JsonObject, key: string): string {
  const value = own(object, key);
  return typeof value === 'string' ? value : '';
}

function pick(object: JsonObject, keys: readonly string[]): JsonObject {
  const out: JsonObject = {};
  for (const key of keys) if (Object.hasOwn(object, key)) out[key] = object[key];
  return out;
}

/** Metadata that the server owns: what a client sends back of it is no wish. */
const SERVER_METADATA = ['uid', 'resourceVersion', 'creationTimestamp', 'generation', 'selfLink', 'deletionTimestamp'];

function withoutServerMetadata(applied: JsonObject): JsonObject {
  const metadata = metadataOf(applied);
  if (!SERVER_METADATA.some((key) => Object.hasOwn(metadata, key))) return applied;
  const rest = { ...metadata };
  for (const key of SERVER_METADATA) delete rest[key];
  return { ...applied, metadata: rest };
}

function checkApplied(topology: MapTopology, applied: JsonObject): void {
  const metadata = metadataOf(applied);
  if (metadata['managedFields'] !== undefined && metadata['managedFields'] !== null) {
    throw new ApplyObjectError(400, 'metadata.managedFields must be nil');
  }
  const errors = typeErrors(topology, applied);
  if (errors.length === 0) return;
  const where = `${textAt(metadata, 'namespace')}/${textAt(metadata, 'name')}`;
  const version = `${textAt(applied, 'apiVersion')}, Kind=${textAt(applied, 'kind')}`;
  const text = errors.length === 1 ? (errors[0] ?? '') : `errors:\n${errors.map((line) => `  ${line}`).join('\n')}`;
  throw new ApplyObjectError(500, `failed to create typed patch object (${where}; ${version}): ${text}`);
}

/** The managers of a live object; one that was never tracked gets an owner for all that it has. */
function managersForApply(topology: MapTopology, input: ApplyInput): Manager[] {
  const { live, apiVersion, now } = input;
  if (live === undefined) return [];
  const managers = decodeManagers(metadataOf(live)['managedFields'], true) ?? [];
  if (managers.length > 0) return managers;
  const fields = stripUnowned(compare(topology, {}, withoutManagedFields(changeable(live, input))).added);
  const base = { operation: 'Update', apiVersion, subresource: input.subresource, time: now, fields } as const;
  return isEmptySet(fields) ? [] : [{ name: BEFORE_FIRST_APPLY, ...base }];
}

/**
 * Applies an object on behalf of a manager. `changed` is false when neither the object nor anybody's ownership differs
 * from what is stored, and then `object` is `live` itself; the caller defaults and validates what is changed.
 * Throws ApplyConflictError and ApplyObjectError.
 */
export function serverSideApply(input: ApplyInput): { object: JsonObject; changed: boolean } {
  const topology = rootTopology(input.schema);
  checkApplied(topology, input.applied);
  const applied = changeable(withoutServerMetadata(input.applied), input);
  const live = input.live === undefined ? undefined : withoutManagedFields(input.live);
  const managers = managersForApply(topology, input);

  const sent = fieldsOf(topology, applied);
  const fields = stripUnowned(sent);
  const self: Manager = {
    name: input.manager,
    operation: 'Apply',
    apiVersion: input.apiVersion,
    subresource: input.subresource,
    time: input.now,
    fields,
  };
  const last = managers.find((manager) => sameManager(manager, self));
  const others = managers.filter((manager) => manager !== last);
  const merged = (live === undefined ? applied : merge(topology, live, applied)) as JsonObject;
  const next = last === undefined ? merged : prune(topology, merged, others, last.fields, sent);
  const changes = compare(topology, live ?? {}, next);
  const settled = settle([...others, self], self, changes, input.force);

  if (input.live !== undefined && last !== undefined && next === live && sameSet(last.fields, fields)) {
    return { object: input.live, changed: false };
  }
  const stored = renewLastApplied(withoutBlankMetadata(next), input.applied, input.manager);
  const object = withManagedFields(stored, settled);
  if (input.live !== undefined && equalButTimes(input.live, object)) return { object: input.live, changed: false };
  return { object, changed: true };
}

function timeless(managedFields: unknown): unknown {
  if (!Array.isArray(managedFields)) return managedFields;
  return managedFields.map((entry: unknown) => {
    if (!isObject(entry)) return entry;
    const { time: _, ...rest } = entry;
    return rest;
  });
}

/** Whether two objects are the same but for the times in their managedFields: such a write is no change. */
function equalButTimes(a: JsonObject, b: JsonObject): boolean {
  if (!deepEqual(timeless(metadataOf(a)['managedFields']), timeless(metadataOf(b)['managedFields']))) return false;
  return deepEqual(withoutManagedFields(a), withoutManagedFields(b));
}

/** Which managers an update starts from: those in the body, if it has readable ones, else the stored ones. */
function managersForUpdate(input: UpdateInput): Manager[] {
  const stored = decodeManagers(metadataOf(input.before)['managedFields'], true) ?? [];
  if (input.subresource !== '') return stored;
  const sent = metadataOf(input.after)['managedFields'];
  if (isReset(sent)) return [];
  const managers = decodeManagers(sent, false);
  return managers === undefined || managers.length === 0 ? stored : managers;
}

/**
 * The object of a create, replace or patch with its managedFields brought up to date: the manager owns what it changed,
 * nobody owns what is gone. An object whose ownership was reset stays untracked until the next apply.
 */
export function trackUpdate(input: UpdateInput): JsonObject {
  const topology = rootTopology(input.schema);
  const managers = managersForUpdate(input);
  const after = withoutBlankMetadata(withoutManagedFields(input.after));
  if (input.before !== undefined && managers.length === 0) return after;
  const before = input.before === undefined ? {} : withoutManagedFields(input.before);
  const changes = compare(topology, before, after);
  const settled = settle(managers, undefined, changes, true);
  const own = stripUnowned(union(changes.modified, changes.added));
  if (isEmptySet(own)) return keepTimes(input.before, withManagedFields(after, settled));
  const self: Manager = {
    name: input.manager,
    operation: 'Update',
    apiVersion: input.apiVersion,
    subresource: input.subresource,
    time: input.now,
    fields: own,
  };
  const previous = settled.find((manager) => sameManager(manager, self));
  const merged = previous === undefined ? self : { ...self, fields: union(previous.fields, own) };
  return withManagedFields(after, [...settled.filter((manager) => manager !== previous), merged]);
}

function keepTimes(before: JsonObject | undefined, after: JsonObject): JsonObject {
  return before !== undefined && equalButTimes(before, after) ? before : after;
}
