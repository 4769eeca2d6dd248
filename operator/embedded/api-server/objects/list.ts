import type { ApiContext } from '../api-context.ts';
import { ApiStatusError, badRequest, expired, invalidOption } from '../api-status.ts';
import type { ServedResource } from '../served-resource.ts';
import type { Collection } from '../store/collection.ts';
import type { StoredObject } from '../store/stored-object.ts';
import { parseSelection, type Selection } from './selection.ts';

/** One page of a list. */
export interface Page {
  readonly objects: readonly StoredObject[];
  readonly resourceVersion: number;
  /** '' on the last page. */
  readonly continueToken: string;
  readonly remaining: number | undefined;
}

/** Reads a page as limit, continue, resourceVersion, resourceVersionMatch and the selectors ask. */
export function listObjects(
  context: ApiContext,
  resource: ServedResource,
  namespace: string,
  query: URLSearchParams,
): Page {
  const selection = parseSelection(resource, namespace, query);
  const limit = parseLimit(query.get('limit'));
  const token = query.get('continue') ?? '';
  if (token !== '') return nextPage(context, query, token, limit, selection.everything);
  const collection = context.store.collection(resource.collection);
  const { objects, resourceVersion } = stateAt(context, collection, selection, query, limit);
  const selected = selection.everything ? objects : objects.filter((object) => selection.matches(object));
  if (limit === 0 || selected.length <= limit) {
    return { objects: selected, resourceVersion, continueToken: '', remaining: undefined };
  }
  return {
    objects: selected.slice(0, limit),
    resourceVersion,
    continueToken: context.continuations.open(selected, resourceVersion, limit),
    remaining: selection.everything ? selected.length - limit : undefined,
  };
}

function nextPage(
  context: ApiContext,
  query: URLSearchParams,
  token: string,
  limit: number,
  everything: boolean,
): Page {
  const version = query.get('resourceVersion') ?? '';
  if (version !== '' && version !== '0') {
    throw badRequest('specifying resource version is not allowed when using continue');
  }
  const resumed = context.continuations.resume(token);
  if (resumed === 'invalid') throw badRequest('continue key is not valid');
  if (resumed === 'expired') {
    throw expired(
      'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.',
    );
  }
  const { id, offset, snapshot } = resumed;
  const end = limit === 0 ? snapshot.objects.length : Math.min(snapshot.objects.length, offset + limit);
  const left = snapshot.objects.length - end;
  return {
    objects: snapshot.objects.slice(offset, end),
    resourceVersion: snapshot.revision,
    continueToken: context.continuations.advance(id, left > 0 ? end : undefined),
    remaining: left > 0 && everything ? left : undefined,
  };
}

function stateAt(
  context: ApiContext,
  collection: Collection,
  selection: Selection,
  query: URLSearchParams,
  limit: number,
): { objects: StoredObject[]; resourceVersion: number } {
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const current = context.store.revision;
  if (match !== '' && match !== 'Exact' && match !== 'NotOlderThan') {
    const message = `Unsupported value: ${JSON.stringify(match.slice(0, 32))}: supported values: "Exact", "NotOlderThan", ""`;
    throw invalidOption('ListOptions', 'resourceVersionMatch', 'FieldValueNotSupported', message);
  }
  if (match !== '' && version === '') {
    throw forbiddenMatch('resourceVersionMatch is forbidden unless resourceVersion is provided');
  }
  if (match === 'Exact' && version === '0') {
    throw forbiddenMatch('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  const wanted = parseResourceVersion(version);
  if (wanted > current) throw tooLarge(wanted, current);
  const exact = wanted > 0 && (match === 'Exact' || (match === '' && limit > 0));
  if (!exact || wanted === current) {
    const narrowed = selection.filter === undefined ? undefined : collection.withField(selection.filter);
    return { objects: narrowed ?? collection.list(selection.namespace), resourceVersion: current };
  }
  const objects = rolledBack(collection, selection.namespace, wanted);
  if (objects === undefined) throw expired('The resourceVersion for the provided list is too old.');
  return { objects, resourceVersion: wanted };
}

/** The collection as it was at `version`: today's, with later changes taken back. */
function rolledBack(collection: Collection, namespace: string, version: number): StoredObject[] | undefined {
  const later = collection.since(version);
  if (later === undefined) return undefined;
  const objects = new Map(collection.list().map((object) => [object.key, object]));
  for (const event of later.toReversed()) {
    if (event.before !== undefined) objects.set(event.before.key, event.before);
    else if (event.after !== undefined) objects.delete(event.after.key);
  }
  return [...objects.values()]
    .filter((object) => namespace === '' || object.namespace === namespace)
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** A resource version as a number; '' is 0. */
export function parseResourceVersion(text: string): number {
  if (text === '') return 0;
  if (!/^\d{1,15}$/.test(text)) {
    const shown = JSON.stringify(text.slice(0, 32));
    throw badRequest(
      `invalid resource version: resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: invalid syntax`,
    );
  }
  return Number(text);
}

/** The answer to a read that wants a state which this server has not reached (it may have lost its memory). */
export function tooLarge(wanted: number, current: number): ApiStatusError {
  const message = `Too large resource version: ${String(wanted)}, current: ${String(current)}`;
  return new ApiStatusError(504, 'Timeout', `Timeout: ${message}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
  });
}

function parseLimit(text: string | null): number {
  if (text === null || text === '') return 0;
  if (!/^-?\d{1,15}$/.test(text)) {
    throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text.slice(0, 32))}: invalid syntax`);
  }
  return Math.max(0, Number(text));
}

function forbiddenMatch(why: string): ApiStatusError {
  return invalidOption('ListOptions', 'resourceVersionMatch', 'FieldValueForbidden', `Forbidden: ${why}`);
}
