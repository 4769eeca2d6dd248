import type { Pin } from '../notes.ts';
import type { PlanNode } from '../plan-node.ts';

export interface Drift {
  readonly path: string;
  readonly kind: 'missing' | 'different';
}

/** How what is laid out for a running stub domain compares with its spec. Looked at now and then, see `Memory`. */
export interface Wiring {
  /** The spec asks for something else than what the stub domain was started with. */
  readonly specChanged: boolean;
  readonly drift: readonly Drift[];
  /** Paths of the drift that can be written again under a running stub domain. */
  readonly repairable: readonly string[];
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

/** The part of the plan that the stub domain cannot change: what it does to its own ends of its devices is its own affair. */
export function comparedNodes(plan: readonly PlanNode[], stub: Pin): PlanNode[] {
  const own = ['device', 'console', 'device-model'].map((name) => `/local/domain/${stub.domid}/${name}`);
  return plan.filter(({ path }) => !own.some((root) => path === root || path.startsWith(`${root}/`)));
}

/**
 * Whether the node can be written again while the stub domain runs: links, arguments and toolstack's notes, which are read
 * when something starts. A back end is half of a handshake: writing it again would begin it anew under a running guest.
 */
export function isRepairable({ path }: Drift): boolean {
  return !path.startsWith('/local/domain/0/');
}
