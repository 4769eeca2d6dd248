import type { WireErrorCode } from '../../xenstore/errors.ts';
import { isAbsolutePath } from '../../xenstore/paths.ts';
import { childNames, childOf, detached, parentOf, type PermissionList, type StoreNode, withoutChild } from './node.ts';
import type { Session } from './session.ts';
import { Transaction } from './transaction.ts';
import type { View } from './tree.ts';

/** Finding and changing nodes with permissions and quotas: what the requests of node-requests.ts have in common. */

/** The absolute form of a client's path, if it is one that a node can have. */
export function nodePath(session: Session, text: string): string | undefined {
  const path = session.absolute(text);
  if (!isAbsolutePath(path)) return undefined;
  if (session.privileged) return path;
  const folder = /^\/local\/domain\/[0-9]{1,5}\//.exec(path)?.[0].length ?? 0;
  return path.length - folder > session.shared.limits.pathLength ? undefined : path;
}

/**
 * The node at a path for someone who needs the rights `mask`. One that is missing is ENOENT only to who has one of
 * these rights on the nearest node above; for others it is EACCES, as for a node that they have no right to.
 */
export function find(session: Session, view: View, path: string, mask: number): StoreNode | WireErrorCode {
  const node = view.get(path);
  if (node !== undefined && (session.mask(node) & mask) === mask) return node;
  if (session.privileged && !(view instanceof Transaction)) return 'ENOENT';
  let above = path;
  let parent: StoreNode | undefined;
  while (parent === undefined && above !== '/') {
    above = parentOf(above);
    parent = view.get(above);
  }
  const known = parent !== undefined && (session.mask(parent) & mask) !== 0;
  return node === undefined && known ? 'ENOENT' : 'EACCES';
}

/** Whether a transaction of a guest has touched more nodes than it may. */
export function tooManyTouched(session: Session, view: View): boolean {
  return !session.privileged && view instanceof Transaction && view.touched > session.shared.limits.transactionNodes;
}

/** Replaces a node's value, permissions or children within the quota on its size. */
export function replace(
  session: Session,
  view: View,
  path: string,
  permissions: PermissionList,
  value: string,
  children: string,
): WireErrorCode | undefined {
  if (!session.privileged) {
    const size = 16 + 8 * permissions.length + value.length + children.length;
    if (size > session.shared.limits.nodeSize || tooManyTouched(session, view)) return 'ENOSPC';
  }
  view.put(path, permissions, value, children);
  return undefined;
}

/**
 * Makes a node that is not there, and those missing above it, empty. They inherit the permissions of the nearest one
 * above; a guest owns what it makes. All is checked before anything is changed.
 */
export function create(session: Session, view: View, path: string, value: string): WireErrorCode | undefined {
  const missing: string[] = [];
  let above = path;
  let parent: StoreNode | undefined;
  while (parent === undefined) {
    missing.push(above);
    above = parentOf(above);
    parent = view.get(above);
  }
  const { limits, domains } = session.shared;
  const inherited = domains.valid(parent);
  const { domid } = session.domain;
  const permissions = owned(inherited, session.privileged ? inherited[0].domid : domid);
  const first = missing[missing.length - 1] as string;
  const list = `${parent.children}${first.slice(above === '/' ? 1 : above.length + 1)}\0`;
  // V8 keeps a joined string in its pieces, which take more memory; a long list is not copied for each new child.
  const children = list.length < 1024 ? detached(list) : list;
  if (!session.privileged) {
    if (view.ownedBy(domid) + missing.length > limits.nodes) return 'ENOSPC';
    if (16 + 8 * permissions.length + value.length > limits.nodeSize) return 'ENOSPC';
  }
  const error = replace(session, view, above, inherited, parent.value, children);
  if (error !== undefined) return error;
  for (let index = missing.length - 1; index >= 0; index--) {
    const below = missing[index - 1];
    const at = missing[index] as string;
    view.put(at, permissions, index === 0 ? value : '', below === undefined ? '' : `${below.slice(at.length + 1)}\0`);
  }
  return undefined;
}

/**
 * Removes a node with all below it, and takes it out of its parent's list. Watches fire from the leaves up. Gives false if
 * it is not in the list: a transaction can have seen that before the node was made, and is not going to commit then.
 */
export function remove(session: Session, view: View, path: string): boolean {
  const above = parentOf(path);
  const parent = view.get(above);
  if (view instanceof Transaction) touchAll(view, path);
  removeBelow(session, view, path);
  if (parent === undefined) return false;
  const children = withoutChild(parent.children, path.slice(above === '/' ? 1 : above.length + 1));
  if (children === parent.children) return false;
  view.put(above, session.shared.domains.valid(parent), parent.value, children);
  return true;
}

/** Notes a subtree from its root down: the order in which a transaction fires its watches. */
function touchAll(view: View, path: string): void {
  const pending = [path];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const node = view.get(at);
    if (node === undefined) continue;
    for (const name of childNames(node.children).reverse()) pending.push(childOf(at, name));
  }
}

function removeBelow(session: Session, view: View, root: string): void {
  // Not recursive: a path of 3072 bytes is 1536 levels deep. Post-order by a stack of nodes with their children to do.
  const stack: { path: string; node: StoreNode; names: string[] }[] = [];
  const enter = (path: string): void => {
    const node = view.get(path);
    if (node !== undefined) stack.push({ path, node, names: childNames(node.children).reverse() });
  };
  enter(root);
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const name = top.names.pop();
    if (name !== undefined) {
      enter(childOf(top.path, name));
      continue;
    }
    stack.pop();
    view.delete(top.path);
    session.changed(view, top.path, top.node, top.path !== root, top.node.permissions);
  }
}

function owned(permissions: PermissionList, domid: number): PermissionList {
  const [owner, ...entries] = permissions;
  return owner.domid === domid ? permissions : [{ domid, mask: owner.mask }, ...entries];
}
