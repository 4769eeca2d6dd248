import { HypervisorError } from '../../operator/hypervisor/hypervisor.ts';
import { quarantineDomid } from '../../operator/hypervisor/libxenctrl/arguments.ts';
import type { Libxenctrl, XenDomainInfo } from '../../operator/hypervisor/libxenctrl/libxenctrl.ts';

/** A hypervisor that keeps what was granted, and refuses as Xen 4.17 was seen to. */
export interface FakeXen extends Libxenctrl {
  domainList: XenDomainInfo[];
  directIo: boolean;
  /** Whose DMA the devices are; dom0's where nothing is said. */
  readonly holders: Map<string, number>;
  /** `domid what`, of all that is allowed now. */
  readonly allowed: Set<string>;
  /** Domids with an IOMMU context. */
  readonly withIommu: Set<number>;
  /** All calls that change something, in their order. */
  readonly log: string[];
  /** From now on nothing is answered. */
  broken: HypervisorError | undefined;
  closed: boolean;
}

export function domainInfo(domid: number, uuid: string, facts: Partial<XenDomainInfo> = {}): XenDomainInfo {
  return { domid, uuid, hvm: domid !== 0, paused: false, dying: false, shutdown: false, memoryMiB: 64, ...facts };
}

export const dom0Info = domainInfo(0, '00000000-0000-0000-0000-000000000000', { memoryMiB: 1024 });

export function fakeXen(domains: readonly XenDomainInfo[] = []): FakeXen {
  const require = (domid: number): void => {
    if (xen.broken !== undefined) throw xen.broken;
    if (domid === quarantineDomid || xen.domainList.some((one) => one.domid === domid)) return;
    throw new HypervisorError('NoSuchDomain', 'there is no such domain any more');
  };
  const allow = (domid: number, what: string, yes: boolean): void => {
    require(domid);
    xen.log.push(`${yes ? '+' : '-'} ${domid} ${what}`);
    if (yes) xen.allowed.add(`${domid} ${what}`);
    else xen.allowed.delete(`${domid} ${what}`);
  };
  const holderOf = (address: string): number => xen.holders.get(address) ?? 0;
  const refusal = (domid: number | undefined, address: string): HypervisorError | undefined => {
    if (!xen.directIo) return new HypervisorError('NotSupported', 'the IOMMU is off');
    if (domid !== undefined && domid !== quarantineDomid && !xen.withIommu.has(domid)) {
      return new HypervisorError('NotSupported', 'the guest was created without it');
    }
    return [0, quarantineDomid].includes(holderOf(address))
      ? undefined
      : new HypervisorError('DeviceInUse', 'a domain has the device already');
  };
  const xen: FakeXen = {
    version: '4.17.7',
    domainList: [dom0Info, ...domains],
    directIo: true,
    holders: new Map(),
    allowed: new Set(),
    withIommu: new Set(domains.filter(({ hvm }) => hvm).map(({ domid }) => domid)),
    log: [],
    broken: undefined,
    closed: false,
    domains: async () => {
      require(0);
      return xen.domainList;
    },
    physicalMemory: async () => (require(0), { totalMiB: 3071, freeMiB: 1500 }),
    capabilities: async () => (require(0), { hvm: true, directIo: xen.directIo }),
    setTarget: async () => 'Set',
    ioportPermission: async (domid, first, count, yes) => allow(domid, `ports ${first}+${count}`, yes),
    iomemPermission: async (domid, first, count, yes) => allow(domid, `pages ${first}+${count}`, yes),
    irqPermission: async (domid, pirq, yes) => allow(domid, `irq ${pirq}`, yes),
    mapPirq: async (domid, gsi) => (allow(domid, `pirq ${gsi}`, true), gsi),
    unmapPirq: async (domid, pirq) => allow(domid, `pirq ${pirq}`, false),
    testAssign: async (address, domid) => {
      require(0);
      const reason = refusal(domid, address);
      return reason === undefined ? { assignable: true } : { assignable: false, reason };
    },
    assign: async (domid, address, { rdmRelaxed }) => {
      require(domid);
      const reason = refusal(domid, address);
      if (reason !== undefined) throw reason;
      xen.log.push(`assign ${domid} ${address}${rdmRelaxed ? ' relaxed' : ''}`);
      xen.holders.set(address, domid);
    },
    deassign: async (domid, address) => {
      require(domid);
      if (holderOf(address) !== domid) return;
      xen.log.push(`deassign ${domid} ${address}`);
      // As a hypervisor does that quarantines by default.
      xen.holders.set(address, domid === quarantineDomid ? 0 : quarantineDomid);
    },
    close: async () => {
      xen.closed = true;
    },
  };
  return xen;
}
