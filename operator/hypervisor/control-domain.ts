/** XENFEAT_dom0 of Xen's public/features.h: this domain is the one that controls the host. */
const controlFeature = 1n << 11n;

/** What the kernel of a domain says of it; undefined where it says nothing. */
export interface DomainEvidence {
  /** /sys/hypervisor/properties/features */
  readonly features: string | undefined;
  /** /proc/xen/capabilities, where xenfs is mounted. */
  readonly capabilities: string | undefined;
}

/** Whether this is dom0. Either of the two is enough: both are the hypervisor's own word. */
export function isControlDomain({ features, capabilities }: DomainEvidence): boolean {
  if (capabilities?.split(/[\s,]+/).includes('control_d') === true) return true;
  const bits = features?.trim() ?? '';
  return /^[0-9a-f]{1,16}$/.test(bits) && (BigInt(`0x${bits}`) & controlFeature) !== 0n;
}
