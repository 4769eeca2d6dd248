import { ApiError } from './errors.ts';
import type { KubeClient, KubeObject, ResourceType } from './types.ts';

/** What of a status belongs to one writer. */
export interface OwnedStatus {
  /** Top-level fields, whole. */
  readonly fields: readonly string[];
  /** Types of conditions. */
  readonly conditions: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Equal as JSON: the order of fields does not count, a field that is undefined is not there. */
export function jsonEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => jsonEqual(item, b[index]));
  }
  if (!isFields(a) || !isFields(b)) return false;
  const there = (fields: Fields) => Object.keys(fields).filter((name) => fields[name] !== undefined);
  const names = there(a);
  return (
    names.length === there(b).length && names.every((name) => b[name] !== undefined && jsonEqual(a[name], b[name]))
  );
}

const conditionType = (condition: unknown): string | undefined =>
  isFields(condition) && typeof condition['type'] === 'string' ? condition['type'] : undefined;

/** The owned part, in a form that `jsonEqual` can compare: conditions by type. */
function ownedPart(status: unknown, owned: OwnedStatus): Fields {
  const whole = isFields(status) ? status : {};
  const conditions: readonly unknown[] = Array.isArray(whole['conditions']) ? whole['conditions'] : [];
  return {
    ...Object.fromEntries(owned.fields.map((name) => [name, whole[name]])),
    conditions: Object.fromEntries(
      owned.conditions.map((type) => [type, conditions.find((condition) => conditionType(condition) === type)]),
    ),
  };
}

/** False when the status on the server already says what the writer owns of `wanted`. */
export function ownedStatusDiffers(current: unknown, wanted: unknown, owned: OwnedStatus): boolean {
  return !jsonEqual(ownedPart(current, owned), ownedPart(wanted, owned));
}

export interface ApplyStatusOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly type: ResourceType;
  /** The object as the cache has it. */
  readonly current: T & { readonly status?: unknown };
  /** The whole of what the writer owns; owned fields that are missing here are given up. */
  readonly status: object;
  readonly owned: OwnedStatus;
  readonly fieldManager: string;
  /** Default true: a status has one writer per field, and a conflict means that the list of owners changed. */
  readonly force?: boolean;
  /** Only if nobody at all wrote the object since `current` was read. Default false. */
  readonly exact?: boolean;
}

/**
 * Applies the status if what one owns in it changed. The answer, or undefined when nothing had to be written.
 *
 * Throws a conflict (`isConflict`) when the object was made again under its name since `current` was read. The API server
 * does not look at the uid in a status, so that without `exact` the write has then reached the new object: the next pass
 * over it puts that right.
 */
export async function applyStatusIfChanged<T extends KubeObject>(
  options: ApplyStatusOptions<T>,
): Promise<T | undefined> {
  const { client, type, current, status, owned, fieldManager } = options;
  if (!ownedStatusDiffers(current.status, status, owned)) return undefined;
  const { name, namespace, uid, resourceVersion } = current.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(options.exact === true ? { resourceVersion } : {}),
  };
  const written = await client.applyStatus<T>(
    type,
    { metadata, status },
    { fieldManager, force: options.force ?? true },
  );
  if (written.metadata.uid === uid) return written;
  const message = `apply ${type.kind} ${name}/status: it is another object by now`;
  throw new ApiError({ status: 409, reason: 'Conflict', message });
}
