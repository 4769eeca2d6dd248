import type { ApiContext } from '../api-context.ts';
import { invalid, type StatusCause } from '../api-status.ts';
import { childObject, childString, isObject } from '../json.ts';
import { validateDefinition } from '../resources/definition.ts';
import type { JsonObject, ServedResource } from '../served-resource.ts';
import { validateMetadata } from './metadata.ts';

/** Refuses an object that its kind does not allow; `before` is the stored one, for rules about changes. */
export function validate(
  context: ApiContext,
  resource: ServedResource,
  object: JsonObject,
  before: JsonObject | undefined,
): void {
  const metadata = childObject(object, 'metadata') ?? {};
  const causes: StatusCause[] = [
    ...validateMetadata(resource, metadata),
    ...builtinCauses(context, resource, object, before),
    ...context.schemas.get(resource).validate(object, before),
  ];
  if (causes.length > 0) throw invalid(resource, childString(metadata, 'name'), causes);
}

function builtinCauses(
  context: ApiContext,
  resource: ServedResource,
  object: JsonObject,
  before: JsonObject | undefined,
): StatusCause[] {
  if (resource.custom) return [];
  switch (resource.plural) {
    case 'customresourcedefinitions':
      return validateDefinition(context, object, before);
    case 'events':
      return eventCauses(resource, object);
    case 'leases':
      return leaseCauses(object);
    case 'configmaps':
    case 'secrets':
      return immutableCauses(resource, object, before);
    default:
      return [];
  }
}

function eventCauses(resource: ServedResource, event: JsonObject): StatusCause[] {
  const modern = resource.group === 'events.k8s.io';
  const field = `${modern ? 'regarding' : 'involvedObject'}.namespace`;
  const about = childString(event[modern ? 'regarding' : 'involvedObject'], 'namespace');
  const namespace = childString(event['metadata'], 'namespace');
  const fits = about === '' ? namespace === 'default' || namespace === 'kube-system' : about === namespace;
  if (fits) return [];
  const message = `Invalid value: ${JSON.stringify(about)}: does not match event.namespace`;
  return [{ reason: 'FieldValueInvalid', field, message }];
}

function leaseCauses(lease: JsonObject): StatusCause[] {
  const spec = childObject(lease, 'spec') ?? {};
  const causes: StatusCause[] = [];
  for (const [field, least, why] of [
    ['leaseDurationSeconds', 1, 'must be greater than 0'],
    ['leaseTransitions', 0, 'must be greater than or equal to 0'],
  ] as const) {
    const value = spec[field];
    if (typeof value !== 'number' || value >= least) continue;
    const message = `Invalid value: ${String(value)}: ${why}`;
    causes.push({ reason: 'FieldValueInvalid', field: `spec.${field}`, message });
  }
  return causes;
}

function immutableCauses(resource: ServedResource, object: JsonObject, before: JsonObject | undefined): StatusCause[] {
  if (before === undefined) return [];
  const causes: StatusCause[] = [];
  if (before['immutable'] === true) {
    for (const field of ['data', 'binaryData', 'immutable']) {
      if (JSON.stringify(before[field]) === JSON.stringify(object[field])) continue;
      const message = 'Forbidden: field is immutable when `immutable` is set';
      causes.push({ reason: 'FieldValueForbidden', field, message });
    }
  }
  if (resource.plural === 'secrets' && before['type'] !== object['type']) {
    const message = `Invalid value: ${JSON.stringify(childString(object, 'type'))}: field is immutable`;
    causes.push({ reason: 'FieldValueInvalid', field: 'type', message });
  }
  return causes;
}

/** What a built-in kind fills in by itself. */
export function prepareBuiltin(resource: ServedResource, object: JsonObject): JsonObject {
  if (resource.custom) return object;
  switch (resource.plural) {
    case 'secrets':
      return prepareSecret(object);
    case 'namespaces':
      return prepareNamespace(object);
    default:
      return object;
  }
}

function prepareSecret(secret: JsonObject): JsonObject {
  const { stringData, ...rest } = secret;
  const data: JsonObject = { ...childObject(secret, 'data') };
  for (const [key, value] of Object.entries(isObject(stringData) ? stringData : {})) {
    data[key] = Buffer.from(String(value)).toString('base64');
  }
  return {
    ...rest,
    ...(Object.keys(data).length > 0 ? { data } : {}),
    type: childString(secret, 'type') || 'Opaque',
  };
}

function prepareNamespace(namespace: JsonObject): JsonObject {
  const metadata = childObject(namespace, 'metadata') ?? {};
  const name = childString(metadata, 'name');
  return {
    ...namespace,
    metadata: { ...metadata, labels: { ...childObject(metadata, 'labels'), 'kubernetes.io/metadata.name': name } },
  };
}
