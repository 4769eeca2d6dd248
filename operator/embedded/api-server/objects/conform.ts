import type { ApiContext } from '../api-context.ts';
import { ApiStatusError, badRequest, invalid } from '../api-status.ts';
import { childObject, childString, isObject } from '../json.ts';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import { cannotUnmarshal, normalBytes } from './byte-fields.ts';
import { cleanMetadata, type Misfit } from './metadata.ts';
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
  const typed = checkType(resource, sent.object);
  const { metadata, unknown, wrong } = cleanMetadata(typed['metadata']);
  if (wrong !== undefined) throw new UndecodableError(resource, misfit(resource, wrong));
  checkTimes(resource, typed);
  const bytes = normalBytes(resource, typed);
  if ('wrong' in bytes) throw new UndecodableError(resource, bytes.wrong);
  const pruned = context.schemas.get(resource).prune({ ...bytes.object, metadata });
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
  if (options.fieldValidation === 'Strict') {
    throw new UndecodableError(resource, `strict decoding error: ${notes.join(', ')}`);
  }
  warnings.push(...notes);
}

const microTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(?:Z|[+-]\d\d:\d\d)$/;

/** MicroTime is read in exactly one form; a time without six decimals is refused, which is a known trap for clients. */
function checkTimes(resource: ServedResource, object: JsonObject): void {
  if (resource.custom) return;
  const spec = childObject(object, 'spec');
  const times =
    resource.plural === 'leases'
      ? [spec?.['renewTime'], spec?.['acquireTime']]
      : resource.plural === 'events'
        ? [object['eventTime'], childObject(object, 'series')?.['lastObservedTime']]
        : [];
  for (const time of times) {
    if (time === undefined || time === null || (typeof time === 'string' && microTime.test(time))) continue;
    const shown = JSON.stringify(time).slice(0, 64);
    throw new UndecodableError(
      resource,
      `parsing time ${shown} as "2006-01-02T15:04:05.000000Z07:00": cannot parse ${shown}`,
    );
  }
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
    const name = childString(value['metadata'], 'name').slice(0, 256);
    const message = `Invalid value: ${JSON.stringify(shown)}: must be ${resource.kind}`;
    throw invalid({ ...resource, kind: shown }, name, [{ reason: 'FieldValueInvalid', field: 'kind', message }]);
  }
  return value;
}

function unrecognized(resource: ServedResource, why: string): ApiStatusError {
  return badRequest(`the object provided is unrecognized (must be of type ${resource.kind}): ${why}`);
}

/** Go reads the metadata of custom objects by itself, and that of built-in kinds as a part of the object. */
function misfit(resource: ServedResource, { path, value, type }: Misfit): string {
  if (path === '') return cannotUnmarshal(value, `${resource.kind}.metadata`, type);
  return cannotUnmarshal(value, resource.custom ? `ObjectMeta.${path}` : `ObjectMeta.metadata.${path}`, type);
}

/** 400 for what Go cannot decode into the type of the kind. */
export class UndecodableError extends ApiStatusError {
  /** What the decoder says. */
  readonly why: string;

  constructor(resource: ServedResource, why: string) {
    const { kind, version } = resource;
    super(400, 'BadRequest', `${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
    this.name = 'UndecodableError';
    this.why = why;
  }
}
