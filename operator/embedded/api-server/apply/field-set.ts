/**
 * Sets of fields, in the very form in which `metadata.managedFields[].fieldsV1` carries them: a tree whose keys are
 * path elements (`f:name`, `k:{"name":"a"}`, `v:"x"`, `i:0`). A node without keys, or with the key `.`, is in the set
 * itself. Working on this form spares a translation in each direction. Sets are never changed in place.
 */

/** One node of a set of fields. At the root, a node without keys is the empty set. */
export interface FieldSet {
  readonly [element: string]: FieldSet;
}

/** A node under construction. */
export type FieldSetBuilder = Record<string, FieldSet>;

/** A field that is in the set, with nothing below it. */
export const LEAF: FieldSet = Object.freeze({});
/** The empty set, as a root. */
export const EMPTY: FieldSet = LEAF;

function hasKeys(node: object): boolean {
  for (const _ in node) return true;
  return false;
}

/** Whether a root holds nothing. */
export function isEmptySet(root: FieldSet): boolean {
  return !hasKeys(root);
}

/** Whether the field of this node is in the set itself (and not only fields below it). */
export function isMember(node: FieldSet): boolean {
  return node['.'] !== undefined || !hasKeys(node);
}

/** The node with its own field in the set. */
export function asMember(node: FieldSet | undefined): FieldSet {
  if (node === undefined || isMember(node)) return node ?? LEAF;
  return { '.': LEAF, ...node };
}

/** A node with `children`, itself in the set or not; undefined if it would hold nothing. */
function nodeOf(member: boolean, children: FieldSetBuilder): FieldSet | undefined {
  if (!hasKeys(children)) return member ? LEAF : undefined;
  if (member) children['.'] = LEAF;
  return children;
}

function unionNode(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const out: FieldSetBuilder = { ...a };
  delete out['.'];
  for (const key of Object.keys(b)) {
    const right = b[key];
    if (key === '.' || right === undefined) continue;
    const left = out[key];
    out[key] = left === undefined ? right : unionNode(left, right);
  }
  return nodeOf(isMember(a) || isMember(b), out) ?? LEAF;
}

/** Fields that are in either. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (isEmptySet(a)) return b;
  if (isEmptySet(b)) return a;
  const out: FieldSetBuilder = { ...a };
  for (const key of Object.keys(b)) {
    const left = out[key];
    const right = b[key];
    if (right !== undefined) out[key] = left === undefined ? right : unionNode(left, right);
  }
  return out;
}

function differenceChildren(a: FieldSet, b: FieldSet): FieldSetBuilder {
  const out: FieldSetBuilder = {};
  for (const key of Object.keys(a)) {
    const left = a[key];
    if (key === '.' || left === undefined) continue;
    const right = b[key];
    const node =
      right === undefined ? left : nodeOf(isMember(left) && !isMember(right), differenceChildren(left, right));
    if (node !== undefined) out[key] = node;
  }
  return out;
}

/** Fields of `a` that are not in `b`. A field below one of `b` stays: sets know no inheritance. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return isEmptySet(b) ? a : differenceChildren(a, b);
}

/** Fields that are in both. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  const out: FieldSetBuilder = {};
  for (const key of Object.keys(a)) {
    const left = a[key];
    const right = b[key];
    if (key === '.' || left === undefined || right === undefined) continue;
    const node = nodeOf(isMember(left) && isMember(right), intersection(left, right));
    if (node !== undefined) out[key] = node;
  }
  return out;
}

/** Whether both hold the same fields. */
export function sameSet(a: FieldSet, b: FieldSet): boolean {
  return isEmptySet(difference(a, b)) && isEmptySet(difference(b, a));
}

/** The set without the field at `path` and without all below it. */
export function without(set: FieldSet, path: readonly string[]): FieldSet {
  const [head, ...rest] = path;
  const child = head === undefined ? undefined : set[head];
  if (head === undefined || child === undefined) return set;
  const out: FieldSetBuilder = { ...set };
  if (rest.length === 0) {
    delete out[head];
    return out;
  }
  const member = isMember(child);
  const children: FieldSetBuilder = { ...without(child, rest) };
  delete children['.'];
  const node = nodeOf(member, children);
  if (node === undefined) delete out[head];
  else out[head] = node;
  return out;
}

/** The set without the fields in `drop` themselves; what lies below them stays. */
export function withoutMembers(set: FieldSet, drop: FieldSet): FieldSet {
  return difference(set, drop);
}

function elementText(element: string): string {
  const body = element.slice(2);
  switch (element.slice(0, 2)) {
    case 'f:':
      return `.${body}`;
    case 'v:':
      return `[=${body}]`;
    case 'i:':
      return `[${body}]`;
    default: {
      const keys = JSON.parse(body) as Record<string, unknown>;
      const parts = Object.keys(keys)
        .sort()
        .map((key) => `${key}=${JSON.stringify(keys[key])}`);
      return `[${parts.join(',')}]`;
    }
  }
}

/** The fields of a set as kube-apiserver prints them (`.spec.disks[name="a"].source`) and in its order. */
export function fieldPaths(set: FieldSet, prefix = ''): string[] {
  const keys = Object.keys(set)
    .filter((key) => key !== '.')
    .sort();
  const paths: string[] = [];
  for (const key of keys) {
    const node = set[key];
    if (node !== undefined && isMember(node)) paths.push(prefix + elementText(key));
  }
  for (const key of keys) {
    const node = set[key];
    if (node !== undefined) paths.push(...fieldPaths(node, prefix + elementText(key)));
  }
  return paths;
}
