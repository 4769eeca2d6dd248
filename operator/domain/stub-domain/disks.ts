import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { PlanNode } from '../plan-node.ts';
import { devicePair } from './device-pair.ts';

type Disk = NonNullable<StubDomainSpec['disks']>[number];

/** Name of the PV disk at that place in the list: xvda, xvdb, … */
export function diskName(index: number): string {
  return `xvd${String.fromCharCode(97 + index)}`;
}

/** Number of the PV disk: major 202, 16 partitions a disk; from the 17th disk on the extended form (xen-vbd-interface). */
export function diskNumber(index: number): number {
  return index < 16 ? (202 << 8) | (index << 4) : (1 << 28) | (index << 8);
}

/** Both ends of a PV disk (vbd). */
export function diskNodes(stub: number, disk: Disk, index: number): PlanNode[] {
  const number = diskNumber(index);
  const type = disk.device === 'CDROM' ? 'cdrom' : 'disk';
  return devicePair({
    kind: 'vbd',
    stub,
    device: number,
    backend: {
      params: disk.source,
      script: '/etc/xen/scripts/block',
      removable: disk.device === 'CDROM' ? '1' : '0',
      bootable: '1',
      dev: diskName(index),
      type: disk.backend === 'Block' ? 'phy' : 'file',
      mode: disk.access === 'ReadOnly' ? 'r' : 'w',
      'device-type': type,
      'discard-enable': '1',
    },
    frontend: { 'virtual-device': String(number), 'device-type': type },
  });
}
