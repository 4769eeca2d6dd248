import { type DomainIdentity, type Hypervisor, HypervisorError, type HypervisorErrorCode } from '../hypervisor.ts';
import type { Libxenctrl } from '../libxenctrl/libxenctrl.ts';
import type { HostPci } from '../sysfs/host-pci.ts';
import type { PciResources } from '../sysfs/resources.ts';
import type { Control } from './control.ts';
import type { NodeReader } from './domain-names.ts';
import { requirePassthrough } from './passthrough.ts';

/** What the grants need of the host. */
export interface PciGrantsOptions {
  readonly control: Control;
  readonly pci: Pick<HostPci, 'resources' | 'setPermissive'>;
  readonly xenstore: NodeReader;
}

/**
 * Gives domains the ports, memory, interrupt and DMA of devices by hypercall, in libxl's order (stubdom-protocol §5.2 and
 * §5.4): a PV stub domain without `iommu`, its guest with it.
 */
export function createPciGrants({
  control,
  pci,
  xenstore,
}: PciGrantsOptions): Pick<Hypervisor, 'requireGrantable' | 'grant' | 'revoke'> {
  return {
    requireGrantable: async (address, domain) => {
      const calls = await requirePassthrough(control);
      if (!(await lives(calls, domain))) throw gone(domain);
      await isAssigned(calls, xenstore, address, domain);
    },
    grant: async (address, domain, { iommu, permissive = false, rdmRelaxed = false }) => {
      const calls = await requirePassthrough(control);
      if (!(await lives(calls, domain))) throw gone(domain);
      const resources = await pci.resources(address);
      // Asked before anything is given, so that nothing is given half.
      const assigned = iommu && (await isAssigned(calls, xenstore, address, domain));
      if (permissive) await pci.setPermissive(address);
      await give(calls, domain.domid, resources);
      if (iommu && !assigned) await calls.assign(domain.domid, address, { rdmRelaxed });
    },
    revoke: async (address, domain, { iommu }) => {
      const calls = control.get();
      // The hypervisor itself took back all that a domain had which is gone.
      if (!(await lives(calls, domain))) return;
      const { domid } = domain;
      const takeBackAll = async (): Promise<void> => {
        const resources = await unless(async () => pci.resources(address), 'NoSuchDevice');
        if (resources !== undefined) await eachOf(revocations(calls, domid, resources));
      };
      // One that is refused leaves the guest none of the others, and not the DMA.
      const all = [takeBackAll, ...(iommu ? [async () => calls.deassign(domid, address)] : [])];
      await unless(async () => eachOf(all), 'NoSuchDomain');
    },
  };
}

async function lives(calls: Libxenctrl, { domid, uuid }: DomainIdentity): Promise<boolean> {
  return (await calls.domains()).some((one) => one.domid === domid && one.uuid === uuid && !one.dying);
}

function gone({ domid }: DomainIdentity): HypervisorError {
  return new HypervisorError('NoSuchDomain', `Domain ${domid} is not the one that was meant: that one has ended.`);
}

/**
 * Whether the domain has the device's DMA already, by a grant that was not noted any more. The hypervisor tells only that
 * some domain has it; libxl's claim, which each toolstack writes first, tells which. Throws why it cannot be assigned.
 */
async function isAssigned(
  calls: Libxenctrl,
  xenstore: NodeReader,
  address: string,
  { domid }: DomainIdentity,
): Promise<boolean> {
  const test = await calls.testAssign(address, domid);
  if (test.assignable) return false;
  const isHeld = test.reason.code === 'DeviceInUse' || test.reason.code === 'InvalidArgument';
  const claim = await xenstore.tryRead(`/libxl/pci/${address.replace(/[:.]/g, '-')}/domid`);
  if (isHeld && claim !== undefined && new TextDecoder().decode(claim) === String(domid)) return true;
  throw test.reason;
}

async function give(calls: Libxenctrl, domid: number, { ports, memory, irq }: PciResources): Promise<void> {
  for (const { first, count } of ports) await calls.ioportPermission(domid, first, count, true);
  for (const { firstPage, pages } of memory) await calls.iomemPermission(domid, firstPage, pages, true);
  if (irq === undefined) return;
  const pirq = await calls.mapPirq(domid, irq);
  await calls.irqPermission(domid, pirq, true);
}

type Work = () => Promise<unknown>;

function revocations(calls: Libxenctrl, domid: number, { ports, memory, irq }: PciResources): Work[] {
  return [
    ...ports.map(
      ({ first, count }) =>
        async () =>
          calls.ioportPermission(domid, first, count, false),
    ),
    ...memory.map(
      ({ firstPage, pages }) =>
        async () =>
          calls.iomemPermission(domid, firstPage, pages, false),
    ),
    ...(irq === undefined
      ? []
      : [
          // It was mapped under its own number. The device model may have unmapped it before, which is no error.
          async () => calls.unmapPirq(domid, irq),
          // sysfs tells another number while the device has MSI enabled: one of dom0's own, which nobody was given.
          async () => unless(async () => calls.irqPermission(domid, irq, false), 'NoSuchDevice'),
        ]),
  ];
}

/** Does each, one after the other, also after one that fails; throws what the first failure was. */
async function eachOf(works: readonly Work[]): Promise<void> {
  const failures: unknown[] = [];
  for (const work of works) {
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function unless<T>(work: () => Promise<T>, code: HypervisorErrorCode): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof HypervisorError && error.code === code) return undefined;
    throw error;
  }
}
