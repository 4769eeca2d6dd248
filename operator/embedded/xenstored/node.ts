/** Bits of a permission: what may be done with a node. */
export const READ = 1;
export const WRITE = 2;
export const OWNER = 4;

/** One permission of a node. The first of a node's list is its owner, with what everybody else may do. */
export interface Permission {
  readonly domid: number;
  readonly mask: number;
}

/** A node's permissions, owner first. Shared between nodes that inherited them, never changed. */
export type PermissionList = readonly [Permission, ...Permission[]];

/** The permissions of the first nodes: dom0's, nothing for others. */
export const dom0Only: PermissionList = [{ domid: 0, mask: 0 }];

/**
 * A node as it is between two changes: never changed itself, so that a transaction keeps what it saw by keeping the
 * reference. Values are latin1 strings, one byte a character: V8 holds a short string in a fifth of what a buffer takes.
 */
export class StoreNode {
  /** Taken from a counter of the daemon at each change of value, permissions or list of children. */
  readonly generation: number;
  readonly permissions: PermissionList;
  readonly value: string;
  /** Names of the children in order of creation, each with a NUL behind it: the body of a DIRECTORY reply. */
  readonly children: string;

  constructor(generation: number, permissions: PermissionList, value: string, children: string) {
    this.generation = generation;
    this.permissions = permissions;
    this.value = value;
    this.children = children;
  }

  get owner(): number {
    return this.permissions[0].domid;
  }

  /** What the quota on a node's size counts. */
  get size(): number {
    return 16 + 8 * this.permissions.length + this.value.length + this.children.length;
  }
}

/**
 * The same string with memory of its own. A longer part of a string is a reference to the whole for V8, so that a stored
 * value would keep the message that it came in.
 */
export function detached(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'latin1').toString('latin1');
}

/** The list of children without `name`; the list itself if it is not in there. */
export function withoutChild(children: string, name: string): string {
  const entry = `${name}\0`;
  if (children.startsWith(entry)) return children.slice(entry.length);
  const at = children.indexOf(`\0${entry}`);
  return at < 0 ? children : children.slice(0, at + 1) + children.slice(at + 1 + entry.length);
}

/** The names in a list of children. */
export function childNames(children: string): string[] {
  return children === '' ? [] : children.slice(0, -1).split('\0');
}

/** The path above: '/' for '/a'. Not to be asked of '/'. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  return slash === 0 ? '/' : path.slice(0, slash);
}

/** The path of a child. */
export function childOf(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`;
}
