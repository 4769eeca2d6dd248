import type { ApiContext } from '../api-context.ts';
import { ApiStatusError } from '../api-status.ts';
import { childObject, childString, isObject } from '../json.ts';
import { deleteObject, foregroundFinalizer, orphanFinalizer } from '../objects/delete.ts';
import { isFinished } from '../objects/update.ts';
import type { JsonObject, ServedResource } from '../served-resource.ts';
import type { StoreEvent } from '../store/store-event.ts';
import { finalizersOf, parseStored, type StoredObject } from '../store/stored-object.ts';
import type { TaskQueue } from './task-queue.ts';

interface Place {
  readonly collection: string;
  readonly key: string;
}

/**
 * Deletes objects whose owners are gone, as kube-controller-manager's garbage collector does: in the background by
 * default, before the owner with `foregroundDeletion`, not at all with `orphan`.
 */
export class GarbageCollector {
  readonly #context: ApiContext;
  readonly #queue: TaskQueue;
  readonly #places = new Map<string, Place>();
  readonly #dependents = new Map<string, Set<string>>();

  constructor(context: ApiContext, queue: TaskQueue) {
    this.#context = context;
    this.#queue = queue;
  }

  /** Takes in an object that was there before this process. */
  adopt(collection: string, object: StoredObject): void {
    this.observe(collection, {
      resourceVersion: object.resourceVersion,
      before: undefined,
      after: object,
      removed: undefined,
      frames: new Map(),
    });
  }

  /** Hears of every write. */
  observe(collection: string, { before, after }: StoreEvent): void {
    for (const owner of before?.owners ?? []) this.#unlink(owner, before?.uid ?? '');
    if (after === undefined) {
      if (before === undefined) return;
      this.#places.delete(before.uid);
      this.#ownerGone(before.uid);
      for (const owner of before.owners) this.#later(owner, 'owner');
      return;
    }
    this.#places.set(after.uid, { collection, key: after.key });
    for (const owner of after.owners) this.#link(owner, after.uid);
    if (after.owners.length > 0 && after.owners.join() !== before?.owners.join()) this.#later(after.uid, 'dependent');
    if (after.deleting) this.#later(after.uid, 'owner');
  }

  #link(owner: string, dependent: string): void {
    const set = this.#dependents.get(owner) ?? new Set();
    this.#dependents.set(owner, set);
    set.add(dependent);
  }

  #unlink(owner: string, dependent: string): void {
    const set = this.#dependents.get(owner);
    set?.delete(dependent);
    if (set?.size === 0) this.#dependents.delete(owner);
  }

  #ownerGone(uid: string): void {
    for (const dependent of this.#dependents.get(uid) ?? []) this.#later(dependent, 'dependent');
  }

  #later(uid: string, role: 'owner' | 'dependent'): void {
    this.#queue.add(`gc ${role} ${uid}`, () => {
      if (role === 'owner') this.#processOwner(uid);
      else this.#processDependent(uid);
    });
  }

  #find(uid: string): { stored: StoredObject; place: Place } | undefined {
    const place = this.#places.get(uid);
    const stored = place === undefined ? undefined : this.#context.store.collection(place.collection).get(place.key);
    return stored?.uid === uid && place !== undefined ? { stored, place } : undefined;
  }

  #processDependent(uid: string): void {
    const found = this.#find(uid);
    if (found === undefined) return;
    const object = parseStored(found.stored);
    const states = ownersOf(object).map((owner) => ({ owner, state: this.#stateOf(owner, found.stored.namespace) }));
    if (states.length === 0) return;
    const solid = states.filter(({ state }) => state === 'solid');
    if (solid.length === states.length) return;
    if (solid.length > 0) {
      this.#rewrite(found.place, object, { ownerReferences: solid.map(({ owner }) => owner) });
      return;
    }
    if (found.stored.deleting) return;
    const waiting = states.some(({ state }) => state === 'waiting');
    const hasDependents = (this.#dependents.get(uid)?.size ?? 0) > 0;
    this.#delete(found.place, found.stored, waiting && hasDependents ? 'Foreground' : 'Background');
  }

  #stateOf(owner: JsonObject, namespace: string): 'solid' | 'waiting' | 'gone' {
    // An owner of a kind that is not served cannot be looked up, so nothing is concluded from its absence.
    if (this.#context.resources.findKind(childString(owner, 'apiVersion'), childString(owner, 'kind')) === undefined) {
      return 'solid';
    }
    const found = this.#find(childString(owner, 'uid'));
    if (found === undefined) return 'gone';
    if (found.stored.namespace !== '' && found.stored.namespace !== namespace) return 'gone';
    if (!found.stored.deleting) return 'solid';
    return finalizersOf(parseStored(found.stored)).includes(foregroundFinalizer) ? 'waiting' : 'solid';
  }

  #processOwner(uid: string): void {
    const found = this.#find(uid);
    if (found?.stored.deleting !== true) return;
    const object = parseStored(found.stored);
    const finalizers = finalizersOf(object);
    if (finalizers.includes(orphanFinalizer)) this.#orphan(uid, found.place, object);
    else if (finalizers.includes(foregroundFinalizer)) this.#foreground(uid, found.place, object);
  }

  #orphan(uid: string, place: Place, object: JsonObject): void {
    for (const dependent of [...(this.#dependents.get(uid) ?? [])]) {
      const found = this.#find(dependent);
      if (found === undefined) continue;
      const child = parseStored(found.stored);
      const ownerReferences = ownersOf(child).filter((owner) => childString(owner, 'uid') !== uid);
      this.#rewrite(found.place, child, { ownerReferences });
    }
    this.#dropFinalizer(place, object, orphanFinalizer);
  }

  #foreground(uid: string, place: Place, object: JsonObject): void {
    let blocked = false;
    for (const dependent of [...(this.#dependents.get(uid) ?? [])]) {
      const found = this.#find(dependent);
      if (found === undefined) continue;
      const reference = ownersOf(parseStored(found.stored)).find((owner) => childString(owner, 'uid') === uid);
      if (reference?.['blockOwnerDeletion'] === true) blocked = true;
      this.#later(dependent, 'dependent');
    }
    if (!blocked) this.#dropFinalizer(place, object, foregroundFinalizer);
  }

  #dropFinalizer(place: Place, object: JsonObject, name: string): void {
    this.#rewrite(place, object, { finalizers: finalizersOf(object).filter((finalizer) => finalizer !== name) });
  }

  #rewrite(place: Place, object: JsonObject, change: JsonObject): void {
    const entries = Object.entries({ ...childObject(object, 'metadata'), ...change });
    const metadata = Object.fromEntries(entries.filter(([, value]) => !Array.isArray(value) || value.length > 0));
    const next = { ...object, metadata };
    const resource = this.#resourceOf(place);
    if (resource !== undefined && isFinished(resource, next)) this.#context.store.remove(place.collection, next);
    else this.#context.store.put(place.collection, next);
  }

  #delete(place: Place, stored: StoredObject, propagation: 'Foreground' | 'Background'): void {
    const resource = this.#resourceOf(place);
    if (resource === undefined) return;
    try {
      const options = { uid: stored.uid, propagation, dryRun: false };
      deleteObject(this.#context, resource, stored.namespace, stored.name, options);
    } catch (error) {
      if (!(error instanceof ApiStatusError)) throw error;
    }
  }

  #resourceOf(place: Place): ServedResource | undefined {
    return this.#context.resources.list().find((resource) => resource.collection === place.collection);
  }
}

function ownersOf(object: JsonObject): JsonObject[] {
  const owners = childObject(object, 'metadata')?.['ownerReferences'];
  return Array.isArray(owners) ? owners.filter(isObject) : [];
}
