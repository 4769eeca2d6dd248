import type { ApiContext } from '../api-context.ts';
import type { AnswerForm } from '../http/negotiation.ts';
import { childString, toJson } from '../json.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import { renderTable } from '../schema/table.ts';
import type { Page } from './list.ts';
import type { WatchView } from './watch-stream.ts';

/** What a Table row carries of its object. */
export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** Reads includeObject. */
export function includeObjectOf(query: URLSearchParams): IncludeObject {
  const value = query.get('includeObject');
  return value === 'None' || value === 'Object' ? value : 'Metadata';
}

/** One object in the form that the client wants. */
export function viewObject(
  context: ApiContext,
  resource: ServedResource,
  form: AnswerForm,
  include: IncludeObject,
  json: string,
): string {
  if (form.kind === 'object') return json;
  const object = JSON.parse(json) as JsonObject;
  if (form.kind === 'metadata') return toJson(metadataOnly(object, form.version));
  const metadata = { resourceVersion: childString(object['metadata'], 'resourceVersion') };
  return toJson(table(context, resource, form.version, include, [object], metadata));
}

/** How the objects of a watch are shown, or undefined if as they are. */
export function watchView(
  context: ApiContext,
  resource: ServedResource,
  form: AnswerForm,
  include: IncludeObject,
): WatchView | undefined {
  return form.kind === 'object' ? undefined : (json) => viewObject(context, resource, form, include, json);
}

/** A page of a list in the form that the client wants; `items` are the JSON texts of its objects. */
export function viewPage(
  context: ApiContext,
  resource: ServedResource,
  form: AnswerForm,
  include: IncludeObject,
  page: Page,
  items: readonly string[],
): string {
  const metadata: TableMetadata = {
    resourceVersion: String(page.resourceVersion),
    ...(page.continueToken === '' && !resource.custom ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  if (form.kind === 'object') {
    const head = { kind: resource.listKind, apiVersion: groupVersionOf(resource), metadata };
    return `${toJson(head).slice(0, -1)},"items":[${items.join(',')}]}`;
  }
  const objects = items.map((json) => JSON.parse(json) as JsonObject);
  if (form.kind === 'table') return toJson(table(context, resource, form.version, include, objects, metadata));
  return toJson({
    kind: 'PartialObjectMetadataList',
    apiVersion: `meta.k8s.io/${form.version}`,
    metadata,
    items: objects.map((object) => metadataOnly(object, form.version)),
  });
}

function metadataOnly(object: JsonObject, version: string): JsonObject {
  return {
    kind: 'PartialObjectMetadata',
    apiVersion: `meta.k8s.io/${version}`,
    metadata: object['metadata'],
  };
}

interface TableMetadata {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number | undefined;
}

function table(
  context: ApiContext,
  resource: ServedResource,
  version: string,
  includeObject: IncludeObject,
  objects: readonly JsonObject[],
  metadata: TableMetadata,
): JsonObject {
  const rendered = renderTable({
    ...metadata,
    columns: resource.columns,
    objects,
    includeObject,
    now: context.clock.now(),
  });
  return { ...rendered, apiVersion: `meta.k8s.io/${version}` };
}
