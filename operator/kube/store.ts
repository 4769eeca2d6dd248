import { keyOf } from './resources.ts';
import type { KubeObject, ObjectKey } from './types.ts';

/** The values under which an index finds an object. Pure: asked again when the object goes. */
export type IndexFunction<T extends KubeObject> = (object: T) => readonly string[];
export type Indexes<T extends KubeObject> = Readonly<Record<string, IndexFunction<T>>>;

/** Objects by key, and by indexes. */
export interface Store<T extends KubeObject> {
  get(key: ObjectKey): T | undefined;
  /** Gives back what was there before. */
  put(object: T): T | undefined;
  remove(key: ObjectKey): T | undefined;
  keys(): IterableIterator<ObjectKey>;
  values(): IterableIterator<T>;
  byIndex(index: string, value: string): readonly T[];
  readonly size: number;
}

/** An index function that throws finds nothing under that object, and `onIndexError` hears of it. */
export function createStore<T extends KubeObject>(
  indexes: Indexes<T>,
  onIndexError: (error: unknown) => void,
): Store<T> {
  const objects = new Map<ObjectKey, T>();
  const tables = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Set<ObjectKey>>()]));

  const valuesOf = (index: string, object: T): readonly string[] => {
    try {
      return indexes[index]?.(object) ?? [];
    } catch (error) {
      onIndexError(error);
      return [];
    }
  };
  const file = (key: ObjectKey, object: T) => {
    for (const [name, table] of tables) {
      for (const value of valuesOf(name, object)) {
        const keys = table.get(value);
        if (keys === undefined) table.set(value, new Set([key]));
        else keys.add(key);
      }
    }
  };
  const unfile = (key: ObjectKey, object: T) => {
    for (const [name, table] of tables) {
      for (const value of valuesOf(name, object)) {
        const keys = table.get(value);
        keys?.delete(key);
        if (keys?.size === 0) table.delete(value);
      }
    }
  };

  return {
    get: (key) => objects.get(key),
    put: (object) => {
      const key = keyOf(object);
      const before = objects.get(key);
      if (before !== undefined) unfile(key, before);
      objects.set(key, object);
      file(key, object);
      return before;
    },
    remove: (key) => {
      const before = objects.get(key);
      if (before === undefined) return undefined;
      objects.delete(key);
      unfile(key, before);
      return before;
    },
    keys: () => objects.keys(),
    values: () => objects.values(),
    byIndex: (index, value) => {
      const table = tables.get(index);
      if (table === undefined) throw new TypeError(`there is no index '${index}'`);
      return [...(table.get(value) ?? [])].flatMap((key) => objects.get(key) ?? []);
    },
    get size() {
      return objects.size;
    },
  };
}
