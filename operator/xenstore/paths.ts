import { XenStoreError } from './errors.ts';
import { ABSOLUTE_PATH_MAX, RELATIVE_PATH_MAX } from './wire.ts';

/**
 * XenStore paths: ASCII letters, digits and `-_@`, names joined by `/`, no empty name, no slash at the end.
 * The same rules as `is_valid_nodename` of C xenstored; `.` and `:` are not allowed.
 */

/** The names of special watches; with the per-domain forms of xenstored 4.22 (`@releaseDomain/5`). */
const special = /^@(?:introduceDomain|releaseDomain)(?:\/(?:0|[1-9][0-9]{0,4}))?$/;

/** For each byte: whether it may be in a path. */
const allowed: Uint8Array = new Uint8Array(256);
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-/_@') {
  allowed[character.charCodeAt(0)] = 1;
}

const SLASH = 0x2f;
const MOST_TOKEN = 2048;

function isWellFormed(path: string, from: number): boolean {
  let previous = from === 0 ? SLASH : path.charCodeAt(from - 1);
  for (let index = from; index < path.length; index++) {
    const code = path.charCodeAt(index);
    if (code > 255 || allowed[code] === 0 || (code === SLASH && previous === SLASH)) return false;
    previous = code;
  }
  return previous !== SLASH;
}

/** Whether `path` is an absolute path of a node: `/`, `/a`, `/a/b`; at most 3072 bytes. */
export function isAbsolutePath(path: string): boolean {
  if (path.charCodeAt(0) !== SLASH || path.length > ABSOLUTE_PATH_MAX) return false;
  return path.length === 1 || isWellFormed(path, 1);
}

/** Whether `path` is a relative path, as guests use: `a/b`; at most 2048 bytes. `@…` names are not paths. */
export function isRelativePath(path: string): boolean {
  if (path.length === 0 || path.length > RELATIVE_PATH_MAX) return false;
  const first = path.charCodeAt(0);
  return first !== SLASH && first !== 0x40 && isWellFormed(path, 0);
}

/** Whether `path` is a special watch: `@introduceDomain`, `@releaseDomain`, or one of those for one domain. */
export function isSpecialPath(path: string): boolean {
  return special.test(path);
}

/** Whether `path` can be watched: absolute or special. */
export function isWatchPath(path: string): boolean {
  return isAbsolutePath(path) || isSpecialPath(path);
}

/** Whether `token` can travel in a WATCH: printable ASCII, not empty, at most 2048 bytes. */
export function isToken(token: string): boolean {
  return token.length > 0 && token.length <= MOST_TOKEN && /^[\x20-\x7e]+$/.test(token);
}

/** Whether `name` is one name of a path: a child that DIRECTORY may list. */
export function isNodeName(name: string): boolean {
  return name.length > 0 && !name.includes('/') && isWellFormed(name, 0) && name.length <= RELATIVE_PATH_MAX;
}

/** Refuses what is not an absolute path, with EINVAL. */
export function assertAbsolutePath(path: string, operation?: string): void {
  if (!isAbsolutePath(path)) throw invalidPath(path, operation);
}

/** The EINVAL error for a path that is none. The path is shown cut and escaped: it may come from anywhere. */
export function invalidPath(path: string, operation?: string): XenStoreError {
  const shown = JSON.stringify(path.length > 80 ? `${path.slice(0, 80)}…` : path);
  return new XenStoreError('EINVAL', `not a valid XenStore path: ${shown}`, { operation });
}

/** Joins an absolute or relative base and relative parts: `joinPath('/a', 'b/c', '5')` is `/a/b/c/5`. */
export function joinPath(base: string, ...parts: (string | number)[]): string {
  let path = base === '/' && parts.length > 0 ? '' : base;
  for (const part of parts) path += `/${String(part)}`;
  return path;
}

/** The path above, `undefined` for `/` and for a relative path of one name. */
export function parentPath(path: string): string | undefined {
  const slash = path.lastIndexOf('/');
  if (slash < 0 || path === '/') return undefined;
  return slash === 0 ? '/' : path.slice(0, slash);
}

/** The last name of a path; '' for `/`. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whether `path` is `ancestor` itself or below it. Special names are only at themselves (and their domain's form). */
export function isAtOrBelow(path: string, ancestor: string): boolean {
  if (path === ancestor) return true;
  if (ancestor === '/') return path.charCodeAt(0) === SLASH;
  return path.length > ancestor.length && path.charCodeAt(ancestor.length) === SLASH && path.startsWith(ancestor);
}

/** Whether `path` is below `ancestor` and not it. */
export function isBelow(path: string, ancestor: string): boolean {
  return path !== ancestor && isAtOrBelow(path, ancestor);
}
