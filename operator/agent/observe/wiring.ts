import { createHash } from 'node:crypto';
import type { StubDomain, StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { StubNote } from '../../domain/notes.ts';
import { type Wiring, comparedNodes, findDrift, isRepairable } from '../../domain/stub-domain/drift.ts';
import { stubMemoryMiB } from '../../domain/stub-domain/memory.ts';
import { type SetupIdentity, setupPlan } from '../../domain/stub-domain/setup-plan.ts';
import type { XenStoreReader } from '../../xenstore/xenstore.ts';

/** Tells whether two specs lead to the same stub domain. */
export function planFingerprint(spec: StubDomainSpec, identity: SetupIdentity): string {
  const all = JSON.stringify([setupPlan(spec, identity), spec.kernel, stubMemoryMiB(spec)]);
  return createHash('sha256').update(all).digest('hex').slice(0, 32);
}

/** Compares what is laid out for a running stub domain with its spec. One burst of reads. */
export async function inspectWiring(
  tree: XenStoreReader,
  { spec }: StubDomain,
  note: StubNote,
  identity: SetupIdentity,
): Promise<Wiring> {
  // Against a spec that it was not started with, everything would be drift.
  if (note.plan !== undefined && note.plan !== planFingerprint(spec, identity)) {
    return { specChanged: true, drift: [], repairable: [] };
  }
  const nodes = comparedNodes(setupPlan(spec, identity), identity.stub);
  const values = new Map(await Promise.all(nodes.map(async ({ path }) => [path, await tree.tryRead(path)] as const)));
  const drift = findDrift(nodes, (path) => values.get(path));
  return { specChanged: false, drift, repairable: drift.filter(isRepairable).map(({ path }) => path) };
}
