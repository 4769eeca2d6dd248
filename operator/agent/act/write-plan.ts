import type { PlanNode } from '../../domain/plan-node.ts';
import type { XenStoreWriter } from '../../xenstore/xenstore.ts';

/** Writes the nodes, in order, in one burst. */
export async function writePlan(tree: XenStoreWriter, plan: readonly PlanNode[]): Promise<void> {
  const requests: Promise<void>[] = [];
  for (const { path, value, permissions } of plan) {
    requests.push(value === undefined ? tree.mkdir(path) : tree.write(path, value));
    if (permissions !== undefined) requests.push(tree.setPermissions(path, permissions));
  }
  await Promise.all(requests);
}

/** Removes the paths in one burst. */
export async function removeAll(tree: XenStoreWriter, paths: readonly string[]): Promise<void> {
  await Promise.all(paths.map((path) => tree.remove(path)));
}
