import { decide } from '../../api/conditions.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { place } from '../../domain/placement/place.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { Overlay } from '../../kube/overlay.ts';
import { stubDomains } from '../../kube/resources.ts';
import type { Informer, KubeClient } from '../../kube/types.ts';
import { type Action, done } from '../../runtime/action.ts';
import type { Clock } from '../../runtime/ports.ts';
import { type ControllerStatus, applyControllerStatus, hostReachable } from '../controller-status.ts';
import type { HostLeases } from '../host-leases.ts';

export interface StubDomainControllerOptions {
  readonly kube: KubeClient;
  readonly stubDomains: Informer<StubDomain>;
  readonly hosts: Informer<XenHost>;
  readonly leases: HostLeases;
  readonly overlay: Overlay;
  /** See `applyControllerStatus`. */
  readonly silenced: Set<string>;
  readonly clock: Clock;
}

/** Places a stub domain on a host, once, and says whether that host can be reached. */
export async function reconcileStubDomain(key: string, options: StubDomainControllerOptions): Promise<Action> {
  const shown = options.stubDomains.get(key);
  if (shown === undefined) return done;
  const object = options.overlay.get(shown);
  if (object.metadata.deletionTimestamp !== undefined && object.status?.nodeName === undefined) return done;
  const status = decideStatus(object, options);
  try {
    const { kube, clock, overlay, silenced } = options;
    overlay.put(await applyControllerStatus(kube, stubDomains, object, status, clock.now(), silenced));
  } catch (error) {
    if (isNotFound(error)) return done;
    if (isConflict(error)) options.overlay.forget(object.metadata.uid);
    throw error;
  }
  return done;
}

function decideStatus(object: StubDomain, { hosts, leases }: StubDomainControllerOptions): ControllerStatus {
  const bound = object.status?.nodeName;
  const placement = bound === undefined ? place(object.spec, hosts.list()) : { host: bound };
  if (placement.host === undefined) {
    const { reason, message } = placement;
    return {
      fields: {},
      decisions: [decide('Scheduled', 'False', reason, message), hostReachable(undefined, 'missing')],
      placeholder: { status: 'False', reason, message },
      liveness: 'missing',
    };
  }
  const liveness = leases.liveness(placement.host);
  return {
    fields: { nodeName: placement.host },
    decisions: [
      decide('Scheduled', 'True', 'Scheduled', `It runs on ${placement.host}.`),
      hostReachable(placement.host, liveness),
    ],
    placeholder: {
      status: 'Unknown',
      reason: 'AwaitingAgent',
      message: `The agent of ${placement.host} has not looked yet.`,
    },
    liveness,
  };
}
