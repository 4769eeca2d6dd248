import * as at from '../../domain/locations.ts';
import type { Pin } from '../../domain/notes.ts';
import { parseDomid, parseVmPath } from '../../domain/untrusted.ts';
import type { TreeReader } from './tree-cache.ts';

/**
 * Whether both domids still belong to the pinned domains, and these to each other. One burst; inside a transaction it is
 * what makes a write miss a domid that was given again.
 */
export async function areLinked(tree: TreeReader, stub: Pin, target: Pin): Promise<boolean> {
  const [stubVm, targetVm, serves, servedBy] = await Promise.all([
    tree.tryRead(`${at.domainPath(stub.domid)}/vm`),
    tree.tryRead(`${at.domainPath(target.domid)}/vm`),
    tree.tryRead(`${at.domainPath(stub.domid)}/target`),
    tree.tryRead(`${at.domainPath(target.domid)}/image/device-model-domid`),
  ]);
  return (
    parseVmPath(stubVm) === stub.uuid &&
    parseVmPath(targetVm) === target.uuid &&
    parseDomid(serves) === target.domid &&
    parseDomid(servedBy) === stub.domid
  );
}
