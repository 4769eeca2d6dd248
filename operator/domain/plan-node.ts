/** One node that shall be in XenStore. Structurally the `Permissions` of the XenStore port, so that no I/O is imported. */
export interface NodePermissions {
  readonly owner: number;
  readonly others: 'none' | 'read' | 'write' | 'both';
  readonly entries: readonly { readonly domid: number; readonly access: 'none' | 'read' | 'write' | 'both' }[];
}

/**
 * `value` undefined: a directory. `permissions` undefined: those of the parent, which a new node inherits. `volatile`:
 * the value is only the first one; a back end, a front end or the device model changes it later.
 */
export interface PlanNode {
  readonly path: string;
  readonly value?: string;
  readonly permissions?: NodePermissions;
  readonly volatile?: true;
}

/** `n<owner>` and, if given, `r<reader>`: the owner has all rights, the reader may look, nobody else may do anything. */
export function ownedBy(owner: number, reader?: number): NodePermissions {
  return { owner, others: 'none', entries: reader === undefined ? [] : [{ domid: reader, access: 'read' }] };
}

/** Values below a directory: `value` strings are constant, those in `changing` are first values. */
export function nodesBelow(
  directory: string,
  constant: Readonly<Record<string, string>>,
  changing: Readonly<Record<string, string>> = {},
): PlanNode[] {
  return [
    ...Object.entries(constant).map(([name, value]) => ({ path: `${directory}/${name}`, value })),
    ...Object.entries(changing).map(([name, value]) => ({
      path: `${directory}/${name}`,
      value,
      volatile: true as const,
    })),
  ];
}
