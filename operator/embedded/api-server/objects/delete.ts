import { timestamp, type ApiContext } from '../api-context.ts';
import { ApiStatusError, forbidden, invalidOption, notFound } from '../api-status.ts';
import { childObject, childString, childStrings, isObject } from '../json.ts';
import { ordered, toServedForm } from '../resources/conversion.ts';
import { qualifiedResource, type JsonObject, type ServedResource } from '../served-resource.ts';
import { finalizersOf, parseStored, storageKey, type StoredObject } from '../store/stored-object.ts';
import { isFinished } from './update.ts';

/** What a delete asks for. */
export interface DeletionOptions {
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly propagation?: 'Foreground' | 'Background' | 'Orphan';
  readonly dryRun: boolean;
}

/** What a delete came to: gone, or still there because something holds it back. */
export interface Deleted {
  readonly gone: boolean;
  readonly object: JsonObject;
}

const permanentNamespaces: ReadonlySet<string> = new Set(['default', 'kube-system', 'kube-public']);

/** The finalizers by which the garbage collector holds an owner back. */
export const foregroundFinalizer = 'foregroundDeletion';
export const orphanFinalizer = 'orphan';

/** Deletes an object, or marks it as being deleted while it has finalizers. */
export function deleteObject(
  context: ApiContext,
  resource: ServedResource,
  namespace: string,
  name: string,
  options: DeletionOptions,
): Deleted {
  const stored = context.store.collection(resource.collection).get(storageKey(namespace, name));
  if (stored === undefined) throw notFound(resource, name);
  checkPreconditions(resource, stored, options);
  if (resource.plural === 'namespaces' && resource.group === '' && permanentNamespaces.has(name)) {
    throw forbidden(resource, name, 'this namespace may not be deleted');
  }
  const live = parseStored(stored);
  let object = withPropagation(live, options.propagation);
  if (resource.plural === 'namespaces') {
    object = { ...object, status: { ...childObject(object, 'status'), phase: 'Terminating' } };
  }
  const marked = withDeletionTime(context, object);
  if (isFinished(resource, marked)) {
    if (!options.dryRun) context.store.remove(resource.collection, ordered(live));
    return { gone: true, object: toServedForm(resource, live) };
  }
  if (stored.deleting && finalizersOf(live).join() === finalizersOf(marked).join()) {
    return { gone: false, object: toServedForm(resource, live) };
  }
  if (options.dryRun) return { gone: false, object: toServedForm(resource, marked) };
  const kept = context.store.put(resource.collection, ordered(marked));
  return { gone: false, object: toServedForm(resource, parseStored(kept)) };
}

/** Reads DeleteOptions from the body (if there is one) and the query. */
export function parseDeletionOptions(body: unknown, query: URLSearchParams): DeletionOptions {
  const sent = isObject(body) ? body : {};
  const preconditions = childObject(sent, 'preconditions');
  const uid = childString(preconditions, 'uid');
  const resourceVersion = childString(preconditions, 'resourceVersion');
  const propagation = propagationOf(sent, query);
  const dryRun = [...childStrings(sent, 'dryRun'), ...query.getAll('dryRun')].filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
    throw invalidOption('DeleteOptions', 'dryRun', 'FieldValueNotSupported', message);
  }
  return {
    dryRun: dryRun.length > 0,
    ...(uid === '' ? {} : { uid }),
    ...(resourceVersion === '' ? {} : { resourceVersion }),
    ...(propagation === undefined ? {} : { propagation }),
  };
}

function propagationOf(sent: JsonObject, query: URLSearchParams): DeletionOptions['propagation'] {
  const policy = childString(sent, 'propagationPolicy') || (query.get('propagationPolicy') ?? '');
  switch (policy) {
    case 'Foreground':
    case 'Background':
    case 'Orphan':
      return policy;
    case '':
      return sent['orphanDependents'] === true || query.get('orphanDependents') === 'true' ? 'Orphan' : undefined;
    default: {
      const shown = JSON.stringify(policy.slice(0, 64));
      const message = `Unsupported value: ${shown}: supported values: "Foreground", "Background", "Orphan", "nil"`;
      throw invalidOption('DeleteOptions', 'propagationPolicy', 'FieldValueNotSupported', message);
    }
  }
}

function checkPreconditions(resource: ServedResource, stored: StoredObject, options: DeletionOptions): void {
  if (options.uid !== undefined && options.uid !== stored.uid) {
    throw preconditionFailed(
      resource,
      stored.name,
      `the UID in the precondition (${options.uid.slice(0, 64)}) does not match the UID in record (${stored.uid}). The object might have been deleted and then recreated`,
    );
  }
  const version = String(stored.resourceVersion);
  if (options.resourceVersion !== undefined && options.resourceVersion !== version) {
    throw preconditionFailed(
      resource,
      stored.name,
      `the ResourceVersion in the precondition (${options.resourceVersion.slice(0, 32)}) does not match the ResourceVersion in record (${version}). The object might have been modified`,
    );
  }
}

function preconditionFailed(resource: ServedResource, name: string, why: string): ApiStatusError {
  const kind = resource.custom ? resource.kind : resource.plural;
  const subject = qualifiedResource({ group: resource.group, plural: kind });
  return new ApiStatusError(409, 'Conflict', `Operation cannot be fulfilled on ${subject} "${name}": ${why}`, {
    name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind,
  });
}

function withPropagation(object: JsonObject, propagation: DeletionOptions['propagation']): JsonObject {
  if (propagation === undefined) return object;
  const finalizers = finalizersOf(object).filter((name) => name !== foregroundFinalizer && name !== orphanFinalizer);
  if (propagation === 'Foreground') finalizers.push(foregroundFinalizer);
  if (propagation === 'Orphan') finalizers.push(orphanFinalizer);
  const { finalizers: _, ...metadata } = childObject(object, 'metadata') ?? {};
  return { ...object, metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers } };
}

function withDeletionTime(context: ApiContext, object: JsonObject): JsonObject {
  const metadata = childObject(object, 'metadata') ?? {};
  if (childString(metadata, 'deletionTimestamp') !== '') return object;
  const generation = metadata['generation'];
  return {
    ...object,
    metadata: {
      ...metadata,
      deletionTimestamp: timestamp(context.clock),
      deletionGracePeriodSeconds: 0,
      ...(typeof generation === 'number' ? { generation: generation + 1 } : {}),
    },
  };
}
