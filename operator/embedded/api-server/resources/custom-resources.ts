import { childObject, childString, childStrings, isObject } from '../json.ts';
import type { JsonObject, PrinterColumn, ServedResource } from '../served-resource.ts';

const verbs = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

const nameColumn: PrinterColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
  jsonPath: '.metadata.name',
};

const ageColumn: PrinterColumn = {
  name: 'Age',
  type: 'date',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  priority: 0,
  jsonPath: '.metadata.creationTimestamp',
};

/** What a CustomResourceDefinition serves: one resource for each served version, the storage version first. */
export function customResources(crd: JsonObject): ServedResource[] {
  const spec = childObject(crd, 'spec') ?? {};
  return versionsOf(crd)
    .filter((version) => version['served'] === true)
    .sort((a, b) => Number(b['storage'] === true) - Number(a['storage'] === true))
    .map((version) => resourceOf(spec, version));
}

/** The entries of spec.versions. */
export function versionsOf(crd: JsonObject): JsonObject[] {
  const versions = childObject(crd, 'spec')?.['versions'];
  return Array.isArray(versions) ? versions.filter(isObject) : [];
}

/** The version in which objects are kept. */
export function storageVersion(crd: JsonObject): string {
  return childString(
    versionsOf(crd).find((version) => version['storage'] === true),
    'name',
  );
}

/** The collection in which the objects of a definition are kept. */
export function collectionOf(crd: JsonObject): string {
  const spec = childObject(crd, 'spec');
  return `${childString(spec?.['names'], 'plural')}.${childString(spec, 'group')}`;
}

function resourceOf(spec: JsonObject, version: JsonObject): ServedResource {
  const names = childObject(spec, 'names') ?? {};
  const kind = childString(names, 'kind');
  const plural = childString(names, 'plural');
  const group = childString(spec, 'group');
  return {
    group,
    version: childString(version, 'name'),
    plural,
    singular: childString(names, 'singular') || kind.toLowerCase(),
    kind,
    listKind: childString(names, 'listKind') || `${kind}List`,
    shortNames: childStrings(names, 'shortNames'),
    categories: childStrings(names, 'categories'),
    namespaced: childString(spec, 'scope') === 'Namespaced',
    verbs,
    statusSubresource: childObject(version['subresources'], 'status') !== undefined,
    custom: true,
    schema: childObject(version['schema'], 'openAPIV3Schema') ?? {
      type: 'object',
      'x-kubernetes-preserve-unknown-fields': true,
    },
    columns: [nameColumn, ...columnsOf(version)],
    selectableFields: selectableFieldsOf(version),
    collection: `${plural}.${group}`,
  };
}

function columnsOf(version: JsonObject): PrinterColumn[] {
  const columns = version['additionalPrinterColumns'];
  if (!Array.isArray(columns) || columns.length === 0) return [ageColumn];
  return columns.filter(isObject).map((column) => {
    const jsonPath = childString(column, 'jsonPath');
    const priority = column['priority'];
    return {
      name: childString(column, 'name'),
      type: childString(column, 'type'),
      format: childString(column, 'format'),
      description:
        childString(column, 'description') || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
      priority: typeof priority === 'number' ? priority : 0,
      jsonPath,
    };
  });
}

function selectableFieldsOf(version: JsonObject): string[] {
  const fields = version['selectableFields'];
  if (!Array.isArray(fields)) return [];
  return fields.map((field) => childString(field, 'jsonPath').replace(/^\./, '')).filter((path) => path !== '');
}
