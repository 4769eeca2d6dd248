import { addressesOn } from './address.ts';
import type { PciFacts } from './facts.ts';

/** What a bridge is to the devices behind it: they keep their own identity on the bus, or all get the bridge's. */
export type BridgeKind = 'express' | 'legacy';

const status = 0x06;
const hasCapabilities = 0x10;
const firstCapability = 0x34;
const expressCapability = 0x10;
/** PCI Express to PCI or PCI-X. */
const toLegacy = 7;
const headerBytes = 64;
const configBytes = 256;

/**
 * The kind of a bridge by the 256 bytes of its configuration (latin1). What cannot be read, as without root, counts as
 * legacy: whoever shares too much is told so, whoever shares too little is not.
 */
export function bridgeKind(config: string | undefined): BridgeKind {
  if (config === undefined || config.length < headerBytes) return 'legacy';
  if ((config.charCodeAt(status) & hasCapabilities) === 0) return 'legacy';
  let at = config.charCodeAt(firstCapability) & 0xfc;
  for (let seen = 0; seen < 48 && at >= headerBytes && at + 4 <= Math.min(config.length, configBytes); seen += 1) {
    if (config.charCodeAt(at) === expressCapability) {
      return ((config.charCodeAt(at + 2) >> 4) & 0xf) === toLegacy ? 'legacy' : 'express';
    }
    at = config.charCodeAt(at + 1) & 0xfc;
  }
  return 'legacy';
}

/** A group's number, made of the bridge's address: the same at each reading, and at each boot of the same hardware. */
function numberOf(address: string): number {
  return Number.parseInt(address.replaceAll(/[:.]/g, '').slice(2), 16);
}

/**
 * Groups for a kernel that shows none: under Xen the IOMMU is the hypervisor's, and dom0 has no iommu_group links. Behind
 * a legacy bridge all requests carry one identity, so that the IOMMU cannot tell the devices there apart: they are one
 * group, which is how Xen groups them too. Keyed by address; a device that is told apart is not in the map.
 */
export function requesterGroups(
  devices: readonly PciFacts[],
  kindOf: (bridge: string) => BridgeKind,
): ReadonlyMap<string, number> {
  const groups = new Map<string, number>();
  for (const { address, path } of devices) {
    const above = addressesOn(path).filter((other) => other !== address);
    const legacy = above.find((bridge) => kindOf(bridge) === 'legacy');
    if (legacy !== undefined) groups.set(address, numberOf(legacy));
  }
  return groups;
}
