import type { ApiContext } from '../api-context.ts';
import { childString } from '../json.ts';
import type { JsonObject } from '../served-resource.ts';
import { parseStored } from '../store/stored-object.ts';
import type { TaskQueue } from './task-queue.ts';

/** How long an Event is kept after it was last seen, as kube-apiserver does by default. */
const keepMs = 3_600_000;
const lookEveryMs = 300_000;

/** Removes Events that are an hour old; gives back what stops it. */
export function startEventExpirer(context: ApiContext, queue: TaskQueue): () => void {
  let cancel: () => void = () => undefined;
  const look = (): void => {
    for (const { key } of context.store.collection('events').list()) {
      queue.add(`event ${key}`, () => {
        expire(context, key);
      });
    }
    cancel = context.clock.setTimer(lookEveryMs, look);
  };
  cancel = context.clock.setTimer(lookEveryMs, look);
  return () => {
    cancel();
  };
}

function expire(context: ApiContext, key: string): void {
  const stored = context.store.collection('events').get(key);
  if (stored === undefined) return;
  const event = parseStored(stored);
  if (lastSeen(event) < context.clock.now() - keepMs) context.store.remove('events', event);
}

function lastSeen(event: JsonObject): number {
  const times = [
    childString(event['metadata'], 'creationTimestamp'),
    childString(event, 'lastTimestamp'),
    childString(event['series'], 'lastObservedTime'),
  ];
  return Math.max(...times.map((time) => Date.parse(time)).filter((time) => !Number.isNaN(time)));
}
