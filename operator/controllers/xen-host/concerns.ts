import { findCondition } from '../../api/conditions.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { HostLiveness } from '../host-leases.ts';

/** How it stands with a host, as far as the objects there are concerned. */
export interface Situation {
  readonly liveness: HostLiveness;
  readonly isSaidDead: boolean;
}

/** Whether something of an object has to be written, now that it stands so with its host. */
export function concerns(object: StubDomain | PciAttachment, { liveness, isSaidDead }: Situation): boolean {
  const conditions = object.status?.conditions;
  switch (liveness) {
    case 'expired':
      return isSaidDead || findCondition(conditions, 'Ready')?.reason !== 'HostUnreachable';
    case 'fresh':
      // What was said in the agent's place stays until the agent takes it back.
      return object.kind === 'StubDomain' && findCondition(conditions, 'HostReachable')?.status !== 'True';
    case 'missing':
      return object.kind === 'StubDomain' && findCondition(conditions, 'HostReachable') === undefined;
  }
}
