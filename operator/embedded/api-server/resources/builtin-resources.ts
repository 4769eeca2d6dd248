import { builtinSchemas } from '../schema/builtin.ts';
import type { ServedResource } from '../served-resource.ts';
import { builtinColumns } from './builtin-columns.ts';

const allVerbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];

const eventFields = [
  'reason',
  'type',
  'source',
  'reportingComponent',
  'involvedObject.kind',
  'involvedObject.namespace',
  'involvedObject.name',
  'involvedObject.uid',
  'involvedObject.apiVersion',
  'involvedObject.resourceVersion',
  'involvedObject.fieldPath',
];

interface Outline {
  readonly group?: string;
  readonly kind: string;
  readonly plural: string;
  readonly schema?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly namespaced?: boolean;
  readonly statusSubresource?: boolean;
  readonly selectableFields?: readonly string[];
}

const outlines: readonly Outline[] = [
  {
    kind: 'Namespace',
    plural: 'namespaces',
    shortNames: ['ns'],
    namespaced: false,
    statusSubresource: true,
    selectableFields: ['status.phase'],
  },
  { kind: 'ConfigMap', plural: 'configmaps', shortNames: ['cm'] },
  { kind: 'Secret', plural: 'secrets', selectableFields: ['type'] },
  { kind: 'ServiceAccount', plural: 'serviceaccounts', shortNames: ['sa'] },
  { kind: 'Event', plural: 'events', shortNames: ['ev'], selectableFields: eventFields },
  {
    group: 'events.k8s.io',
    kind: 'Event',
    plural: 'events',
    schema: 'events.k8s.io/Event',
    shortNames: ['ev'],
    selectableFields: eventFields,
  },
  { group: 'coordination.k8s.io', kind: 'Lease', plural: 'leases' },
  {
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    namespaced: false,
    statusSubresource: true,
  },
];

/** The kinds that are there without a CustomResourceDefinition. */
export const builtinResources: readonly ServedResource[] = outlines.map((outline) => ({
  group: outline.group ?? '',
  version: 'v1',
  plural: outline.plural,
  singular: outline.kind.toLowerCase(),
  kind: outline.kind,
  listKind: `${outline.kind}List`,
  shortNames: outline.shortNames ?? [],
  categories: outline.categories ?? [],
  namespaced: outline.namespaced ?? true,
  verbs: outline.plural === 'namespaces' ? allVerbs.filter((verb) => verb !== 'deletecollection') : allVerbs,
  statusSubresource: outline.statusSubresource ?? false,
  custom: false,
  schema: builtinSchemas[outline.schema ?? outline.kind] ?? {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
  },
  columns: builtinColumns[outline.plural] ?? [],
  selectableFields: outline.selectableFields ?? [],
  // Both event groups show the same objects, kept in the form of the core group.
  collection:
    outline.plural === 'events' || outline.group === undefined ? outline.plural : `${outline.plural}.${outline.group}`,
}));
