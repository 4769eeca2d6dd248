import { StoreNode, type PermissionList } from './node.ts';
import type { Tree, View } from './tree.ts';

/** The generation of a node that is not there. */
const MISSING = -1;

/** What a transaction knows of one node. */
interface Touched {
  /** The node's generation in the tree when it was touched first. */
  readonly generation: number;
  readonly before: StoreNode | undefined;
  now: StoreNode | undefined;
  changed: boolean;
  /** Whether watches fire at the commit: for the exact path only, or for paths above as well. */
  fire: 'no' | 'exact' | 'subtree';
  /** Permissions before a SET_PERMS: who could read the node until now hears of the change too. */
  oldPermissions: PermissionList | undefined;
}

/** A watch to fire after a commit. `node` is what is there now, or what was removed. */
export interface Change {
  readonly path: string;
  readonly node: StoreNode;
  readonly exact: boolean;
  readonly oldPermissions: PermissionList | undefined;
}

/**
 * A transaction as C xenstored has them: each node is noted when it is touched first, missing ones and the parents that
 * were asked for permission included, and the commit fails if any of them has another generation by then.
 */
export class Transaction implements View {
  readonly #tree: Tree;
  readonly #touched = new Map<string, Touched>();
  readonly #owned = new Map<number, number>();

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** How many nodes it has touched. */
  get touched(): number {
    return this.#touched.size;
  }

  get(path: string): StoreNode | undefined {
    return this.#touch(path).now;
  }

  put(path: string, permissions: PermissionList, value: string, children: string): void {
    const entry = this.#touch(path);
    if (entry.now !== undefined) this.#count(entry.now.owner, -1);
    this.#count(permissions[0].domid, 1);
    // Newer than any release so far: the permissions were judged just now.
    entry.now = new StoreNode(this.#tree.generation + 1, permissions, value, children);
    entry.changed = true;
  }

  delete(path: string): void {
    const entry = this.#touch(path);
    if (entry.now !== undefined) this.#count(entry.now.owner, -1);
    entry.now = undefined;
    entry.changed = true;
  }

  ownedBy(domid: number): number {
    return this.#tree.ownedBy(domid) + (this.#owned.get(domid) ?? 0);
  }

  /** Has the watches of a node fire at the commit. */
  queue(path: string, exact: boolean, oldPermissions: PermissionList | undefined): void {
    const entry = this.#touch(path);
    entry.fire = exact ? 'exact' : 'subtree';
    entry.oldPermissions ??= oldPermissions;
  }

  /** Whether something that it touched has changed in the tree since. */
  get conflicts(): boolean {
    for (const [path, entry] of this.#touched) {
      if ((this.#tree.get(path)?.generation ?? MISSING) !== entry.generation) return true;
    }
    return false;
  }

  /** Guests that own more nodes with it than without, and how many in all then. */
  *growth(): Iterable<{ readonly domid: number; readonly nodes: number }> {
    for (const [domid, by] of this.#owned) if (by > 0) yield { domid, nodes: this.ownedBy(domid) };
  }

  /**
   * Puts its changes into the tree, which must not conflict; gives the watches to fire, in the order of first touch.
   * `valid` takes permissions away whose domain has gone meanwhile.
   */
  commit(valid: (node: StoreNode) => PermissionList): Change[] {
    const changes: Change[] = [];
    for (const [path, entry] of this.#touched) {
      if (!entry.changed) continue;
      const { now, before } = entry;
      if (now !== undefined) this.#tree.put(path, valid(now), now.value, now.children);
      else this.#tree.delete(path);
      const node = now ?? before;
      if (entry.fire === 'no' || node === undefined) continue;
      changes.push({ path, node, exact: entry.fire === 'exact', oldPermissions: entry.oldPermissions });
    }
    return changes;
  }

  #touch(path: string): Touched {
    let entry = this.#touched.get(path);
    if (entry === undefined) {
      const before = this.#tree.get(path);
      entry = {
        generation: before?.generation ?? MISSING,
        before,
        now: before,
        changed: false,
        fire: 'no',
        oldPermissions: undefined,
      };
      this.#touched.set(path, entry);
    }
    return entry;
  }

  #count(domid: number, by: number): void {
    if (domid !== 0) this.#owned.set(domid, (this.#owned.get(domid) ?? 0) + by);
  }
}
