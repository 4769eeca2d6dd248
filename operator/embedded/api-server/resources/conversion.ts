import { isObject, toJson } from '../json.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import type { StoredObject } from '../store/stored-object.ts';

/** Field names of an event in events.k8s.io, and in the core group, the form in which events are kept. */
const eventNames: readonly (readonly [string, string])[] = [
  ['regarding', 'involvedObject'],
  ['note', 'message'],
  ['reportingController', 'reportingComponent'],
  ['deprecatedSource', 'source'],
  ['deprecatedFirstTimestamp', 'firstTimestamp'],
  ['deprecatedLastTimestamp', 'lastTimestamp'],
  ['deprecatedCount', 'count'],
];

/** The object as it is kept, from the form of `resource`. */
export function toStorageForm(resource: ServedResource, object: JsonObject): JsonObject {
  return isNewEvent(resource) ? { ...renamed(object, 0), apiVersion: 'v1' } : object;
}

/** The object in the form of `resource`. Versions of a custom kind differ in apiVersion only (conversion strategy None). */
export function toServedForm(resource: ServedResource, object: JsonObject): JsonObject {
  const form = isNewEvent(resource) ? renamed(object, 1) : object;
  return { ...form, apiVersion: groupVersionOf(resource) };
}

/** The JSON of a stored object in the form of `resource`; the stored text itself where that is the same. */
export function servedJson(resource: ServedResource, stored: StoredObject): string {
  if (!isNewEvent(resource) && stored.json.startsWith(`{"apiVersion":"${groupVersionOf(resource)}",`))
    return stored.json;
  return toJson(ordered(toServedForm(resource, JSON.parse(stored.json) as JsonObject)));
}

/** The same object with apiVersion, kind and metadata first. */
export function ordered(object: JsonObject): JsonObject {
  const { apiVersion, kind, metadata, ...rest } = object;
  return { apiVersion, kind, metadata, ...rest };
}

function isNewEvent(resource: ServedResource): boolean {
  return resource.group === 'events.k8s.io' && resource.plural === 'events';
}

function renamed(object: JsonObject, from: 0 | 1): JsonObject {
  const to = from === 0 ? 1 : 0;
  const names = new Map(eventNames.map((pair) => [pair[from], pair[to]]));
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(object)) {
    result[names.get(key) ?? key] = isObject(value) ? { ...value } : value;
  }
  return result;
}
