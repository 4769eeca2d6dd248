import { timestamp, type ApiContext } from '../api-context.ts';
import type { StatusCause } from '../api-status.ts';
import { childObject, childString, childStrings, isObject } from '../json.ts';
import { checkSchema } from '../schema/schema.ts';
import type { JsonObject } from '../served-resource.ts';
import { parseStored } from '../store/stored-object.ts';
import { storageVersion, versionsOf } from './custom-resources.ts';

/** Holds a definition back while objects of its kind exist. */
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Fills in what kube-apiserver fills in: names, conversion, finalizer and status. */
export function prepareDefinition(context: ApiContext, crd: JsonObject, before: JsonObject | undefined): JsonObject {
  const spec = childObject(crd, 'spec') ?? {};
  const sentNames = childObject(spec, 'names') ?? {};
  const kind = childString(sentNames, 'kind');
  const names = {
    ...sentNames,
    listKind: childString(sentNames, 'listKind') || `${kind}List`,
    singular: childString(sentNames, 'singular') || kind.toLowerCase(),
  };
  const prepared = { ...crd, spec: { ...spec, conversion: spec['conversion'] ?? { strategy: 'None' }, names } };
  const metadata = childObject(prepared, 'metadata') ?? {};
  const deleting = childString(metadata, 'deletionTimestamp') !== '';
  const finalizers = childStrings(metadata, 'finalizers');
  const withFinalizer =
    before !== undefined || finalizers.includes(cleanupFinalizer) ? finalizers : [...finalizers, cleanupFinalizer];
  return {
    ...prepared,
    metadata: withFinalizer.length === 0 ? metadata : { ...metadata, finalizers: withFinalizer },
    status: statusOf(context, prepared, childObject(before, 'status'), deleting),
  };
}

function statusOf(context: ApiContext, crd: JsonObject, before: JsonObject | undefined, deleting: boolean): JsonObject {
  const names = childObject(crd['spec'], 'names') ?? {};
  const clash = nameClash(context, crd);
  const conditions =
    clash === undefined
      ? [
          condition('NamesAccepted', 'True', 'NoConflicts', 'no conflicts found'),
          condition('Established', 'True', 'InitialNamesAccepted', 'the initial names have been accepted'),
        ]
      : [
          condition('NamesAccepted', 'False', 'Conflict', clash),
          condition('Established', 'False', 'NotAccepted', 'not all names are accepted'),
        ];
  if (deleting) {
    conditions.push(
      condition('Terminating', 'True', 'InstanceDeletionInProgress', 'CustomResource deletion is in progress'),
    );
  }
  const known = conditionsOf(before);
  const now = timestamp(context.clock);
  const storedVersions = new Set([...childStrings(before, 'storedVersions'), storageVersion(crd)]);
  return {
    conditions: conditions.map((next) => {
      const last = known.find((item) => item['type'] === next['type'] && item['status'] === next['status']);
      return { lastTransitionTime: last === undefined ? now : last['lastTransitionTime'], ...next };
    }),
    acceptedNames: clash === undefined ? names : { plural: '', kind: '' },
    storedVersions: [...storedVersions].filter((version) => version !== ''),
  };
}

/** True once the kinds of a definition may be served. */
export function isEstablished(crd: JsonObject): boolean {
  return conditionsOf(childObject(crd, 'status')).some(
    (item) => item['type'] === 'Established' && item['status'] === 'True',
  );
}

function conditionsOf(status: JsonObject | undefined): JsonObject[] {
  const conditions = status?.['conditions'];
  return Array.isArray(conditions) ? conditions.filter(isObject) : [];
}

function condition(type: string, status: string, reason: string, message: string): JsonObject {
  return { message, reason, status, type };
}

function nameClash(context: ApiContext, crd: JsonObject): string | undefined {
  const mine = namesOf(crd);
  for (const stored of context.store.collection('customresourcedefinitions.apiextensions.k8s.io').values()) {
    if (stored.name === childString(crd['metadata'], 'name')) continue;
    const other = parseStored(stored);
    if (childString(other['spec'], 'group') !== childString(crd['spec'], 'group') || !isEstablished(other)) continue;
    const taken = new Set(namesOf(other));
    const clash = mine.find((name) => taken.has(name));
    if (clash !== undefined) return `${JSON.stringify(clash.slice(clash.indexOf(':') + 1))} is already in use`;
  }
  return undefined;
}

function namesOf(crd: JsonObject): string[] {
  const names = childObject(crd['spec'], 'names');
  return [
    ...[childString(names, 'plural'), childString(names, 'singular'), ...childStrings(names, 'shortNames')].map(
      (name) => `resource:${name}`,
    ),
    ...[childString(names, 'kind'), childString(names, 'listKind')].map((name) => `kind:${name}`),
  ];
}

/** What is wrong with a definition beyond what its own schema says. */
export function validateDefinition(
  _context: ApiContext,
  crd: JsonObject,
  before: JsonObject | undefined,
): StatusCause[] {
  const causes: StatusCause[] = [];
  const spec = childObject(crd, 'spec') ?? {};
  const names = childObject(spec, 'names') ?? {};
  const expected = `${childString(names, 'plural')}.${childString(spec, 'group')}`;
  const name = childString(crd['metadata'], 'name');
  if (name !== expected) {
    const message = `Invalid value: ${JSON.stringify(name)}: must be spec.names.plural+"."+spec.group`;
    causes.push({ reason: 'FieldValueInvalid', field: 'metadata.name', message });
  }
  const scope = childString(spec, 'scope');
  if (scope !== 'Namespaced' && scope !== 'Cluster') {
    const message = `Unsupported value: ${JSON.stringify(scope)}: supported values: "Cluster", "Namespaced"`;
    causes.push({ reason: 'FieldValueNotSupported', field: 'spec.scope', message });
  }
  if (before !== undefined) causes.push(...immutable(childObject(before, 'spec') ?? {}, spec));
  causes.push(...versionCauses(crd));
  return causes;
}

function immutable(before: JsonObject, after: JsonObject): StatusCause[] {
  const causes: StatusCause[] = [];
  for (const field of ['group', 'scope']) {
    if (before[field] === after[field]) continue;
    const message = `Invalid value: ${JSON.stringify(after[field])}: field is immutable`;
    causes.push({ reason: 'FieldValueInvalid', field: `spec.${field}`, message });
  }
  return causes;
}

function versionCauses(crd: JsonObject): StatusCause[] {
  const causes: StatusCause[] = [];
  const versions = versionsOf(crd);
  if (versions.filter((version) => version['storage'] === true).length !== 1) {
    const message = 'Invalid value: must have exactly one version marked as storage version';
    causes.push({ reason: 'FieldValueInvalid', field: 'spec.versions', message });
  }
  for (const [index, version] of versions.entries()) {
    // A schema that is the only one has an older path in kube-apiserver's messages.
    const field =
      versions.length === 1
        ? 'spec.validation.openAPIV3Schema'
        : `spec.versions[${String(index)}].schema.openAPIV3Schema`;
    const schema = childObject(version['schema'], 'openAPIV3Schema');
    if (schema === undefined) {
      causes.push({ reason: 'FieldValueRequired', field, message: 'Required value: schemas are required' });
      continue;
    }
    causes.push(...checkSchema(schema, field));
  }
  return causes;
}
