import { createInformer } from '../../operator/kube/informer.ts';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import type { KubeWatcher } from '../../operator/kube/types.ts';
import type { Clock } from '../../operator/runtime/ports.ts';
import type { AnyObject } from './world-objects.ts';

/** Somebody who looks on, and sees every version of every object: what is put right afterwards was still there. */
export interface Witness {
  /** Objects that were ever somewhere else than before: on another host, or with another device. */
  readonly moved: readonly string[];
  /** Objects of which it was said that nobody knows how they are, since `forget`. */
  readonly lost: readonly string[];
  /** Begins to look anew. Where objects are is remembered. */
  forget(): void;
}

/** Begins to watch all StubDomains and PciAttachments. The client stays the caller's to close. */
export async function startWitness(
  client: KubeWatcher,
  clock: Clock,
): Promise<{ readonly witness: Witness; readonly stop: () => Promise<void> }> {
  const moved = new Set<string>();
  const lost = new Set<string>();
  const look = (before: AnyObject | undefined, { metadata, status }: AnyObject): void => {
    const places = [before?.status, status].map((one) => `${one?.nodeName ?? ''} ${one?.address ?? ''}`.trim());
    const [from = '', to = ''] = places;
    // A host, and then a device: the second is no move.
    if (!to.startsWith(from)) moved.add(`${metadata.name}: ${from} → ${to}`);
    const conditions = [...(status?.conditions ?? [])];
    if (conditions.some(({ reason }) => reason === 'HostUnreachable')) lost.add(metadata.name);
  };
  const informers = [stubDomains, pciAttachments].map((type) => {
    const informer = createInformer<AnyObject>({ client, type, clock });
    informer.onChange((_, before, after) => {
      if (after !== undefined) look(before, after);
    });
    informer.start();
    return informer;
  });
  await Promise.all(informers.map((informer) => informer.synced()));
  const witness: Witness = {
    get moved() {
      return [...moved].sort();
    },
    get lost() {
      return [...lost].sort();
    },
    forget: () => {
      lost.clear();
    },
  };
  return {
    witness,
    stop: async () => {
      await Promise.all(informers.map((informer) => informer.stop()));
    },
  };
}
