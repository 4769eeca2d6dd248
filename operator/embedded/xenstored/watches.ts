/** Who gets a watch's events. */
export interface Watcher {
  event(path: string, token: string): void;
}

/** A registered watch. */
export interface Watch<W extends Watcher> {
  readonly watcher: W;
  /** Absolute, or a special name such as `@releaseDomain`. */
  readonly path: string;
  readonly token: string;
  /** How much of an event's path its owner does not get to see, as it watches a path relative to its own folder. */
  readonly hidden: number;
  /** Later watches have larger ones. */
  readonly sequence: number;
}

/**
 * All watches by path. A change at depth d looks at d + 1 entries however many watches there are, where C xenstored goes
 * through them all.
 */
export class Watches<W extends Watcher> {
  readonly #byPath = new Map<string, Watch<W>[]>();
  #sequence = 0;

  get size(): number {
    let size = 0;
    for (const watches of this.#byPath.values()) size += watches.length;
    return size;
  }

  add(watcher: W, path: string, token: string, hidden: number): Watch<W> {
    const watch: Watch<W> = { watcher, path, token, hidden, sequence: ++this.#sequence };
    const same = this.#byPath.get(path);
    if (same === undefined) this.#byPath.set(path, [watch]);
    else same.push(watch);
    return watch;
  }

  remove(watch: Watch<W>): void {
    const same = this.#byPath.get(watch.path);
    if (same === undefined) return;
    const index = same.indexOf(watch);
    if (index < 0) return;
    if (same.length === 1) this.#byPath.delete(watch.path);
    else same.splice(index, 1);
  }

  /**
   * Sends the event of a change at `path` to the watches of exactly this path or, if not `exact`, of any path above as
   * well, in the order of their registration, as far as `mayKnow` says so.
   */
  fire(path: string, exact: boolean, mayKnow: (watcher: W) => boolean): void {
    let hits = this.#byPath.get(path);
    let own = false;
    if (!exact && path !== '/') {
      for (let end = path.lastIndexOf('/'); end >= 0; end = end === 0 ? -1 : path.lastIndexOf('/', end - 1)) {
        const above = this.#byPath.get(end === 0 ? '/' : path.slice(0, end));
        if (above === undefined) continue;
        if (hits === undefined) hits = above;
        else {
          hits = [...hits, ...above];
          own = true;
        }
      }
    }
    if (hits === undefined) return;
    if (own) hits.sort((a, b) => a.sequence - b.sequence);
    for (const watch of hits) {
      if (mayKnow(watch.watcher)) watch.watcher.event(path.slice(watch.hidden), watch.token);
    }
  }
}
