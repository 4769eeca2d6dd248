import type { NodePermissions, PlanNode } from '../../operator/domain/plan-node.ts';

/** One node of a XenStore tree, as `xenstore-ls -fp` shows it. */
export interface TreeNode {
  readonly value: string;
  /** As `n0,r2`. */
  readonly permissions: string;
}

/** How a tree that another toolstack laid out differs from a plan of ours. */
export interface Difference {
  readonly path: string;
  readonly kind: 'missing' | 'value' | 'permissions';
  readonly ours: string;
  readonly theirs: string | undefined;
}

/** Parses the output of `xenstore-ls -fp`. Lines of comment begin with #. */
export function parseTree(text: string): ReadonlyMap<string, TreeNode> {
  const nodes = new Map<string, TreeNode>();
  for (const line of text.split('\n')) {
    const [, path, value, permissions] = /^(\/\S*) = "(.*)"\s+\(([^()]*)\)$/.exec(line) ?? [];
    if (path !== undefined && value !== undefined && permissions !== undefined) nodes.set(path, { value, permissions });
  }
  return nodes;
}

const letters = { none: 'n', read: 'r', write: 'w', both: 'b' } as const;

function permissionsText({ owner, others, entries }: NodePermissions): string {
  return [`${letters[others]}${owner}`, ...entries.map(({ domid, access }) => `${letters[access]}${domid}`)].join(',');
}

/** What of the plan another toolstack did not lay out, or in another way. A node without permissions has its parent's. */
export function compareWithPlan(plan: readonly PlanNode[], tree: ReadonlyMap<string, TreeNode>): Difference[] {
  const rights = new Map<string, string>();
  return plan.flatMap(({ path, value, permissions, volatile }): Difference[] => {
    const right =
      permissions === undefined ? rights.get(path.slice(0, path.lastIndexOf('/'))) : permissionsText(permissions);
    if (right !== undefined) rights.set(path, right);
    const theirs = tree.get(path);
    if (theirs === undefined) return [{ path, kind: 'missing', ours: value ?? '', theirs: undefined }];
    const differences: Difference[] = [];
    if (value !== undefined && volatile !== true && value !== theirs.value) {
      differences.push({ path, kind: 'value', ours: value, theirs: theirs.value });
    }
    if (right !== undefined && right !== theirs.permissions) {
      differences.push({ path, kind: 'permissions', ours: right, theirs: theirs.permissions });
    }
    return differences;
  });
}
