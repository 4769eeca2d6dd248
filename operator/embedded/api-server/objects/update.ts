import { timestamp, type ApiContext } from '../api-context.ts';
import { badRequest, conflict, invalid, modified, notFound } from '../api-status.ts';
import { trackUpdate } from '../apply/apply.ts';
import { childObject, childString, childStrings, jsonEqual, toJson } from '../json.ts';
import { ordered, servedJson, toServedForm, toStorageForm } from '../resources/conversion.ts';
import { prepareDefinition } from '../resources/definition.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import { finalizersOf, storageKey } from '../store/stored-object.ts';
import { namespaceMismatch, type Written } from './create.ts';
import { prepareBuiltin, validate } from './validate.ts';
import type { WriteOptions } from './write-options.ts';

/** Which object is written, and which part of it. */
export interface UpdateTarget {
  readonly resource: ServedResource;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: '' | 'status';
}

/** How an update treats what the new object says of itself. */
export interface UpdateRules {
  /** A replace of a custom kind must name the resource version it is based on. */
  readonly needsResourceVersion: boolean;
  /** managedFields are complete already (server-side apply). */
  readonly tracked: boolean;
}

/** Replaces an object by what `change` makes of it, if all rules allow it. */
export function updateObject(
  context: ApiContext,
  target: UpdateTarget,
  change: (live: JsonObject) => JsonObject,
  options: WriteOptions,
  rules: UpdateRules,
): Written {
  const { resource, namespace, name, subresource } = target;
  const stored = context.store.collection(resource.collection).get(storageKey(namespace, name));
  if (stored === undefined) throw notFound(resource, name);
  const json = servedJson(resource, stored);
  const live = JSON.parse(json) as JsonObject;
  const next = change(live);
  if (next === live) return { json };
  checkIdentity(target, live, next, rules);
  let after = merged(target, live, next);
  if (subresource === '') after = prepareBuiltin(resource, after);
  after = context.schemas.get(resource).applyDefaults(after);
  after = withGeneration(target, live, after);
  if (!rules.tracked) {
    after = trackUpdate({
      before: live,
      after,
      manager: options.fieldManager,
      apiVersion: groupVersionOf(resource),
      subresource,
      now: timestamp(context.clock),
      schema: resource.schema,
    });
  }
  if (resource.plural === 'customresourcedefinitions') after = prepareDefinition(context, after, live);
  if (jsonEqual(after, live)) return { json };
  checkFinalizers(resource, live, after);
  validate(context, resource, after, live);
  const kept = ordered(toStorageForm(resource, after));
  if (options.dryRun) return { json: toJson(ordered(toServedForm(resource, kept))) };
  const written = isFinished(resource, kept)
    ? context.store.remove(resource.collection, kept)
    : context.store.put(resource.collection, kept);
  return { json: servedJson(resource, written) };
}

/** True for an object that was deleted and that nothing holds back any more. */
export function isFinished(resource: ServedResource, object: JsonObject): boolean {
  if (childString(object['metadata'], 'deletionTimestamp') === '') return false;
  if (resource.plural === 'namespaces' && childStrings(object['spec'], 'finalizers').length > 0) return false;
  return finalizersOf(object).length === 0;
}

function checkIdentity(target: UpdateTarget, live: JsonObject, next: JsonObject, rules: UpdateRules): void {
  const { resource, namespace, name } = target;
  const metadata = childObject(next, 'metadata') ?? {};
  checkName(next, name);
  const nextNamespace = childString(metadata, 'namespace');
  if (nextNamespace !== '' && nextNamespace !== namespace) throw namespaceMismatch(resource);
  const uid = childString(metadata, 'uid');
  const liveUid = childString(live['metadata'], 'uid');
  if (uid !== '' && uid !== liveUid) {
    throw conflict(
      resource,
      name,
      `Precondition failed: UID in precondition: ${uid.slice(0, 64)}, UID in object meta: ${liveUid}`,
    );
  }
  const version = childString(metadata, 'resourceVersion');
  if (version === '' && rules.needsResourceVersion && (resource.custom || conditionalOnly.has(resource.plural))) {
    const message = 'Invalid value: 0: must be specified for an update';
    throw invalid({ ...resource, kind: resource.plural }, name, [
      { reason: 'FieldValueInvalid', field: 'metadata.resourceVersion', message },
    ]);
  }
  if (version !== '' && version !== childString(live['metadata'], 'resourceVersion')) throw modified(resource, name);
}

/** Refuses an object that does not carry the name that the URL has. */
export function checkName(object: JsonObject, name: string): void {
  const sent = childString(object['metadata'], 'name');
  if (sent === name) return;
  if (sent === '') throw badRequest('name must be provided');
  throw badRequest(`the name of the object (${sent.slice(0, 256)}) does not match the name on the URL (${name})`);
}

/** Built-in kinds that are not replaced without a resource version. */
const conditionalOnly: ReadonlySet<string> = new Set(['leases', 'customresourcedefinitions']);

const serverOwned = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'namespace',
  'resourceVersion',
];

/** The new object with everything that this request may not change put back. */
function merged(target: UpdateTarget, live: JsonObject, next: JsonObject): JsonObject {
  const liveMetadata = childObject(live, 'metadata') ?? {};
  const nextMetadata = childObject(next, 'metadata') ?? {};
  if (target.subresource === 'status') {
    const metadata = withField(liveMetadata, 'managedFields', nextMetadata['managedFields']);
    return withField({ ...live, metadata }, 'status', next['status']);
  }
  let metadata: JsonObject = { ...nextMetadata };
  for (const key of serverOwned) metadata = withField(metadata, key, liveMetadata[key]);
  delete metadata['selfLink'];
  const whole = { ...next, metadata };
  return target.resource.statusSubresource ? withField(whole, 'status', live['status']) : whole;
}

function withField(object: JsonObject, key: string, value: unknown): JsonObject {
  if (value !== undefined) return { ...object, [key]: value };
  const { [key]: _, ...rest } = object;
  return rest;
}

function withGeneration(target: UpdateTarget, live: JsonObject, after: JsonObject): JsonObject {
  const metadata = childObject(after, 'metadata') ?? {};
  const generation = metadata['generation'];
  if (typeof generation !== 'number' || target.subresource === 'status') return after;
  const content = (object: JsonObject): JsonObject => {
    const { metadata: _, status, ...rest } = object;
    return target.resource.statusSubresource || status === undefined ? rest : { ...rest, status };
  };
  if (jsonEqual(content(live), content(after))) return after;
  return { ...after, metadata: { ...metadata, generation: generation + 1 } };
}

function checkFinalizers(resource: ServedResource, live: JsonObject, after: JsonObject): void {
  if (childString(live['metadata'], 'deletionTimestamp') === '') return;
  const known = new Set(finalizersOf(live));
  const added = finalizersOf(after).filter((finalizer) => !known.has(finalizer));
  if (added.length === 0) return;
  const list = added.map((finalizer) => JSON.stringify(finalizer)).join(', ');
  throw invalid(resource, childString(live['metadata'], 'name'), [
    {
      reason: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
    },
  ]);
}
