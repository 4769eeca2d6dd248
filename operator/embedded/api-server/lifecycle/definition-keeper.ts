import type { ApiContext } from '../api-context.ts';
import { childObject, childString } from '../json.ts';
import { deleteObject } from '../objects/delete.ts';
import { collectionOf, customResources } from '../resources/custom-resources.ts';
import { cleanupFinalizer, isEstablished } from '../resources/definition.ts';
import type { StoreEvent } from '../store/store-event.ts';
import { finalizersOf, parseStored, type StoredObject } from '../store/stored-object.ts';
import type { TaskQueue } from './task-queue.ts';

/** The collection of CustomResourceDefinitions. */
export const definitions = 'customresourcedefinitions.apiextensions.k8s.io';

/** Serves the kinds of CustomResourceDefinitions from the moment they are written, and removes their objects with them. */
export class DefinitionKeeper {
  readonly #context: ApiContext;
  readonly #queue: TaskQueue;
  /** Collections whose definition is being deleted, with its name. */
  readonly #terminating = new Map<string, string>();

  constructor(context: ApiContext, queue: TaskQueue) {
    this.#context = context;
    this.#queue = queue;
  }

  /** Serves a definition that was there before this process. */
  adopt(stored: StoredObject): void {
    this.#serve(stored);
  }

  /** Hears of every write. */
  observe(collection: string, { before, after }: StoreEvent): void {
    if (collection === definitions) {
      if (after !== undefined) this.#serve(after);
      else if (before !== undefined) this.#unserve(before);
      return;
    }
    const name = this.#terminating.get(collection);
    if (after === undefined && name !== undefined) this.#later(name);
  }

  #serve(stored: StoredObject): void {
    const crd = parseStored(stored);
    const collection = collectionOf(crd);
    if (stored.deleting) {
      this.#terminating.set(collection, stored.name);
      this.#later(stored.name);
    }
    if (!isEstablished(crd)) return;
    const resources = customResources(crd);
    this.#context.store.define(collection, resources[0]?.selectableFields ?? []);
    this.#context.resources.replace(collection, resources);
  }

  #unserve(stored: StoredObject): void {
    const collection = collectionOf(parseStored(stored));
    this.#terminating.delete(collection);
    this.#context.resources.replace(collection, []);
  }

  #later(name: string): void {
    this.#queue.add(`definition ${name}`, () => {
      this.#clean(name);
    });
  }

  #clean(name: string): void {
    const { store, resources } = this.#context;
    const stored = store.collection(definitions).get(name);
    if (stored?.deleting !== true) return;
    const crd = parseStored(stored);
    const collection = store.collection(collectionOf(crd));
    const resource = resources.list().find((item) => item.collection === collection.id);
    for (const object of collection.list()) {
      if (resource === undefined || object.deleting) continue;
      deleteObject(this.#context, resource, object.namespace, object.name, { dryRun: false });
    }
    if (collection.size > 0) return;
    const finalizers = finalizersOf(crd).filter((finalizer) => finalizer !== cleanupFinalizer);
    if (finalizers.length === finalizersOf(crd).length) return;
    const { finalizers: _, ...metadata } = childObject(crd, 'metadata') ?? {};
    const next = { ...crd, metadata: finalizers.length === 0 ? metadata : { ...metadata, finalizers } };
    if (finalizers.length === 0 && childString(metadata, 'deletionTimestamp') !== '') store.remove(definitions, next);
    else store.put(definitions, next);
  }
}
