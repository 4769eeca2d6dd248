import { XenStoreError } from './errors.ts';
import type { Access, Permissions } from './xenstore.ts';

/** Permissions on the wire: `<letter><domid>` each, the first the owner and what all others may do. */

const letters: Readonly<Record<Access, string>> = { none: 'n', read: 'r', write: 'w', both: 'b' };
const accesses: ReadonlyMap<string, Access> = new Map([
  ['n', 'none'],
  ['r', 'read'],
  ['w', 'write'],
  ['b', 'both'],
]);

/** The largest domid that a permission may name: DOMID_FIRST_RESERVED is 0x7ff0; 0x7ff4 (DOMID_INVALID) and up are never. */
const DOMID_MAX = 0xffff;

/** The strings of a permission list, owner first: `['n0', 'r5']`. */
export function encodePermissions(permissions: Permissions): string[] {
  return [
    encodeOne(permissions.owner, permissions.others),
    ...permissions.entries.map((entry) => encodeOne(entry.domid, entry.access)),
  ];
}

/** Reads a permission list; an empty one or one that is not of the form is EINVAL. */
export function decodePermissions(strings: readonly string[]): Permissions {
  const [first, ...rest] = strings.map(decodeOne);
  if (first === undefined) throw new XenStoreError('EINVAL', 'a permission list has at least its owner');
  return { owner: first.domid, others: first.access, entries: rest };
}

function encodeOne(domid: number, access: Access): string {
  if (!Number.isInteger(domid) || domid < 0 || domid > DOMID_MAX) {
    throw new XenStoreError('EINVAL', `not a domain id: ${String(domid)}`);
  }
  return letters[access] + String(domid);
}

function decodeOne(text: string): { readonly domid: number; readonly access: Access } {
  const access = accesses.get(text.slice(0, 1));
  const digits = text.slice(1);
  if (access === undefined || !/^[0-9]{1,5}$/.test(digits) || Number(digits) > DOMID_MAX) {
    throw new XenStoreError('EINVAL', 'a permission is a letter of n, r, w, b and a domain id');
  }
  return { domid: Number(digits), access };
}
