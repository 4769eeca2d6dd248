import { isInvalid, isNotFound } from './errors.ts';
import type { JsonPatchOperation, KubeClient, KubeObject, ResourceType } from './types.ts';

/** How often a guard that failed (somebody else changed the list) is tried again on a fresh object. */
const attempts = 5;

/** `uid` guards against an object that was made again under the name; the list against a change by somebody else. */
function guards(object: KubeObject): JsonPatchOperation[] {
  const { uid, finalizers, resourceVersion } = object.metadata;
  return [
    { op: 'test', path: '/metadata/uid', value: uid },
    finalizers === undefined || finalizers.length === 0
      ? { op: 'test', path: '/metadata/resourceVersion', value: resourceVersion }
      : { op: 'test', path: '/metadata/finalizers', value: finalizers },
  ];
}

function addition(object: KubeObject, finalizer: string): JsonPatchOperation[] | undefined {
  const { finalizers, deletionTimestamp } = object.metadata;
  if (finalizers?.includes(finalizer) === true) return undefined;
  // The API server refuses new finalizers on an object that is being deleted.
  if (deletionTimestamp !== undefined) return undefined;
  return finalizers === undefined || finalizers.length === 0
    ? [{ op: 'add', path: '/metadata/finalizers', value: [finalizer] }]
    : [{ op: 'add', path: '/metadata/finalizers/-', value: finalizer }];
}

function removal(object: KubeObject, finalizer: string): JsonPatchOperation[] | undefined {
  const index = object.metadata.finalizers?.indexOf(finalizer) ?? -1;
  return index < 0 ? undefined : [{ op: 'remove', path: `/metadata/finalizers/${index}` }];
}

async function change<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  plan: (current: T) => JsonPatchOperation[] | undefined,
): Promise<T | undefined> {
  const { name, namespace, uid } = object.metadata;
  const ref = { name, namespace };
  let current = object;
  for (let attempt = 1; ; attempt += 1) {
    const operations = plan(current);
    if (operations === undefined) return current;
    try {
      return await client.jsonPatch<T>(type, ref, [...guards(current), ...operations]);
    } catch (error) {
      if (isNotFound(error)) return undefined;
      // A `test` that fails is answered with 422, like every patch that does not fit.
      if (!isInvalid(error) || attempt === attempts) throw error;
    }
    const fresh = await client.tryGet<T>(type, ref);
    if (fresh?.metadata.uid !== uid) return undefined;
    current = fresh;
  }
}

/**
 * Puts the finalizer on, unless it is there or the object is being deleted. Never touches another's finalizer.
 * Idempotent. Gives back the object as it is now; undefined when it is gone, or another one has its name.
 */
export function addFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  finalizer: string,
): Promise<T | undefined> {
  return change(client, type, object, (current) => addition(current, finalizer));
}

/**
 * Takes the finalizer off, which lets a deletion go on. Idempotent. Gives back the object as it is now (it may already be
 * gone behind that answer, when this was the last one); undefined when it was gone, or another one has its name.
 */
export function removeFinalizer<T extends KubeObject>(
  client: KubeClient,
  type: ResourceType,
  object: T,
  finalizer: string,
): Promise<T | undefined> {
  return change(client, type, object, (current) => removal(current, finalizer));
}

export const hasFinalizer = (object: KubeObject, finalizer: string): boolean =>
  object.metadata.finalizers?.includes(finalizer) === true;
