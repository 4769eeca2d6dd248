import type { WireErrorCode } from '../../xenstore/errors.ts';
import { PAYLOAD_MAX } from '../../xenstore/wire.ts';
import { FIRST_RESERVED_DOMID } from './domains.ts';
import {
  detached,
  OWNER,
  READ,
  WRITE,
  parentOf,
  type Permission,
  type PermissionList,
  type StoreNode,
} from './node.ts';
import { create, find, nodePath, remove, replace } from './nodes.ts';
import { oneString, strings } from './payload.ts';
import { fireSpecial, type Session } from './session.ts';
import type { View } from './tree.ts';

/** The requests on nodes. Each gives the body of its reply, or the error that it is refused with. */

/** What came of a request. */
export type Answer = { readonly body: string } | { readonly error: WireErrorCode };

/** The reply of what has nothing to say. */
export const ok: Answer = { body: 'OK\0' };

/** A refusal. */
export function refused(error: WireErrorCode): Answer {
  return { error };
}

/** READ: the value. */
export function read(session: Session, view: View, payload: string): Answer {
  const node = readable(session, view, oneString(payload));
  return typeof node === 'string' ? refused(node) : { body: node.value };
}

/** DIRECTORY: the children's names. */
export function directory(session: Session, view: View, payload: string): Answer {
  const node = readable(session, view, oneString(payload));
  if (typeof node === 'string') return refused(node);
  return node.children.length > PAYLOAD_MAX ? refused('E2BIG') : { body: node.children };
}

/** DIRECTORY_PART: the generation, and the names from an offset on that fit; one more NUL where the list ends. */
export function directoryPart(session: Session, view: View, payload: string): Answer {
  const [path, from, ...more] = strings(payload);
  if (from === undefined || more.length > 0) return refused('EINVAL');
  const node = readable(session, view, path);
  if (typeof node === 'string') return refused(node);
  const head = `${String(node.generation)}\0`;
  const offset = parseInt(from, 10) || 0;
  const { children } = node;
  if (offset < 0 || offset >= children.length) return { body: `${head}\0` };
  const room = PAYLOAD_MAX - head.length - 1;
  if (children.length - offset <= room) return { body: `${head}${children.slice(offset)}\0` };
  return { body: head + children.slice(offset, children.lastIndexOf('\0', offset + room - 1) + 1) };
}

/** WRITE: makes the node if need be. Watches fire even if the value is the same. */
export function write(session: Session, view: View, payload: string): Answer {
  const end = payload.indexOf('\0');
  if (end < 0) return refused('EINVAL');
  const path = nodePath(session, payload.slice(0, end));
  if (path === undefined) return refused('EINVAL');
  const value = detached(payload.slice(end + 1));
  const node = find(session, view, path, WRITE);
  if (typeof node !== 'string') {
    const error = replace(session, view, path, session.shared.domains.valid(node), value, node.children);
    return error === undefined ? changed(session, view, path) : refused(error);
  }
  return node === 'ENOENT' ? made(session, view, path, value) : refused(node);
}

/** MKDIR: nothing happens if the node is there. */
export function mkdir(session: Session, view: View, payload: string): Answer {
  const path = nodePath(session, oneString(payload) ?? '');
  if (path === undefined) return refused('EINVAL');
  const node = find(session, view, path, WRITE);
  if (typeof node !== 'string') return ok;
  return node === 'ENOENT' ? made(session, view, path, '') : refused(node);
}

/** RM: a missing node is fine if the one above is there. `/` is refused. */
export function rm(session: Session, view: View, payload: string): Answer {
  const path = nodePath(session, oneString(payload) ?? '');
  if (path === undefined) return refused('EINVAL');
  const node = find(session, view, path, WRITE);
  if (node === 'ENOENT' && view.get(parentOf(path)) !== undefined) return ok;
  if (typeof node === 'string') return refused(node);
  // A transaction can have seen the node above before it was made, and the node after: its commit is going to fail.
  if (path === '/' || view.get(parentOf(path)) === undefined) return refused('EINVAL');
  return remove(session, view, path) ? ok : refused('EIO');
}

/** GET_PERMS: of nodes and of special watches. */
export function getPermissions(session: Session, view: View, payload: string): Answer {
  const text = oneString(payload) ?? '';
  const special = session.shared.special.get(text);
  if (special !== undefined && session.privileged) return { body: format(special) };
  const node = readable(session, view, text);
  return typeof node === 'string' ? refused(node) : { body: format(node.permissions) };
}

/** SET_PERMS: for the owner, or who has it as target. Only dom0 may give a node to someone else. */
export function setPermissions(session: Session, view: View, payload: string): Answer {
  const [text = '', ...list] = strings(payload);
  if (list.length === 0) return refused('EINVAL');
  const { special, limits } = session.shared;
  if (!session.privileged && list.length > limits.permissions) return refused('ENOSPC');
  const permissions = parse(list);
  if (permissions === undefined) return refused('EINVAL');
  if (permissions[0].domid >= FIRST_RESERVED_DOMID) return refused('ENOENT');
  const before = special.get(text);
  if (before !== undefined) {
    if (!session.privileged) return refused('EACCES');
    special.set(text, permissions);
    fireSpecial(session.shared, text, before);
    return ok;
  }
  const path = nodePath(session, text);
  if (path === undefined) return refused('EINVAL');
  const node = find(session, view, path, WRITE | OWNER);
  if (typeof node === 'string') return refused(node);
  if (!session.privileged && permissions[0].domid !== node.owner) return refused('EPERM');
  const error = replace(session, view, path, permissions, node.value, node.children);
  return error === undefined ? changed(session, view, path, session.shared.domains.valid(node)) : refused(error);
}

/** The node at a path for who wants to read it. */
function readable(session: Session, view: View, text: string | undefined): StoreNode | WireErrorCode {
  if (text === undefined) return 'EINVAL';
  // A path that is there is a valid one: the check is for the others.
  const node = view.get(session.absolute(text));
  if (node !== undefined && (session.mask(node) & READ) !== 0) return node;
  const path = nodePath(session, text);
  return path === undefined ? 'EINVAL' : find(session, view, path, READ);
}

function made(session: Session, view: View, path: string, value: string): Answer {
  const error = create(session, view, path, value);
  return error === undefined ? changed(session, view, path) : refused(error);
}

function changed(session: Session, view: View, path: string, oldPermissions?: PermissionList): Answer {
  const node = view.get(path);
  if (node !== undefined) session.changed(view, path, node, false, oldPermissions);
  return ok;
}

const letters = ['n', 'r', 'w', 'b'];

function format(permissions: PermissionList): string {
  return permissions.map(({ domid, mask }) => `${letters[mask] ?? 'n'}${String(domid)}\0`).join('');
}

function parse(list: readonly string[]): PermissionList | undefined {
  const parsed: Permission[] = [];
  for (const text of list) {
    const mask = letters.indexOf(text.slice(0, 1));
    if (mask < 0 || !/^.[0-9]{1,9}$/.test(text)) return undefined;
    parsed.push({ domid: Number(text.slice(1)), mask });
  }
  const [owner, ...entries] = parsed;
  return owner === undefined ? undefined : [owner, ...entries];
}
