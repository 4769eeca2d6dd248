import type { IncomingMessage } from 'node:http';
import { timestamp, type ApiContext } from '../api-context.ts';
import { ApiStatusError, badRequest, invalid, modified, notFound, unsupportedMediaType } from '../api-status.ts';
import { ApplyConflictError, ApplyObjectError, serverSideApply } from '../apply/apply.ts';
import { mediaType, parseJson, parseYaml, readBody } from '../http/read-body.ts';
import { childObject, childString, isObject } from '../json.ts';
import { applyPatch, PatchError } from '../patch/patch.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import { storageKey } from '../store/stored-object.ts';
import { conform, UndecodableError, noteDropped, type Sent } from './conform.ts';
import { createObject, namespaceMismatch, type Written } from './create.ts';
import { cleanMetadata } from './metadata.ts';
import { updateObject, type UpdateTarget } from './update.ts';
import { parseWriteOptions, type WriteOptions } from './write-options.ts';

const applyType = 'application/apply-patch+yaml';

/** What a PATCH came to, and whether it made a new object. */
export interface Patched {
  readonly written: Written;
  readonly created: boolean;
}

/** PATCH in all its forms. */
export async function handlePatch(
  context: ApiContext,
  target: UpdateTarget,
  request: IncomingMessage,
  query: URLSearchParams,
  warnings: string[],
): Promise<Patched> {
  const { resource } = target;
  const type = mediaType(request);
  const accepted = [
    'application/json-patch+json',
    'application/merge-patch+json',
    ...(resource.custom ? [] : ['application/strategic-merge-patch+json']),
    applyType,
  ];
  if (!accepted.includes(type)) throw unsupportedMediaType(accepted);
  const userAgent = request.headers['user-agent'] ?? '';
  const options = parseWriteOptions(query, userAgent, 'PatchOptions', type === applyType);
  const text = await readBody(request);
  if (type === applyType) return applyBody(context, target, parseYaml(text), options, warnings);
  const patch = parseJson(text);
  const written = updateObject(
    context,
    target,
    (live) => patched(context, resource, type, live, patch, options, warnings),
    options,
    { needsResourceVersion: false, tracked: false },
  );
  return { written, created: false };
}

function patched(
  context: ApiContext,
  resource: ServedResource,
  type: string,
  live: JsonObject,
  patch: Sent,
  options: WriteOptions,
  warnings: string[],
): JsonObject {
  let result: JsonObject;
  try {
    result = applyPatch(type, live, patch.object, resource.custom ? undefined : resource.schema);
  } catch (error) {
    throw patchFailure(error);
  }
  const uid = childString(result['metadata'], 'uid');
  if (uid !== childString(live['metadata'], 'uid') && uid !== '') {
    const message = `Invalid value: ${JSON.stringify(uid.slice(0, 64))}: field is immutable`;
    throw invalid(resource, childString(live['metadata'], 'name'), [
      { reason: 'FieldValueInvalid', field: 'metadata.uid', message },
    ]);
  }
  return conformPatched(context, resource, { object: result, duplicates: patch.duplicates }, options, warnings);
}

/** What a patch must not bring in is reported under the field `patch`, as it is not the client's object. */
function conformPatched(
  context: ApiContext,
  resource: ServedResource,
  result: Sent,
  options: WriteOptions,
  warnings: string[],
): JsonObject {
  try {
    return conform(context, resource, result, options, warnings);
  } catch (error) {
    if (!(error instanceof UndecodableError)) throw error;
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(result.object))}: ${error.why}`;
    throw invalid({ group: '', plural: '', kind: '' }, '', [{ reason: 'FieldValueInvalid', field: 'patch', message }]);
  }
}

function patchFailure(error: unknown): unknown {
  if (!(error instanceof PatchError)) return error;
  const reason = error.status === 422 ? 'Invalid' : error.status === 415 ? 'UnsupportedMediaType' : 'BadRequest';
  return new ApiStatusError(error.status, reason, error.message, error.status === 422 ? {} : undefined);
}

function applyBody(
  context: ApiContext,
  target: UpdateTarget,
  sent: Sent,
  options: WriteOptions,
  warnings: string[],
): Patched {
  const { resource, namespace, name, subresource } = target;
  const applied = checkApplied(target, sent);
  noteDropped(
    resource,
    sent.duplicates.map((path) => `duplicate field "${path}"`),
    options,
    warnings,
  );
  const common = {
    applied,
    manager: options.fieldManager,
    force: options.force,
    apiVersion: groupVersionOf(resource),
    subresource,
    now: timestamp(context.clock),
    schema: resource.schema,
    statusSubresource: resource.statusSubresource,
  };
  const stored = context.store.collection(resource.collection).get(storageKey(namespace, name));
  if (stored === undefined) {
    if (subresource !== '') throw notFound(resource, name);
    if (childString(applied['metadata'], 'uid') !== '') throw modified(resource, name);
    const { object } = applyOrThrow(common);
    return { written: createObject(context, resource, namespace, object, options, true), created: true };
  }
  const written = updateObject(
    context,
    target,
    (live) => {
      checkPreconditions(target, applied, live);
      const { object, changed } = applyOrThrow({ ...common, live });
      return changed ? object : live;
    },
    options,
    { needsResourceVersion: false, tracked: true },
  );
  return { written, created: false };
}

function applyOrThrow(input: Parameters<typeof serverSideApply>[0]): ReturnType<typeof serverSideApply> {
  try {
    return serverSideApply(input);
  } catch (error) {
    if (error instanceof ApplyConflictError) {
      const causes = error.conflicts.map(({ message, field }) => ({ reason: 'FieldManagerConflict', message, field }));
      throw new ApiStatusError(409, 'Conflict', error.message, { causes });
    }
    if (error instanceof ApplyObjectError) {
      throw new ApiStatusError(error.status, error.status === 400 ? 'BadRequest' : '', error.message);
    }
    throw error;
  }
}

function checkApplied(target: UpdateTarget, sent: Sent): JsonObject {
  const { resource, namespace, name } = target;
  const object = sent.object;
  if (!isObject(object)) throw badRequest('error decoding YAML: the body is not an object');
  const apiVersion = childString(object, 'apiVersion');
  const kind = childString(object, 'kind');
  if (apiVersion !== groupVersionOf(resource) || kind !== resource.kind) {
    const shown = apiVersion === '' && kind === '' ? '/, Kind=' : `${apiVersion}, Kind=${kind}`.slice(0, 256);
    throw badRequest(`invalid object type: ${shown}`);
  }
  const { metadata, unknown, wrong } = cleanMetadata(object['metadata']);
  if (wrong !== undefined || unknown.length > 0) {
    const field = wrong === undefined ? (unknown[0] ?? '') : `metadata.${wrong.path}`;
    throw new ApiStatusError(500, '', `failed to create typed patch object: .${field}: field not declared in schema`);
  }
  const sentName = childString(metadata, 'name');
  if (sentName !== '' && sentName !== name) {
    throw badRequest(`the name of the object (${sentName.slice(0, 256)}) does not match the name on the URL (${name})`);
  }
  const sentNamespace = childString(metadata, 'namespace');
  if (sentNamespace !== '' && sentNamespace !== namespace) throw namespaceMismatch(resource);
  return { ...object, metadata: { ...metadata, name } };
}

/** An apply of a custom resource's status is not asked for the uid: the API server takes all metadata from the live object. */
function checkPreconditions(
  { resource, name, subresource }: UpdateTarget,
  applied: JsonObject,
  live: JsonObject,
): void {
  for (const key of subresource === 'status' && resource.custom ? ['resourceVersion'] : ['uid', 'resourceVersion']) {
    const wanted = childString(childObject(applied, 'metadata'), key);
    if (wanted !== '' && wanted !== childString(live['metadata'], key)) throw modified(resource, name);
  }
}
