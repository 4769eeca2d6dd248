import type { ServedResource } from '../served-resource.ts';
import { parseFieldSelector } from '../selectors/field-selector.ts';
import { parseLabelSelector } from '../selectors/label-selector.ts';
import type { ListenerFilter } from '../store/collection.ts';
import type { StoredObject } from '../store/stored-object.ts';

/** Which objects of a collection a list, watch or deletecollection is about. */
export interface Selection {
  readonly namespace: string;
  matches(object: StoredObject): boolean;
  /** True if neither labels nor fields are selected. */
  readonly everything: boolean;
  /** A field that all selected objects have one value of. */
  readonly filter: ListenerFilter | undefined;
}

/** Names of event fields in events.k8s.io, and the names under which they are kept. */
const aliases: readonly (readonly [string, string])[] = [
  ['regarding.', 'involvedObject.'],
  ['reportingController', 'reportingComponent'],
];

/** Reads labelSelector and fieldSelector. `name` narrows to one object, as a GET with `watch` does. */
export function parseSelection(
  resource: ServedResource,
  namespace: string,
  query: URLSearchParams,
  name = '',
): Selection {
  const labels = parseLabelSelector(query.get('labelSelector') ?? '');
  const allowed = new Set(['metadata.name', 'metadata.namespace', ...resource.selectableFields]);
  if (!resource.namespaced) allowed.delete('metadata.namespace');
  const fields = parseFieldSelector(withAliases(resource, query.get('fieldSelector') ?? ''), allowed);
  const filter = name === '' ? firstEquality(fields) : { field: 'metadata.name', value: name };
  return {
    namespace,
    everything: labels === undefined && fields === undefined && name === '',
    filter,
    matches: (object) =>
      (namespace === '' || object.namespace === namespace) &&
      (name === '' || object.name === name) &&
      (fields === undefined || fields.matches(object.fields)) &&
      (labels === undefined || labels(object.labels)),
  };
}

function withAliases(resource: ServedResource, text: string): string {
  if (resource.group !== 'events.k8s.io') return text;
  return aliases.reduce((result, [alias, name]) => result.replaceAll(alias, name), text);
}

function firstEquality(fields: ReturnType<typeof parseFieldSelector>): ListenerFilter | undefined {
  for (const field of fields?.fields ?? []) {
    const value = fields?.equals(field);
    if (value !== undefined) return { field, value };
  }
  return undefined;
}
