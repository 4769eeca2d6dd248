import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import { deviceModelPath, domainPath, libxlPath, vmPath } from '../locations.ts';
import type { Pin } from '../notes.ts';
import { type PlanNode, ownedBy } from '../plan-node.ts';
import { deviceModelArguments } from './arguments.ts';
import { consoleNodes, consoles } from './consoles.ts';
import { diskNodes } from './disks.ts';
import { graphicsNodes } from './graphics.ts';
import { nicNodes } from './nics.ts';

/** Who the plan is for. */
export interface SetupIdentity {
  readonly stub: Pin;
  readonly target: Pin;
  readonly targetName: string;
}

const firmware = { ROMBIOS: 'rombios', SeaBIOS: 'seabios', OVMF: 'ovmf' } as const;

/**
 * Everything that XenStore must hold before a MiniOS stub domain is started, in the order in which it is written: a
 * directory's permissions come before its children, which inherit them. PCI devices are apart (domain/pci/backend.ts).
 * Source: stubdom.txt and libxl_dm.c of Xen 4.20.
 */
export function setupPlan(spec: StubDomainSpec, { stub, target, targetName }: SetupIdentity): PlanNode[] {
  const targetVm = vmPath(target.uuid);
  const args = deviceModelArguments(spec, { domid: target.domid, name: targetName });
  return [
    { path: `${libxlPath(target.domid)}/dm-version`, value: 'qemu_xen_traditional' },
    { path: `${targetVm}/image/dmargs`, value: args.join(' '), permissions: ownedBy(0, stub.domid) },
    { path: `${targetVm}/rtc/timeoffset`, value: '', permissions: ownedBy(0, stub.domid), volatile: true },
    { path: `${domainPath(target.domid)}/image/device-model-domid`, value: String(stub.domid) },
    { path: `${domainPath(stub.domid)}/target`, value: String(target.domid) },
    { path: `${domainPath(target.domid)}/hvmloader/bios`, value: firmware[spec.bios] },
    { path: `${domainPath(target.domid)}/hvmloader/allow-memory-relocate`, value: '1' },
    { path: deviceModelPath(stub.domid, target.domid), permissions: ownedBy(stub.domid, target.domid) },
    ...(spec.disks ?? []).flatMap((disk, i) => diskNodes(stub.domid, disk, i)),
    ...(spec.graphics === undefined ? [] : graphicsNodes(stub.domid, spec.graphics)),
    ...consoles(spec, targetName, target.domid).flatMap((console) => consoleNodes(stub.domid, console)),
    ...(spec.nics ?? []).flatMap((nic, i) => nicNodes(stub.domid, target.domid, nic, i)),
  ];
}

/** Whose tree is taken down. `…Reused`: the domid is another domain's by now. */
export interface TeardownIdentity extends Pick<SetupIdentity, 'stub' | 'target'> {
  readonly stubReused: boolean;
  readonly targetReused: boolean;
}

/** What is to be removed when the stub domain is gone: all that `setupPlan` and the hypervisor wrote for it. */
export function teardownPaths({ stub, target, stubReused, targetReused }: TeardownIdentity): string[] {
  return [
    vmPath(stub.uuid),
    `${vmPath(target.uuid)}/image/dmargs`,
    `${vmPath(target.uuid)}/rtc/timeoffset`,
    ...(stubReused ? [] : stubPaths(stub)),
    ...(targetReused ? [] : targetPaths(target)),
  ];
}

function stubPaths(stub: Pin): string[] {
  return [
    ...(['vbd', 'vif', 'vfb', 'vkbd', 'console', 'pci'] as const).map(
      (kind) => `/local/domain/0/backend/${kind}/${stub.domid}`,
    ),
    domainPath(stub.domid),
    libxlPath(stub.domid),
  ];
}

function targetPaths(target: Pin): string[] {
  return [
    `${domainPath(target.domid)}/image/device-model-domid`,
    `${domainPath(target.domid)}/hvmloader/bios`,
    `${domainPath(target.domid)}/hvmloader/allow-memory-relocate`,
    `${libxlPath(target.domid)}/dm-version`,
  ];
}
