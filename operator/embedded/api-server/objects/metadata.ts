import type { StatusCause } from '../api-status.ts';
import { childObject, childString, isObject } from '../json.ts';
import type { JsonObject, ServedResource } from '../served-resource.ts';

type Shape = 'string' | 'number' | 'strings' | 'map' | 'owners' | 'managers';

const known: Readonly<Record<string, Shape>> = {
  name: 'string',
  generateName: 'string',
  namespace: 'string',
  selfLink: 'string',
  uid: 'string',
  resourceVersion: 'string',
  generation: 'number',
  creationTimestamp: 'string',
  deletionTimestamp: 'string',
  deletionGracePeriodSeconds: 'number',
  labels: 'map',
  annotations: 'map',
  ownerReferences: 'owners',
  finalizers: 'strings',
  managedFields: 'managers',
};

/** The Go types of ObjectMeta: of the field, and of what a list or map holds. */
const goTypes: Readonly<Record<Shape, readonly [whole: string, part: string]>> = {
  string: ['string', ''],
  number: ['int64', ''],
  strings: ['[]string', 'string'],
  map: ['map[string]string', 'string'],
  owners: ['[]v1.OwnerReference', 'v1.OwnerReference'],
  managers: ['[]v1.ManagedFieldsEntry', 'v1.ManagedFieldsEntry'],
};

/** A value that does not have the type of its field. */
export interface Misfit {
  /** Under metadata; '' for metadata itself. */
  readonly path: string;
  readonly value: unknown;
  /** The Go type that was wanted. */
  readonly type: string;
}

/** Metadata reduced to what ObjectMeta has: nulls and unknown fields dropped, wrong types reported. */
export function cleanMetadata(value: unknown): { metadata: JsonObject; unknown: string[]; wrong: Misfit | undefined } {
  const metadata: JsonObject = {};
  const unknown: string[] = [];
  if (value === undefined || value === null) return { metadata, unknown, wrong: undefined };
  if (!isObject(value)) return { metadata, unknown, wrong: { path: '', value, type: 'v1.ObjectMeta' } };
  for (const [key, field] of Object.entries(value)) {
    const shape = Object.hasOwn(known, key) ? known[key] : undefined;
    if (shape === undefined) {
      unknown.push(`metadata.${key.slice(0, 128)}`);
    } else if (field !== null) {
      const wrong = misfit(key, field, shape);
      if (wrong !== undefined) return { metadata, unknown, wrong };
      metadata[key] = field;
    }
  }
  return { metadata, unknown, wrong: undefined };
}

function misfit(path: string, value: unknown, shape: Shape): Misfit | undefined {
  const [whole, part] = goTypes[shape];
  switch (shape) {
    case 'string':
    case 'number':
      return typeof value === shape ? undefined : { path, value, type: whole };
    case 'strings':
    case 'map': {
      if (shape === 'map' ? !isObject(value) : !Array.isArray(value)) return { path, value, type: whole };
      for (const item of Object.values(value as object) as unknown[]) {
        if (typeof item !== 'string') return { path, value: item, type: part };
      }
      return undefined;
    }
    case 'owners':
    case 'managers':
      if (!Array.isArray(value)) return { path, value, type: whole };
      for (const item of value as unknown[]) if (!isObject(item)) return { path, value: item, type: part };
      return undefined;
  }
}

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const dnsLabel = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const namePart = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const subdomainHelp =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const labelHelp =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const namePartHelp =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const labelValueHelp =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

const maxAnnotationBytes = 256 * 1024;

/** What is wrong with metadata, field by field, in the words of kube-apiserver. */
export function validateMetadata(resource: ServedResource, metadata: JsonObject): StatusCause[] {
  const causes: StatusCause[] = [];
  validateName(resource, childString(metadata, 'name'), causes);
  for (const [key, value] of Object.entries(childObject(metadata, 'labels') ?? {})) {
    checkQualified(key, 'metadata.labels', causes);
    const text = String(value);
    if (text.length > 63) causes.push(wrong('metadata.labels', text, 'must be no more than 63 bytes'));
    else if (!labelValue.test(text)) causes.push(wrong('metadata.labels', text, labelValueHelp));
  }
  const annotations = childObject(metadata, 'annotations') ?? {};
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    checkQualified(key.toLowerCase(), 'metadata.annotations', causes, key);
    bytes += Buffer.byteLength(key) + Buffer.byteLength(String(value));
  }
  if (bytes > maxAnnotationBytes) {
    causes.push({
      reason: 'FieldValueTooLong',
      field: 'metadata.annotations',
      message: `Too long: may not be more than ${String(maxAnnotationBytes)} bytes`,
    });
  }
  validateOwners(metadata['ownerReferences'], causes);
  const finalizers = metadata['finalizers'];
  for (const finalizer of Array.isArray(finalizers) ? finalizers : []) {
    checkQualified(String(finalizer), 'metadata.finalizers', causes);
  }
  return causes;
}

function validateName(resource: ServedResource, name: string, causes: StatusCause[]): void {
  const field = 'metadata.name';
  if (name === '') {
    causes.push({ reason: 'FieldValueRequired', field, message: 'Required value: name or generateName is required' });
    return;
  }
  const short = resource.plural === 'namespaces' && resource.group === '';
  const limit = short ? 63 : 253;
  if (name.length > limit) causes.push(wrong(field, name, `must be no more than ${String(limit)} bytes`));
  else if (!(short ? dnsLabel : subdomain).test(name)) {
    causes.push(wrong(field, name, short ? labelHelp : subdomainHelp));
  }
}

function validateOwners(owners: unknown, causes: StatusCause[]): void {
  if (!Array.isArray(owners)) return;
  let controllers = 0;
  for (const owner of owners) {
    const apiVersion = childString(owner, 'apiVersion');
    if (apiVersion === '' || apiVersion.endsWith('/')) {
      causes.push(wrong('metadata.ownerReferences.apiVersion', apiVersion, 'version must not be empty'));
    }
    for (const key of ['kind', 'name', 'uid']) {
      const value = childString(owner, key);
      if (value === '') causes.push(wrong(`metadata.ownerReferences.${key}`, '', 'must not be empty'));
    }
    if (isObject(owner) && owner['controller'] === true) controllers++;
  }
  if (controllers > 1) {
    causes.push({
      reason: 'FieldValueInvalid',
      field: 'metadata.ownerReferences',
      message: 'Invalid value: Only one reference can have Controller set to true.',
    });
  }
}

function checkQualified(key: string, field: string, causes: StatusCause[], shown = key): void {
  const parts = key.split('/');
  const [first = '', second] = parts;
  const name = second ?? first;
  if (parts.length > 2) {
    causes.push(
      wrong(field, shown, 'a valid label key must consist of an optional prefix and a name, separated by one "/"'),
    );
    return;
  }
  if (second !== undefined && (first === '' || first.length > 253 || !subdomain.test(first))) {
    causes.push(wrong(field, shown, first === '' ? 'prefix part must be non-empty' : `prefix part ${subdomainHelp}`));
  }
  if (name === '') causes.push(wrong(field, shown, 'name part must be non-empty'));
  else if (name.length > 63) causes.push(wrong(field, shown, 'name part must be no more than 63 bytes'));
  else if (!namePart.test(name)) causes.push(wrong(field, shown, namePartHelp));
}

function wrong(field: string, value: string, why: string): StatusCause {
  return {
    reason: 'FieldValueInvalid',
    field,
    message: `Invalid value: ${JSON.stringify(value.slice(0, 256))}: ${why}`,
  };
}
