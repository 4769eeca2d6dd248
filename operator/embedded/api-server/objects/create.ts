import { randomUUID } from 'node:crypto';
import { timestamp, type ApiContext } from '../api-context.ts';
import { alreadyExists, badRequest, forbidden, notFound } from '../api-status.ts';
import { trackUpdate } from '../apply/apply.ts';
import { childObject, childString, toJson } from '../json.ts';
import { ordered, servedJson, toServedForm, toStorageForm } from '../resources/conversion.ts';
import { prepareDefinition } from '../resources/definition.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import { storageKey } from '../store/stored-object.ts';
import { prepareBuiltin, validate } from './validate.ts';
import type { WriteOptions } from './write-options.ts';

/** What a write came to: the JSON of the object as it is now (or, in a dry run, would be), in the form of the kind. */
export interface Written {
  readonly json: string;
}

const nameAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Creates an object that was brought into form already. `tracked`: its managedFields are complete (server-side apply). */
export function createObject(
  context: ApiContext,
  resource: ServedResource,
  namespace: string,
  sent: JsonObject,
  options: WriteOptions,
  tracked = false,
): Written {
  const metadata = newMetadata(context, resource, namespace, childObject(sent, 'metadata') ?? {});
  const name = childString(metadata, 'name');
  const key = storageKey(namespace, name);
  checkNamespace(context, resource, namespace, name);
  const collection = context.store.collection(resource.collection);
  let object: JsonObject = { ...sent, metadata };
  if (resource.statusSubresource) delete object['status'];
  object = prepareBuiltin(resource, object);
  object = context.schemas.get(resource).applyDefaults(object);
  // A status that begins with a default is nobody's.
  const { status: begun, ...unowned } = object;
  const beginsWithStatus = resource.statusSubresource && begun !== undefined;
  if (!tracked) {
    object = trackUpdate({
      after: beginsWithStatus ? unowned : object,
      manager: options.fieldManager,
      apiVersion: groupVersionOf(resource),
      subresource: '',
      now: timestamp(context.clock),
      schema: resource.schema,
    });
    if (beginsWithStatus) object = { ...object, status: begun };
  }
  object = completeBuiltin(context, resource, object);
  validate(context, resource, object, undefined);
  if (collection.get(key) !== undefined) throw alreadyExists(resource, name);
  const kept = ordered(toStorageForm(resource, object));
  if (options.dryRun) return { json: toJson(ordered(toServedForm(resource, kept))) };
  return { json: servedJson(resource, context.store.put(resource.collection, kept)) };
}

/** What the server adds on its own account, owned by no manager. */
function completeBuiltin(context: ApiContext, resource: ServedResource, object: JsonObject): JsonObject {
  if (resource.custom) return object;
  if (resource.plural === 'customresourcedefinitions') return prepareDefinition(context, object, undefined);
  if (resource.plural !== 'namespaces') return object;
  const spec = { finalizers: ['kubernetes'], ...childObject(object, 'spec') };
  return { ...object, spec, status: { phase: 'Active' } };
}

function newMetadata(context: ApiContext, resource: ServedResource, namespace: string, sent: JsonObject): JsonObject {
  const sentNamespace = childString(sent, 'namespace');
  if (sentNamespace !== '' && sentNamespace !== namespace) throw namespaceMismatch(resource);
  if (childString(sent, 'resourceVersion') !== '') {
    throw badRequest('resourceVersion should not be set on objects to be created');
  }
  const { selfLink: _link, deletionTimestamp: _time, deletionGracePeriodSeconds: _grace, ...rest } = sent;
  delete rest['resourceVersion'];
  delete rest['generation'];
  const generateName = childString(sent, 'generateName');
  const name = childString(sent, 'name');
  const hasGeneration = resource.custom || resource.plural === 'customresourcedefinitions';
  return {
    ...rest,
    ...(name === '' && generateName !== '' ? { name: generatedName(context, generateName) } : {}),
    ...(resource.namespaced ? { namespace } : {}),
    uid: randomUUID(),
    creationTimestamp: timestamp(context.clock),
    ...(hasGeneration ? { generation: 1 } : {}),
  };
}

/** The error for an object whose namespace is not that of the request. */
export function namespaceMismatch(resource: ServedResource): Error {
  return resource.namespaced
    ? badRequest('the namespace of the provided object does not match the namespace sent on the request')
    : badRequest('namespace may not be set on a cluster-scoped object');
}

function generatedName(context: ApiContext, prefix: string): string {
  let suffix = '';
  for (let count = 0; count < 5; count++) {
    suffix += nameAlphabet[Math.floor(context.random() * nameAlphabet.length)] ?? 'x';
  }
  return prefix.slice(0, 58) + suffix;
}

function checkNamespace(context: ApiContext, resource: ServedResource, namespace: string, name: string): void {
  if (!resource.namespaced) return;
  const stored = context.store.collection('namespaces').get(namespace);
  if (stored === undefined) throw notFound({ group: '', plural: 'namespaces', kind: 'Namespace' }, namespace);
  if (!stored.deleting) return;
  const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
  const message = `namespace ${namespace} is being terminated`;
  throw forbidden(resource, name, why, [{ reason: 'NamespaceTerminating', message, field: 'metadata.namespace' }]);
}
