import type { PlanNode } from '../plan-node.ts';

export interface Drift {
  readonly path: string;
  readonly kind: 'missing' | 'different';
}

/**
 * What of the plan is not in the live tree. `read` gives a node's value, or undefined if it is missing. Nodes that others
 * change later only count when they are missing.
 */
export function findDrift(plan: readonly PlanNode[], read: (path: string) => Uint8Array | undefined): Drift[] {
  const decoder = new TextDecoder();
  const drift: Drift[] = [];
  for (const node of plan) {
    const value = read(node.path);
    if (value === undefined) drift.push({ path: node.path, kind: 'missing' });
    else if (node.value !== undefined && node.volatile === undefined && decoder.decode(value) !== node.value) {
      drift.push({ path: node.path, kind: 'different' });
    }
  }
  return drift;
}
