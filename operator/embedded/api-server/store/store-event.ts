import type { StoredObject } from './stored-object.ts';

/** One change of one object: `after` is undefined when it was removed, `before` when it was created. */
export interface StoreEvent {
  readonly resourceVersion: number;
  readonly before: StoredObject | undefined;
  readonly after: StoredObject | undefined;
  /** For a removal: the last state, with the resource version of the removal. */
  readonly removed: StoredObject | undefined;
  /** Frames that watchers share, by event type and form; filled by them. */
  readonly frames: Map<string, Buffer>;
}

/** Receives the events of one collection, in order, when they are durable. */
export type StoreListener = (event: StoreEvent) => void;
