import type { ApiContext } from '../api-context.ts';
import { childObject, childStrings } from '../json.ts';
import { deleteObject } from '../objects/delete.ts';
import { isFinished } from '../objects/update.ts';
import type { ServedResource } from '../served-resource.ts';
import type { StoreEvent } from '../store/store-event.ts';
import { parseStored } from '../store/stored-object.ts';
import type { TaskQueue } from './task-queue.ts';

/** Empties namespaces that are being deleted, and lets them go when nothing is left in them. */
export class NamespaceCleaner {
  readonly #context: ApiContext;
  readonly #queue: TaskQueue;
  readonly #terminating = new Set<string>();

  constructor(context: ApiContext, queue: TaskQueue) {
    this.#context = context;
    this.#queue = queue;
  }

  /** Hears of every write. */
  observe(collection: string, { before, after }: StoreEvent): void {
    if (collection === 'namespaces') {
      const name = after?.name ?? before?.name ?? '';
      if (after?.deleting === true) {
        this.#terminating.add(name);
        this.#later(name);
      } else {
        this.#terminating.delete(name);
      }
    } else if (after === undefined && before !== undefined && this.#terminating.has(before.namespace)) {
      this.#later(before.namespace);
    }
  }

  #later(namespace: string): void {
    this.#queue.add(`namespace ${namespace}`, () => {
      this.#clean(namespace);
    });
  }

  #clean(namespace: string): void {
    const { store } = this.#context;
    let left = 0;
    for (const resource of this.#namespaced()) {
      for (const object of store.collection(resource.collection).list(namespace)) {
        if (!object.deleting) {
          deleteObject(this.#context, resource, namespace, object.name, { propagation: 'Background', dryRun: false });
        }
        if (store.collection(resource.collection).get(object.key) !== undefined) left++;
      }
    }
    if (left === 0) this.#release(namespace);
  }

  #release(name: string): void {
    const { store } = this.#context;
    const stored = store.collection('namespaces').get(name);
    if (stored?.deleting !== true) return;
    const object = parseStored(stored);
    const finalizers = childStrings(object['spec'], 'finalizers').filter((finalizer) => finalizer !== 'kubernetes');
    const next = { ...object, spec: { ...childObject(object, 'spec'), finalizers } };
    const resource = this.#context.resources.find('', 'v1', 'namespaces');
    if (resource !== undefined && isFinished(resource, next)) store.remove('namespaces', next);
    else if (finalizers.length !== childStrings(object['spec'], 'finalizers').length) store.put('namespaces', next);
  }

  #namespaced(): ServedResource[] {
    const byCollection = new Map<string, ServedResource>();
    for (const resource of this.#context.resources.list()) {
      if (resource.namespaced && !byCollection.has(resource.collection))
        byCollection.set(resource.collection, resource);
    }
    return [...byCollection.values()];
  }
}
