import { detached, dom0Only, StoreNode, type PermissionList } from './node.ts';

/** The nodes as a request sees them: the tree itself, or a transaction's view of it. Paths are valid and absolute. */
export interface View {
  get(path: string): StoreNode | undefined;
  /** Makes or replaces a node; it gets a generation of its own. */
  put(path: string, permissions: PermissionList, value: string, children: string): void;
  delete(path: string): void;
  /** How many nodes a guest owns; 0 for dom0, whose nodes are not counted. */
  ownedBy(domid: number): number;
}

/**
 * All nodes by their full path, as in C xenstored's database: a lookup is one probe of a hash table however deep the
 * node is, and a transaction needs no copy of anything that it does not touch.
 */
export class Tree implements View {
  readonly #nodes = new Map<string, StoreNode>();
  readonly #owned = new Map<number, number>();
  #generation = 0;

  /** The tree of a fresh daemon: `/`, `/tool`, `/tool/xenstored`, as C xenstored makes it. */
  constructor() {
    this.put('/', dom0Only, '', 'tool\0');
    this.put('/tool', dom0Only, '', 'xenstored\0');
    this.put('/tool/xenstored', dom0Only, '', '');
  }

  get size(): number {
    return this.#nodes.size;
  }

  /** The generation that the latest change got. */
  get generation(): number {
    return this.#generation;
  }

  /** A generation that no node has, newer than all so far. */
  nextGeneration(): number {
    return ++this.#generation;
  }

  get(path: string): StoreNode | undefined {
    return this.#nodes.get(path);
  }

  put(path: string, permissions: PermissionList, value: string, children: string): void {
    const owner = permissions[0].domid;
    const before = this.#nodes.get(path)?.owner;
    if (before !== owner) {
      if (before !== undefined) this.#count(before, -1);
      this.#count(owner, 1);
    }
    this.#nodes.set(
      before === undefined ? detached(path) : path,
      new StoreNode(++this.#generation, permissions, value, children),
    );
  }

  delete(path: string): void {
    const node = this.#nodes.get(path);
    if (node === undefined) return;
    this.#count(node.owner, -1);
    this.#nodes.delete(path);
  }

  ownedBy(domid: number): number {
    return this.#owned.get(domid) ?? 0;
  }

  /** The paths of all nodes of a guest, in no particular order. */
  pathsOwnedBy(domid: number): string[] {
    if (this.ownedBy(domid) === 0) return [];
    const paths: string[] = [];
    for (const [path, node] of this.#nodes) if (node.owner === domid) paths.push(path);
    return paths;
  }

  #count(domid: number, by: number): void {
    if (domid === 0) return;
    const count = (this.#owned.get(domid) ?? 0) + by;
    if (count === 0) this.#owned.delete(domid);
    else this.#owned.set(domid, count);
  }
}
