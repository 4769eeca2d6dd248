import { findCondition } from '../../api/conditions.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { type Bound, drainReport } from '../../domain/placement/drain-report.ts';
import { hostDecisions } from '../../domain/placement/host-conditions.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Overlay } from '../../kube/overlay.ts';
import { xenHosts } from '../../kube/resources.ts';
import type { Informer, KubeClient } from '../../kube/types.ts';
import { type Action, done } from '../../runtime/action.ts';
import type { Clock } from '../../runtime/ports.ts';
import { type ControllerStatus, applyControllerStatus } from '../controller-status.ts';
import type { HostLeases } from '../host-leases.ts';

export interface XenHostControllerOptions {
  readonly kube: KubeClient;
  readonly hosts: Informer<XenHost>;
  readonly leases: HostLeases;
  readonly overlay: Overlay;
  readonly events: EventRecorder;
  /** StubDomains that are bound to the host, with their attachments. */
  readonly boundTo: (host: string) => readonly Bound[];
  /** See `applyControllerStatus`. */
  readonly silenced: Set<string>;
  readonly clock: Clock;
}

/**
 * Says of a host whether it takes further stub domains, what keeps it from being empty, whether it is given up, and, when
 * its agent is silent, that nobody knows how it is.
 */
export async function reconcileXenHost(name: string, options: XenHostControllerOptions): Promise<Action> {
  const { kube, hosts, overlay, silenced, clock } = options;
  const shown = hosts.get(name);
  if (shown === undefined) return done;
  const host = overlay.get(shown);
  const status = decideStatus(host, options);
  try {
    const written = await applyControllerStatus(kube, xenHosts, host, status, clock.now(), silenced);
    overlay.put(written);
    if (written !== undefined) tell(host, written, options.events);
  } catch (error) {
    if (isNotFound(error)) return done;
    if (isConflict(error)) overlay.forget(host.metadata.uid);
    throw error;
  }
  return done;
}

function decideStatus(host: XenHost, { leases, boundTo }: XenHostControllerOptions): ControllerStatus {
  const { name } = host.metadata;
  const liveness = leases.liveness(name);
  const drain = host.spec.drain === undefined ? undefined : drainReport(host, boundTo(name));
  // Of a host that was lost before this controller began, it is not believed that it lives before its agent proves it.
  const before = ['Ready', 'Schedulable'].map((type) => findCondition(host.status?.conditions, type)?.reason);
  const isLost = liveness === 'expired' || (before.includes('HostUnreachable') && !leases.isProven(name));
  return {
    fields: drain === undefined ? {} : { drain },
    removed: drain === undefined ? ['drain'] : [],
    decisions: hostDecisions(host, !isLost, drain),
    placeholder: { status: 'Unknown', reason: 'AwaitingAgent', message: '' },
    liveness,
    lostMessage: `The agent of ${name} has not renewed its Lease for too long: nobody knows how the host is. Look at it and its agent.`,
  };
}

/** Turns of a host's life, for `kubectl describe`. */
function tell(before: XenHost, after: XenHost, events: EventRecorder): void {
  for (const type of ['Ready', 'Fenced', 'Drained'] as const) {
    const [old, now] = [before, after].map(({ status }) => findCondition(status?.conditions, type));
    if (now === undefined || old?.reason === now.reason) continue;
    if (!told.has(now.reason)) continue;
    const isGood = now.reason === 'Drained';
    events.record(after, { type: isGood ? 'Normal' : 'Warning', reason: now.reason, message: now.message });
  }
}

const told: ReadonlySet<string> = new Set(['HostUnreachable', 'Fenced', 'FenceRefused', 'FenceUnexplained', 'Drained']);
