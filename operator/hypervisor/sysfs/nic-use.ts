import { addressesOn } from './address.ts';
import type { HostFacts, InterfaceFacts } from './facts.ts';
import { shownName } from './parse.ts';
import { rank, type Use } from './use.ts';

export interface NicUses {
  readonly uses: readonly { readonly address: string; readonly use: Use }[];
  /** PCI devices with an interface that is seen, in use or not. */
  readonly carriers: ReadonlySet<string>;
}

const kinds: Readonly<Record<string, string>> = { bridge: 'bridge', bond: 'bond', vlan: 'VLAN' };

function linkUse(upper: string, interfaces: ReadonlyMap<string, InterfaceFacts>): Use {
  if (upper === 'ovs-system') return { rank: rank.link, words: 'Open vSwitch port' };
  const word = kinds[interfaces.get(upper)?.kind ?? ''] ?? 'link of';
  return { rank: rank.link, words: `${word} ${shownName(upper, 15, '?')}` };
}

/**
 * What the host needs network interfaces for: routes, addresses, and what they are part of. A cable that is out changes
 * nothing: it may be plugged in again.
 */
export function nicUses(facts: Pick<HostFacts, 'interfaces' | 'defaultRoutes' | 'addressed'>): NicUses {
  const byName = new Map(facts.interfaces.map((one) => [one.name, one]));
  const carriers = new Set<string>();
  const uses: { address: string; use: Use }[] = [];
  for (const one of facts.interfaces) {
    const found: Use[] = one.uppers.map((upper) => linkUse(upper, byName));
    if (facts.defaultRoutes.includes(one.name)) found.push({ rank: rank.defaultRoute, words: 'default route' });
    if (facts.addressed.includes(one.name)) {
      found.push({ rank: rank.address, words: `address of ${shownName(one.name, 15, 'a nic')}` });
    }
    for (const address of addressesOn(one.path)) {
      carriers.add(address);
      for (const use of found) uses.push({ address, use });
    }
  }
  return { uses, carriers };
}
