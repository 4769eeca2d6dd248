import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { PlanNode } from '../plan-node.ts';
import { devicePair } from './device-pair.ts';

type Nic = NonNullable<StubDomainSpec['nics']>[number];

/** Name in dom0 of the interface that the device model bridges for the guest. */
export function nicInterface(target: number, index: number): string {
  return `vif${target}.${index}-emu`;
}

/** Both ends of a PV network interface (vif). */
export function nicNodes(stub: number, target: number, nic: Nic, index: number): PlanNode[] {
  return devicePair({
    kind: 'vif',
    stub,
    device: index,
    backend: {
      script: '/etc/xen/scripts/vif-bridge',
      vifname: nicInterface(target, index),
      mac: nic.mac,
      bridge: nic.bridge,
      handle: String(index),
      type: 'vif',
    },
    frontend: { handle: String(index), mac: nic.mac },
  });
}
