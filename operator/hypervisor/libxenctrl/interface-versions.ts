/**
 * The versions of Xen whose libxenctrl is known well enough to be called. The library has no stable interface: its structures
 * and prototypes are those of one release, so that a release that is not here is refused.
 */
export interface InterfaceVersion {
  /** As `4.17`: of the hypervisor and of the library's soname. */
  readonly release: string;
  readonly domainInfo: DomainInfoLayout;
  readonly physicalInfo: PhysicalInfoLayout;
  /** C type of the `pirq` of `xc_domain_irq_permission`: what does not fit is another interrupt. */
  readonly irqPermissionPirq: 'uint8_t' | 'uint32_t';
  readonly irqPermissionAllow: 'uint8_t' | 'bool';
  /** Where structures, prototypes and symbols were read. */
  readonly verified: string;
}

/** `struct xen_domctl_getdomaininfo`: the size of one, and the offsets of what is read, in bytes. */
export interface DomainInfoLayout {
  readonly size: number;
  readonly domain: number;
  readonly flags: number;
  readonly totalPages: number;
  readonly handle: number;
}

/** `struct xen_sysctl_physinfo`, likewise. */
export interface PhysicalInfoLayout {
  readonly size: number;
  readonly capabilities: number;
  readonly totalPages: number;
  readonly freePages: number;
  readonly outstandingPages: number;
}

/** 4.14: the domain's configuration at its end is shorter. */
const shortDomainInfo: DomainInfoLayout = { size: 104, domain: 0, flags: 4, totalPages: 8, handle: 76 };
const domainInfo: DomainInfoLayout = { ...shortDomainInfo, size: 112 };

/** Up to 4.16: without `arch_capabilities` and its padding. */
const shortPhysicalInfo: PhysicalInfoLayout = {
  size: 104,
  capabilities: 28,
  totalPages: 32,
  freePages: 40,
  outstandingPages: 56,
};
const physicalInfo: PhysicalInfoLayout = {
  size: 112,
  capabilities: 28,
  totalPages: 40,
  freePages: 48,
  outstandingPages: 64,
};

/** For x86-64: the structures of other machines differ. */
export const interfaceVersions: readonly InterfaceVersion[] = [
  {
    release: '4.14',
    domainInfo: shortDomainInfo,
    physicalInfo: shortPhysicalInfo,
    irqPermissionPirq: 'uint8_t',
    irqPermissionAllow: 'uint8_t',
    verified: "Debian 11's libxen-dev 4.14.6-1, compiled, and the symbols of its libxenmisc4.14",
  },
  {
    release: '4.16',
    domainInfo,
    physicalInfo: shortPhysicalInfo,
    irqPermissionPirq: 'uint32_t',
    irqPermissionAllow: 'bool',
    verified: "Ubuntu 22.04's libxen-dev 4.16.0, compiled, and the symbols of its libxenmisc4.16",
  },
  {
    release: '4.17',
    domainInfo,
    physicalInfo,
    irqPermissionPirq: 'uint32_t',
    irqPermissionAllow: 'bool',
    verified: "Debian 12's libxen-dev 4.17.7, compiled, the symbols of its libxenmisc4.17, and a running host",
  },
  {
    release: '4.20',
    domainInfo,
    physicalInfo,
    irqPermissionPirq: 'uint32_t',
    irqPermissionAllow: 'bool',
    verified: "Debian 13's libxen-dev 4.20.3, compiled, and the symbols of its libxenmisc4.20",
  },
];

/** The entry of a release, as `4.17`. */
export function interfaceVersion(release: string): InterfaceVersion | undefined {
  return interfaceVersions.find((version) => version.release === release);
}
