import type { ApiContext } from '../api-context.ts';
import { ApiStatusError, badRequest, invalid } from '../api-status.ts';
import { isObject } from '../json.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import { cleanMetadata } from './metadata.ts';
import type { WriteOptions } from './write-options.ts';

/** An object as the client sent it, and what was noticed while it was parsed. */
export interface Sent {
  readonly object: unknown;
  /** Paths of keys that occurred twice. */
  readonly duplicates: readonly string[];
}

/**
 * Brings what a client sent into the form of its kind: the right apiVersion and kind, metadata and fields that the schema
 * knows. What had to be dropped is refused (Strict), warned of (Warn) or ignored.
 */
export function conform(
  context: ApiContext,
  resource: ServedResource,
  sent: Sent,
  options: WriteOptions,
  warnings: string[],
): JsonObject {
  const object = checkType(resource, sent.object);
  const { metadata, unknown, wrong } = cleanMetadata(object['metadata']);
  if (wrong !== undefined) throw undecodable(resource, `json: cannot unmarshal ${wrong} into its Go struct field`);
  const pruned = context.schemas.get(resource).prune({ ...object, metadata });
  noteDropped(
    resource,
    [
      ...sent.duplicates.map((path) => `duplicate field "${path}"`),
      ...[...unknown, ...pruned.dropped].map((path) => `unknown field "${path}"`),
    ],
    options,
    warnings,
  );
  return { ...pruned.object, apiVersion: groupVersionOf(resource), kind: resource.kind, metadata };
}

/** Refuses or warns of `notes`, as the client asked. */
export function noteDropped(
  resource: ServedResource,
  notes: readonly string[],
  options: WriteOptions,
  warnings: string[],
): void {
  if (notes.length === 0 || options.fieldValidation === 'Ignore') return;
  if (options.fieldValidation === 'Strict') throw undecodable(resource, `strict decoding error: ${notes.join(', ')}`);
  warnings.push(...notes);
}

function checkType(resource: ServedResource, value: unknown): JsonObject {
  if (!isObject(value)) throw unrecognized(resource, "couldn't get version/kind; json parse error: not a JSON object");
  const { apiVersion, kind } = value;
  if (typeof kind !== 'string' || kind === '') throw unrecognized(resource, "Object 'Kind' is missing");
  if (typeof apiVersion !== 'string' || apiVersion === '')
    throw unrecognized(resource, "Object 'apiVersion' is missing");
  const expected = groupVersionOf(resource);
  if (apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${apiVersion.slice(0, 128)}) does not match the expected API version (${expected})`,
    );
  }
  if (kind !== resource.kind) {
    const shown = kind.slice(0, 128);
    const name = isObject(value['metadata']) ? String(value['metadata']['name'] ?? '').slice(0, 256) : '';
    const message = `Invalid value: ${JSON.stringify(shown)}: must be ${resource.kind}`;
    throw invalid({ ...resource, kind: shown }, name, [{ reason: 'FieldValueInvalid', field: 'kind', message }]);
  }
  return value;
}

function unrecognized(resource: ServedResource, why: string): ApiStatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${resource.kind}): ${why}`);
}

function undecodable(resource: ServedResource, why: string): ApiStatusError {
  return badRequest(
    `${resource.kind} in version "${resource.version}" cannot be handled as a ${resource.kind}: ${why}`,
  );
}
