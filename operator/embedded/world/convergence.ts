import { createInformer, type RunningInformer } from '../../kube/informer.ts';
import { keyOf, pciAttachments, stubDomains } from '../../kube/resources.ts';
import type { KubeObject, KubeWatcher, ResourceType } from '../../kube/types.ts';
import type { Manifest } from './manifests.ts';

/** One object as the closing table shows it. */
export interface ObjectSummary {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly host: string;
  readonly phase: string;
  readonly ready: string;
  readonly reason: string;
  readonly message: string;
  /** What a person asks next: the domain, or the slot in the guest. */
  readonly details: string;
}

/** How far the applied objects have come. */
export interface Convergence {
  readonly total: number;
  readyCount(): number;
  /** Summaries in the order in which they were applied; what the API server does not have is left out. */
  summaries(): ObjectSummary[];
  /** Those that are not Ready, at most `limit`. */
  waiting(limit: number): ObjectSummary[];
  /** Calls `listener` after each change of the count. */
  onProgress(listener: () => void): void;
  /** Resolves when all are Ready at once. */
  readonly allReady: Promise<void>;
  close(): Promise<void>;
}

/** A kind whose objects the world applies. Only what a summary needs is kept of each. */
interface Watched extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: {
    readonly nodeName?: string;
    readonly phase?: string;
    readonly domid?: number;
    readonly targetDomid?: number;
    readonly state?: string;
    readonly address?: string;
    readonly virtualDeviceFunction?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
      readonly observedGeneration?: number;
    }[];
  };
}

/** Watches the StubDomains and PciAttachments of `manifests` until all are Ready, and after. */
export function watchConvergence(kube: KubeWatcher, manifests: readonly Manifest[]): Convergence {
  const expected = manifests
    .filter(({ kind }) => kind === stubDomains.kind || kind === pciAttachments.kind)
    .map(({ kind, metadata }) => ({ kind, key: `${metadata.namespace ?? 'default'}/${metadata.name}` }));
  const wanted = new Set(expected.map(({ kind, key }) => `${kind} ${key}`));
  const ready = new Set<string>();
  const listeners = new Set<() => void>();
  const all = Promise.withResolvers<undefined>();
  if (wanted.size === 0) all.resolve(undefined);

  const follow = (type: ResourceType): RunningInformer<Watched> => {
    const informer = createInformer<Watched>({ client: kube, type, transform: withoutSpec });
    informer.onChange((key, _before, after) => {
      const id = `${type.kind} ${key}`;
      if (!wanted.has(id)) return;
      const before = ready.size;
      if (after !== undefined && isReady(after)) ready.add(id);
      else ready.delete(id);
      if (ready.size === before) return;
      for (const listener of listeners) listener();
      if (ready.size === wanted.size) all.resolve(undefined);
    });
    informer.start();
    return informer;
  };
  const informers = new Map([stubDomains, pciAttachments].map((type) => [type.kind, follow(type)] as const));
  const find = ({ kind, key }: { kind: string; key: string }): ObjectSummary[] => {
    const object = informers.get(kind)?.get(key);
    return object === undefined ? [] : [summarise(object)];
  };
  return {
    total: wanted.size,
    readyCount: () => ready.size,
    summaries: () => expected.flatMap(find),
    waiting: (limit) => {
      const found: ObjectSummary[] = [];
      for (const entry of expected) {
        if (found.length >= limit) break;
        if (!ready.has(`${entry.kind} ${entry.key}`)) found.push(...find(entry));
      }
      return found;
    },
    onProgress: (listener) => void listeners.add(listener),
    allReady: all.promise,
    close: async () => {
      await Promise.all([...informers.values()].map((informer) => informer.stop()));
    },
  };
}

function withoutSpec({ apiVersion, kind, metadata, status }: Watched): Watched {
  return { apiVersion, kind, metadata, ...(status === undefined ? {} : { status }) };
}

/** Ready, and about the spec as it is now. */
function isReady(object: Watched): boolean {
  const condition = readyCondition(object);
  const current = (condition?.observedGeneration ?? Infinity) >= (object.metadata.generation ?? 0);
  return condition?.status === 'True' && current && object.metadata.deletionTimestamp === undefined;
}

function readyCondition({ status }: Watched) {
  return status?.conditions?.find(({ type }) => type === 'Ready');
}

function summarise(object: Watched): ObjectSummary {
  const { kind, metadata, status } = object;
  const condition = readyCondition(object);
  return {
    kind,
    namespace: metadata.namespace ?? '',
    name: metadata.name,
    host: status?.nodeName ?? '',
    phase: status?.phase ?? '',
    ready: condition?.status ?? 'Unknown',
    reason: condition?.reason ?? 'NotSeenYet',
    message: condition?.message ?? `the operator has not looked at ${keyOf(object)} yet`,
    details: detailsOf(object),
  };
}

function detailsOf({ kind, status }: Watched): string {
  if (kind === stubDomains.kind) {
    if (status?.domid === undefined) return '';
    const target = status.targetDomid === undefined ? '' : ` for guest ${status.targetDomid}`;
    return `domain ${status.domid}${target}${status.state === undefined ? '' : `, ${status.state}`}`;
  }
  if (status?.address === undefined) return '';
  const { address, virtualDeviceFunction: place } = status;
  // Slot and function share a byte; spec.virtualSlot names the slot alone.
  return place === undefined ? address : `${address} at ${place}, slot ${Number(place) >> 3} of the guest`;
}
