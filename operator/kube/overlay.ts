import type { KubeObject } from './types.ts';

/**
 * Objects as our own writes answered them, for as long as the informer still shows an older version. Without it a pass
 * right after a write would see the world before it and write again.
 */
export class Overlay {
  readonly #newer = new Map<string, KubeObject>();

  /** The newer of the two: what the informer shows, or what our last write answered. */
  get<T extends KubeObject>(shown: T): T {
    const own = this.#newer.get(shown.metadata.uid);
    if (own === undefined) return shown;
    if (isOlder(shown, own)) return own as T;
    this.#newer.delete(shown.metadata.uid);
    return shown;
  }

  put(object: KubeObject | undefined): void {
    if (object !== undefined) this.#newer.set(object.metadata.uid, object);
  }

  forget(uid: string): void {
    this.#newer.delete(uid);
  }
}

// Resource versions of one collection are decimal and grow (KEP-5504).
function isOlder(a: KubeObject, b: KubeObject): boolean {
  const [left, right] = [a.metadata.resourceVersion, b.metadata.resourceVersion];
  if (left.length !== right.length) return left.length < right.length;
  return left < right;
}
