import { type Condition, decide, findCondition, kubeTime, stampConditions } from '../../api/conditions.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { controllerManager } from '../../api/names.ts';
import { conditionTypes } from '../../api/reasons.ts';
import { isNotFound } from '../../kube/errors.ts';
import { xenHosts } from '../../kube/resources.ts';
import type { Informer, KubeClient } from '../../kube/types.ts';
import { type Action, done } from '../../runtime/action.ts';
import type { Clock } from '../../runtime/ports.ts';
import type { HostLeases } from '../host-leases.ts';

export interface XenHostControllerOptions {
  readonly kube: KubeClient;
  readonly hosts: Informer<XenHost>;
  readonly leases: HostLeases;
  readonly clock: Clock;
}

/**
 * Says of a host whose agent is silent that nobody knows how it is. To be called once for each change of its Lease, and
 * not when the object changes: an agent that writes but cannot renew would be contradicted without end.
 */
export async function reconcileXenHost(name: string, options: XenHostControllerOptions): Promise<Action> {
  const { kube, hosts, leases, clock } = options;
  const host = hosts.get(name);
  if (host === undefined || leases.liveness(name) !== 'expired') return done;
  const present = host.status?.conditions as Condition[] | undefined;
  if (findCondition(present, 'Ready')?.reason === 'HostUnreachable') return done;
  const message = `The agent of ${name} has not renewed its Lease for too long: nobody knows how the host is. Look at it and its agent.`;
  const decisions = Object.entries(conditionTypes.XenHost)
    .filter(([, { writer }]) => writer === 'agent')
    .map(([type]) => decide(type, 'Unknown', 'HostUnreachable', message));
  const { generation } = host.metadata;
  const conditions = stampConditions('XenHost', decisions, present, generation, kubeTime(clock.now()));
  try {
    const metadata = { name, uid: host.metadata.uid };
    await kube.applyStatus(
      xenHosts,
      { metadata, status: { conditions } },
      { fieldManager: controllerManager, force: true },
    );
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return done;
}
