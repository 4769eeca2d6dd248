import { agentFinalizer, agentManager, fencedAnnotation } from '../api/names.ts';
import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { StubDomain } from '../api/generated/stub-domain.ts';
import type { XenHost } from '../api/generated/xen-host.ts';
import { fenceRequest, isSaidDead } from '../domain/placement/fence.ts';
import { isReconcilePaused } from '../domain/reconcile-pause.ts';
import type { EventRecorder } from '../kube/events.ts';
import { removeFinalizer } from '../kube/finalizer.ts';
import type { KubeClient, ResourceType } from '../kube/types.ts';
import type { HostLiveness } from './host-leases.ts';

/**
 * Whether what is bound to the host is to be released: an administrator says that it is dead, and its Lease has run out.
 * What is left alone on purpose stays.
 */
export function isReleased(
  object: StubDomain | PciAttachment,
  host: XenHost | undefined,
  liveness: HostLiveness,
): boolean {
  return isSaidDead(host) && liveness === 'expired' && !isReconcilePaused(object);
}

/**
 * Speaks for the dead host's agent for the last time: nothing on the host has to be undone any more (the finalizer), and
 * what it said of the object is nobody's. Each part may be done again. The caller then takes the binding away, last, so that
 * a crash in between leaves the object bound and the whole to be repeated. Undefined when the object is gone with that.
 */
export async function releaseFromHost<T extends StubDomain | PciAttachment>(
  object: T,
  host: XenHost | undefined,
  tools: {
    readonly kube: KubeClient;
    readonly events: EventRecorder;
    readonly type: ResourceType;
    /** Takes over all conditions, as for any lost host: one that only its agent writes would be torn apart. */
    readonly sayLost: (object: T) => Promise<unknown>;
  },
): Promise<T | undefined> {
  const { kube, events, type } = tools;
  await tools.sayLost(object);
  const free = await removeFinalizer(kube, type, object, agentFinalizer);
  if (free === undefined || isGoneWith(free)) return undefined;
  const { name, namespace } = object.metadata;
  const metadata = { name, ...(namespace === undefined ? {} : { namespace }) };
  const cleared = await kube.applyStatus<T>(
    type,
    { metadata, status: {} },
    { fieldManager: agentManager, force: true },
  );
  if (cleared.metadata.uid !== object.metadata.uid) return undefined;
  const request = fenceRequest(host);
  const why = request.kind === 'asked' ? ` ("${request.words}")` : '';
  const message = `${host?.metadata.name ?? ''} was declared dead by ${fencedAnnotation}${why}: it is no longer bound to it.`;
  events.record(object, { type: 'Warning', reason: 'HostFenced', message });
  return cleared;
}

/** Its last finalizer was ours: behind that answer it is gone. */
function isGoneWith({ metadata }: StubDomain | PciAttachment): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).length === 0;
}

/**
 * Lets an object that is being deleted go for which no agent answers. It has an agent's finalizer all the same when it was
 * made with it, as from a backup, and nobody else could take that off.
 */
export async function letGo(object: StubDomain | PciAttachment, kube: KubeClient, type: ResourceType): Promise<void> {
  if (!isReconcilePaused(object)) await removeFinalizer(kube, type, object, agentFinalizer);
}
