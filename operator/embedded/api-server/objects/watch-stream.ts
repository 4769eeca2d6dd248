import type { ApiContext } from '../api-context.ts';
import { expired, invalidOption, type ApiStatusError } from '../api-status.ts';
import { toJson } from '../json.ts';
import { servedJson } from '../resources/conversion.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import type { Collection } from '../store/collection.ts';
import type { StoreEvent } from '../store/store-event.ts';
import { parseStored, toStored, type StoredObject } from '../store/stored-object.ts';
import { parseResourceVersion, tooLarge } from './list.ts';
import { parseSelection, type Selection } from './selection.ts';

/** Where a watch writes its frames. */
export interface WatchSink {
  write(frame: Buffer): void;
  end(): void;
}

/** How objects of a watch are shown, when not as they are: as a Table, or metadata only. */
export type WatchView = (json: string) => string;

type EventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';

/** The parameters of a watch, checked. */
export interface WatchPlan {
  readonly resource: ServedResource;
  readonly selection: Selection;
  readonly resourceVersion: number;
  readonly initialEvents: boolean;
  readonly bookmarks: boolean;
  readonly endMark: boolean;
  readonly timeoutMs: number;
}

const bookmarkEveryMs = 60_000;

/** Reads the query of a watch. */
export function planWatch(
  context: ApiContext,
  resource: ServedResource,
  namespace: string,
  name: string,
  query: URLSearchParams,
): WatchPlan {
  const version = query.get('resourceVersion') ?? '';
  const match = query.get('resourceVersionMatch') ?? '';
  const asked = query.get('sendInitialEvents');
  if (asked === null && match !== '') {
    throw forbidden('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
  }
  if (asked !== null && match !== 'NotOlderThan') {
    throw forbidden('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  }
  const streaming = isTrue(asked);
  const resourceVersion = parseResourceVersion(version);
  if (streaming && resourceVersion > context.store.revision) throw tooLarge(resourceVersion, context.store.revision);
  const seconds = Number(query.get('timeoutSeconds') ?? '0');
  return {
    resource,
    selection: parseSelection(resource, namespace, query, name),
    resourceVersion,
    initialEvents: asked === null ? resourceVersion === 0 : streaming,
    bookmarks: isTrue(query.get('allowWatchBookmarks')),
    endMark: streaming && isTrue(query.get('allowWatchBookmarks')),
    timeoutMs: seconds > 0 && seconds < 86_400 ? seconds * 1000 : (1800 + context.random() * 1800) * 1000,
  };
}

/** Starts a watch; gives back what stops it. */
export function startWatch(context: ApiContext, plan: WatchPlan, sink: WatchSink, view?: WatchView): () => void {
  const { resource, selection } = plan;
  const collection = context.store.collection(resource.collection);
  const form = `${resource.group}/${resource.version}`;
  const current = context.store.revision;
  if (plan.initialEvents) {
    const narrowed = selection.filter === undefined ? undefined : collection.withField(selection.filter);
    for (const object of narrowed ?? collection.list(selection.namespace)) {
      if (selection.matches(object)) sink.write(frame('ADDED', shown(servedJson(resource, object), view)));
    }
    if (plan.endMark) sink.write(bookmark(resource, current, view, true));
  }
  const past = pastEvents(plan, collection);
  if (past === undefined) {
    const error = expired(
      `too old resource version: ${String(plan.resourceVersion)} (${String(collection.compacted)})`,
    );
    sink.write(errorFrame(error));
    sink.end();
    return () => undefined;
  }
  const from = plan.initialEvents ? current : plan.resourceVersion;
  const deliver = (event: StoreEvent): void => {
    if (event.resourceVersion <= from) return;
    const type = typeFor(selection, event);
    if (type === undefined) return;
    sink.write(
      view === undefined
        ? sharedFrame(resource, form, type, event)
        : frame(type, view(eventJson(resource, type, event))),
    );
  };
  for (const event of past) deliver(event);
  return keepWatching(context, plan, sink, collection.listen(deliver, selection.filter), view);
}

function pastEvents(plan: WatchPlan, collection: Collection): readonly StoreEvent[] | undefined {
  return plan.initialEvents ? [] : collection.since(plan.resourceVersion);
}

function keepWatching(
  context: ApiContext,
  plan: WatchPlan,
  sink: WatchSink,
  unlisten: () => void,
  view: WatchView | undefined,
): () => void {
  let cancelBookmark: () => void = () => undefined;
  const mark = (): void => {
    sink.write(bookmark(plan.resource, context.store.publishedRevision, view, false));
    cancelBookmark = context.clock.setTimer(bookmarkEveryMs, mark);
  };
  if (plan.bookmarks) cancelBookmark = context.clock.setTimer(bookmarkEveryMs * (0.9 + context.random() * 0.2), mark);
  const stop = (): void => {
    unlisten();
    cancelBookmark();
    cancelTimeout();
  };
  const cancelTimeout = context.clock.setTimer(plan.timeoutMs, () => {
    if (plan.bookmarks) sink.write(bookmark(plan.resource, context.store.publishedRevision, view, false));
    stop();
    sink.end();
  });
  return stop;
}

function typeFor(selection: Selection, event: StoreEvent): EventType | undefined {
  const was = event.before !== undefined && selection.matches(event.before);
  const is = event.after !== undefined && selection.matches(event.after);
  if (is) return was ? 'MODIFIED' : 'ADDED';
  return was ? 'DELETED' : undefined;
}

/** One frame per event, type and form, made once and shared by all watchers. */
function sharedFrame(resource: ServedResource, form: string, type: EventType, event: StoreEvent): Buffer {
  const key = `${type} ${form}`;
  let bytes = event.frames.get(key);
  if (bytes === undefined) {
    bytes = frame(type, eventJson(resource, type, event));
    event.frames.set(key, bytes);
  }
  return bytes;
}

function eventJson(resource: ServedResource, type: EventType, event: StoreEvent): string {
  const object = type === 'DELETED' ? (event.removed ?? departed(event)) : event.after;
  if (object === undefined) throw new Error('a watch event without an object');
  return servedJson(resource, object);
}

/** What a watcher sees of an object that left its selector: the last state it could see, at the version of the change. */
function departed(event: StoreEvent): StoredObject | undefined {
  if (event.before === undefined) return undefined;
  const object = parseStored(event.before);
  const metadata = { ...(object['metadata'] as JsonObject), resourceVersion: String(event.resourceVersion) };
  return toStored({ ...object, metadata }, []);
}

function bookmark(resource: ServedResource, version: number, view: WatchView | undefined, end: boolean): Buffer {
  const annotations = end ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {};
  const object = {
    apiVersion: groupVersionOf(resource),
    kind: resource.kind,
    metadata: { resourceVersion: String(version), creationTimestamp: null, ...annotations },
  };
  return frame('BOOKMARK', shown(toJson(object), view));
}

function errorFrame(error: ApiStatusError): Buffer {
  return frame('ERROR', toJson(error.toStatus()));
}

function frame(type: EventType, json: string): Buffer {
  return Buffer.from(`{"type":"${type}","object":${json}}\n`);
}

function shown(json: string, view: WatchView | undefined): string {
  return view === undefined ? json : view(json);
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1' || text === '';
}

function forbidden(why: string): ApiStatusError {
  return invalidOption('ListOptions', 'resourceVersionMatch', 'FieldValueForbidden', `Forbidden: ${why}`);
}
