import { type ConditionDecision, decide, findCondition } from '../../api/conditions.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { isSaidDead } from '../../domain/placement/fence.ts';
import { type Placement, type PlacementView, place } from '../../domain/placement/place.ts';
import { pauseMessage } from '../../domain/reconcile-pause.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Overlay } from '../../kube/overlay.ts';
import { stubDomains } from '../../kube/resources.ts';
import type { Informer, KubeClient } from '../../kube/types.ts';
import { type Action, done } from '../../runtime/action.ts';
import type { Clock } from '../../runtime/ports.ts';
import type { Assumed } from '../assumed.ts';
import { type ControllerStatus, applyControllerStatus, hostReachable } from '../controller-status.ts';
import type { HostLeases } from '../host-leases.ts';
import { isReleased, letGo, releaseFromHost } from '../release.ts';

export interface StubDomainControllerOptions {
  readonly kube: KubeClient;
  readonly stubDomains: Informer<StubDomain>;
  readonly hosts: Informer<XenHost>;
  readonly leases: HostLeases;
  readonly overlay: Overlay;
  readonly assumed: Assumed;
  readonly events: EventRecorder;
  /** What is known of the hosts when this one is placed. */
  readonly view: (object: StubDomain) => PlacementView;
  /** See `applyControllerStatus`. */
  readonly silenced: Set<string>;
  readonly clock: Clock;
}

/** Places a stub domain on a host, once, and says whether that host can be reached. A dead host's are placed anew. */
export async function reconcileStubDomain(key: string, options: StubDomainControllerOptions): Promise<Action> {
  const shown = options.stubDomains.get(key);
  if (shown === undefined) return done;
  const object = options.overlay.get(shown);
  const { uid, deletionTimestamp } = object.metadata;
  try {
    if (deletionTimestamp !== undefined && object.status?.nodeName === undefined) {
      await letGo(object, options.kube, stubDomains);
      return done;
    }
    const current = await released(object, options);
    if (current === undefined) return done;
    const status = decideStatus(current, options);
    const { kube, clock, overlay, silenced } = options;
    overlay.put(await applyControllerStatus(kube, stubDomains, current, status, clock.now(), silenced));
  } catch (error) {
    options.assumed.forget(uid);
    if (isNotFound(error)) return done;
    if (isConflict(error)) options.overlay.forget(uid);
    throw error;
  }
  return done;
}

/** The object without its host, if that is dead and given up; undefined if it is gone with that. */
async function released(object: StubDomain, options: StubDomainControllerOptions): Promise<StubDomain | undefined> {
  const { hosts, leases, overlay } = options;
  const bound = object.status?.nodeName;
  if (bound === undefined || !isReleased(object, hosts.get(bound), leases.liveness(bound))) return object;
  const free = await releaseFromHost(object, hosts.get(bound), {
    ...options,
    type: stubDomains,
    sayLost: (one) => {
      // It may have been said before, and spoken against by an agent that could not renew.
      options.silenced.delete(one.metadata.uid);
      const { kube, clock, silenced } = options;
      return applyControllerStatus(kube, stubDomains, one, decideStatus(one, options), clock.now(), silenced);
    },
  });
  if (free === undefined) return undefined;
  overlay.put(free);
  const { nodeName: _, ...status } = free.status ?? {};
  return { ...free, status };
}

function decideStatus(object: StubDomain, options: StubDomainControllerOptions): ControllerStatus {
  const bound = object.status?.nodeName;
  const placement = bound === undefined ? placed(object, options) : { host: bound };
  if (placement.host === undefined) {
    const { reason, message } = placement;
    return {
      fields: {},
      removed: ['nodeName'],
      decisions: [
        decide('Scheduled', 'False', reason, message),
        hostReachable(undefined, { liveness: 'missing', proven: false }),
      ],
      placeholder: { status: 'False', reason, message },
      liveness: 'missing',
    };
  }
  const { host } = placement;
  const { leases } = options;
  const reach = { liveness: leases.liveness(host), proven: leases.isProven(host) };
  return {
    fields: { nodeName: host },
    decisions: [
      scheduled(object, host, options),
      hostReachable(host, reach, findCondition(object.status?.conditions, 'HostReachable')),
    ],
    placeholder: {
      status: 'Unknown',
      reason: 'AwaitingAgent',
      message: `The agent of ${host} has not looked yet.`,
    },
    liveness: reach.liveness,
  };
}

function placed(object: StubDomain, { view, assumed }: StubDomainControllerOptions): Placement {
  const paused = pauseMessage(object);
  if (paused !== undefined) return { host: undefined, reason: 'ReconcilePaused', message: paused };
  const placement = place(object.spec, view(object));
  if (placement.host !== undefined) assumed.put(object, placement.host);
  return placement;
}

function scheduled({ spec }: StubDomain, host: string, { hosts }: StubDomainControllerOptions): ConditionDecision {
  const reporting = hosts.byIndex(byGuest, spec.target.uuid).filter((one) => !isSaidDead(one));
  const elsewhere = reporting.map(({ metadata }) => metadata.name).sort();
  if (elsewhere.length === 0 || elsewhere.includes(host)) {
    return decide('Scheduled', 'True', 'Scheduled', `It runs on ${host}.`);
  }
  const message = `It is bound to ${host}, and its guest runs on ${elsewhere.join(', ')}. A stub domain stays with its host: delete the StubDomain and create it again.`;
  return decide('Scheduled', 'True', 'GuestElsewhere', message);
}

/** Index of hosts by the uuids of the guests that they report. */
export const byGuest = 'guest';
