import type { XenHost } from '../../api/generated/xen-host.ts';
import type { Reason } from '../../api/reasons.ts';
import { isSaidDead } from './fence.ts';

/** Why a host takes no further stub domains. `clause` goes on after its name. */
export interface Closed {
  readonly reason: Reason;
  readonly clause: string;
}

/** Why nothing more is placed on the host, if so. What is there already stays. */
export function closedFor(host: XenHost, isReachable: boolean): Closed | undefined {
  if (isSaidDead(host)) {
    return { reason: 'HostFenced', clause: 'which an administrator declared dead (stubdom.io/fenced)' };
  }
  if (host.spec.drain !== undefined) {
    return { reason: 'HostDraining', clause: 'which is being emptied (spec.drain)' };
  }
  if (host.spec.unschedulable === true) {
    return { reason: 'HostUnschedulable', clause: 'which takes no further stub domains (spec.unschedulable)' };
  }
  if (!isReachable) return { reason: 'HostUnreachable', clause: 'whose agent is out of reach' };
  return undefined;
}
