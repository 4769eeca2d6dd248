import { expectLinked } from '../../domain/command-channel/links.ts';
import { holds } from '../../domain/guarded-transaction.ts';
import type { Pin } from '../../domain/notes.ts';
import type { TreeReader } from './tree-cache.ts';

/** Whether both domids still belong to the pinned domains, and these to each other: what transactions expect. One burst. */
export async function areLinked(tree: TreeReader, stub: Pin, target: Pin): Promise<boolean> {
  const held = await Promise.all(
    expectLinked(stub, target).map(async (expectation) => holds(expectation, await tree.tryRead(expectation.path))),
  );
  return held.every(Boolean);
}
