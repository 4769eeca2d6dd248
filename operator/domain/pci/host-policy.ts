import type { XenHostSpec } from '../../api/generated/xen-host.ts';

/**
 * Why the people who decide about the host do not give the device away, and what to do; undefined if they do. The deny list
 * wins over the allow list; without an allow list, all that is not denied is given away.
 */
export function policyMessage(address: string, pci: XenHostSpec['pci'], host: string): string | undefined {
  const next = `(kubectl edit xenhost ${host}), or choose another device.`;
  if (pci?.deny?.includes(address) === true) {
    return `spec.pci.deny of XenHost ${host} names ${address}. Remove it there ${next}`;
  }
  if (pci?.allow !== undefined && !pci.allow.includes(address)) {
    return `spec.pci.allow of XenHost ${host} does not name ${address}. Add it there ${next}`;
  }
  return undefined;
}
