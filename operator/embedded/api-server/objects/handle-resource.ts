import type { IncomingMessage } from 'node:http';
import type { ApiContext } from '../api-context.ts';
import {
  type ApiStatusError,
  alreadyExists,
  badRequest,
  methodNotAllowed,
  noSuchResource,
  notFound,
} from '../api-status.ts';
import { jsonAnswer, type Answer } from '../http/answer.ts';
import type { AnswerForm } from '../http/negotiation.ts';
import { readObject } from '../http/read-body.ts';
import type { RequestTarget } from '../http/request-target.ts';
import { childString, toJson } from '../json.ts';
import { servedJson } from '../resources/conversion.ts';
import type { ServedResource } from '../served-resource.ts';
import { storageKey } from '../store/stored-object.ts';
import { conform } from './conform.ts';
import { createObject, type Written } from './create.ts';
import { deleteObject, parseDeletionOptions, type Deleted } from './delete.ts';
import { handlePatch } from './handle-patch.ts';
import { listObjects } from './list.ts';
import { parseSelection } from './selection.ts';
import { checkName, updateObject, type UpdateTarget } from './update.ts';
import { includeObjectOf, viewObject, viewPage } from './view.ts';
import { parseWriteOptions } from './write-options.ts';

/** One request for a resource, with what its path named. */
export interface ResourceRequest {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly target: RequestTarget;
  readonly resource: ServedResource;
  readonly warnings: string[];
  /** How the answer is wanted. */
  readonly form: AnswerForm;
}

/** Answers everything but watches. */
export async function handleResource(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  checkPath(call);
  const answer = await dispatch(context, call);
  await context.store.durable();
  return { ...answer, warnings: call.warnings };
}

/** Refuses paths that the kind does not have. */
export function checkPath({ target, resource }: Pick<ResourceRequest, 'target' | 'resource'>): void {
  if (target.namespace !== '' && !resource.namespaced) throw noSuchResource();
  if (target.subresource === '') return;
  const finalize = target.subresource === 'finalize' && resource.plural === 'namespaces';
  if (!finalize && !(target.subresource === 'status' && resource.statusSubresource)) throw noSuchResource();
}

function dispatch(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  const named = call.target.name !== '';
  switch (call.request.method) {
    case 'GET':
    case 'HEAD':
      return named ? get(context, call) : list(context, call);
    case 'POST':
      return create(context, call);
    case 'PUT':
      return replace(context, call);
    case 'PATCH':
      return patch(context, call);
    case 'DELETE':
      return named ? remove(context, call) : removeCollection(context, call);
    default:
      return Promise.reject(methodNotAllowed());
  }
}

async function get(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  await context.store.durable();
  const { resource, target } = call;
  const stored = context.store.collection(resource.collection).get(storageKey(target.namespace, target.name));
  if (stored === undefined) throw notFound(resource, target.name);
  return objectAnswer(context, call, 200, servedJson(resource, stored));
}

async function list(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  await context.store.durable();
  const { resource, target, query, form } = call;
  const page = listObjects(context, resource, target.namespace, query);
  const items = page.objects.map((stored) => servedJson(resource, stored));
  return { code: 200, body: viewPage(context, resource, form, includeObjectOf(query), page, items) };
}

async function create(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  const { resource, target, query, request, warnings } = call;
  if (target.subresource !== '') throw methodNotAllowed();
  if (resource.namespaced && target.namespace === '') throw noSuchResource();
  if (target.name !== '' && !resource.custom) throw methodNotAllowed();
  const options = parseWriteOptions(query, request.headers['user-agent'] ?? '', 'CreateOptions');
  const sent = await readObject(request);
  const object = conform(context, resource, sent, options, warnings);
  if (target.name !== '') throw alreadyExists(resource, target.name);
  return writtenAnswer(context, call, 201, createObject(context, resource, target.namespace, object, options));
}

async function replace(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  const { resource, target, query, request, warnings } = call;
  if (target.name === '') throw nameless(resource);
  const options = parseWriteOptions(query, request.headers['user-agent'] ?? '', 'UpdateOptions');
  const sent = await readObject(request);
  const object = conform(context, resource, sent, options, warnings);
  checkName(object, target.name);
  const upserts = resource.plural === 'leases' || resource.plural === 'events';
  const key = storageKey(target.namespace, target.name);
  if (upserts && context.store.collection(resource.collection).get(key) === undefined) {
    return writtenAnswer(context, call, 201, createObject(context, resource, target.namespace, object, options));
  }
  const written = updateObject(context, updateTarget(call), () => object, options, {
    needsResourceVersion: true,
    tracked: false,
  });
  return writtenAnswer(context, call, 200, written);
}

async function patch(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  if (call.target.name === '') throw nameless(call.resource);
  const { written, created } = await handlePatch(context, updateTarget(call), call.request, call.query, call.warnings);
  return writtenAnswer(context, call, created ? 201 : 200, written);
}

async function remove(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  const { resource, target } = call;
  if (target.subresource !== '') throw methodNotAllowed();
  const options = parseDeletionOptions((await readObject(call.request)).object, call.query);
  const deleted = deleteObject(context, resource, target.namespace, target.name, options);
  return deletedAnswer(context, call, deleted);
}

async function removeCollection(context: ApiContext, call: ResourceRequest): Promise<Answer> {
  const { resource, target, query, request } = call;
  if (!resource.verbs.includes('deletecollection')) throw methodNotAllowed();
  if (resource.namespaced && target.namespace === '') throw noSuchResource();
  const options = parseDeletionOptions((await readObject(request)).object, query);
  const selection = parseSelection(resource, target.namespace, query);
  const chosen = context.store
    .collection(resource.collection)
    .list(target.namespace)
    .filter((stored) => selection.matches(stored));
  const items = chosen.map((stored) => {
    const { uid: _uid, resourceVersion: _version, ...rest } = options;
    return toJson(deleteObject(context, resource, stored.namespace, stored.name, rest).object);
  });
  const page = { objects: [], resourceVersion: context.store.revision, continueToken: '', remaining: undefined };
  return { code: 200, body: viewPage(context, resource, { kind: 'object' }, 'None', page, items) };
}

/** Built-in collections have routes of their own; those of custom kinds are one handler, which misses the name. */
function nameless(resource: ServedResource): ApiStatusError {
  return resource.custom ? badRequest('name must be provided') : methodNotAllowed();
}

function updateTarget({ resource, target }: ResourceRequest): UpdateTarget {
  return {
    resource,
    namespace: target.namespace,
    name: target.name,
    subresource: target.subresource === 'status' ? 'status' : '',
  };
}

function objectAnswer(context: ApiContext, call: ResourceRequest, code: number, json: string): Answer {
  return { code, body: viewObject(context, call.resource, call.form, includeObjectOf(call.query), json) };
}

function writtenAnswer(context: ApiContext, call: ResourceRequest, code: number, written: Written): Answer {
  return objectAnswer(context, call, code, written.json);
}

function deletedAnswer(context: ApiContext, call: ResourceRequest, deleted: Deleted): Answer {
  const { resource, target } = call;
  if (!deleted.gone) return objectAnswer(context, call, 200, toJson(deleted.object));
  const details = {
    name: target.name,
    ...(resource.group === '' ? {} : { group: resource.group }),
    kind: resource.plural,
    uid: childString(deleted.object['metadata'], 'uid'),
  };
  return jsonAnswer(200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details });
}
