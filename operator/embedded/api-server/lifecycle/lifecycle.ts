import type { ApiContext } from '../api-context.ts';
import { DefinitionKeeper, definitions } from './definition-keeper.ts';
import { startEventExpirer } from './event-expirer.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { NamespaceCleaner } from './namespace-cleaner.ts';
import { TaskQueue } from './task-queue.ts';

/** Starts what changes objects without being asked: definitions, namespaces, owners, old events. */
export function startLifecycle(context: ApiContext): { stop(): void } {
  const queue = new TaskQueue((error) => {
    context.logger.error('API server housekeeping failed', {
      error: error instanceof Error ? (error.stack ?? error.message) : 'unknown',
    });
  });
  const keeper = new DefinitionKeeper(context, queue);
  const cleaner = new NamespaceCleaner(context, queue);
  const collector = new GarbageCollector(context, queue);
  for (const stored of context.store.collection(definitions).list()) keeper.adopt(stored);
  for (const id of context.store.collectionIds()) {
    for (const object of context.store.collection(id).values()) {
      collector.adopt(id, object);
      if (id === 'namespaces' && object.deleting) {
        const { resourceVersion } = object;
        cleaner.observe(id, {
          resourceVersion,
          before: undefined,
          after: object,
          removed: undefined,
          frames: new Map(),
        });
      }
    }
  }
  const unobserve = context.store.observe((collection, event) => {
    keeper.observe(collection, event);
    cleaner.observe(collection, event);
    collector.observe(collection, event);
  });
  const stopExpirer = startEventExpirer(context, queue);
  return {
    stop: () => {
      stopExpirer();
      unobserve();
      queue.stop();
    },
  };
}
