import type { Expectation } from '../guarded-transaction.ts';
import { domainPath, vmPath } from '../locations.ts';
import type { Pin } from '../notes.ts';

/** Whose a domid is: what makes a transaction miss one that was given again (libxl: /local/domain/X/vm). */
export function expectPinned(...pins: readonly Pin[]): Expectation[] {
  return pins.map(({ domid, uuid }) => ({
    path: `${domainPath(domid)}/vm`,
    text: vmPath(uuid),
    otherwise: `domain ${domid} is not the one it was`,
  }));
}

/** The same for both domains, and that each names the other. */
export function expectLinked(stub: Pin, target: Pin): Expectation[] {
  return [
    ...expectPinned(stub, target),
    {
      path: `${domainPath(stub.domid)}/target`,
      text: String(target.domid),
      otherwise: 'the stub domain serves another guest',
    },
    {
      path: `${domainPath(target.domid)}/image/device-model-domid`,
      text: String(stub.domid),
      otherwise: 'the guest has another device model',
    },
  ];
}
