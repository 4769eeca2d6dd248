import type { StubDomain } from '../api/generated/stub-domain.ts';
import { devicesNeeded } from '../domain/placement/devices-needed.ts';
import type { PlacementView } from '../domain/placement/place.ts';
import { hostMemoryMiB } from '../domain/stub-domain/memory.ts';
import { keyOf } from '../kube/resources.ts';
import type { Assumed } from './assumed.ts';
import { type Caches, byHost, byStubDomain } from './caches.ts';
import type { HostLeases } from './host-leases.ts';
import type { ClaimTable } from './pci-attachment/claim-table.ts';
import { claimsOf } from './pci-attachment/reconcile.ts';
import { byGuest } from './stub-domain/reconcile.ts';

/** Phases in which the host still reports the stub domain's memory as free. */
const notYetThere: ReadonlySet<string | undefined> = new Set([undefined, 'Pending']);

/** What is known of the hosts when `object` is placed. */
export function hostsView(
  object: StubDomain,
  parts: {
    readonly caches: Caches;
    readonly leases: HostLeases;
    readonly assumed: Assumed;
    readonly claims: ClaimTable;
  },
): PlacementView {
  const { caches, leases, assumed, claims } = parts;
  const { stubDomains, attachments, hosts } = caches;
  return {
    host: (name) => hosts.get(name),
    hosts: () => hosts.list(),
    reporting: (uuid) => hosts.byIndex(byGuest, uuid),
    isReachable: (host) => leases.liveness(host) !== 'expired',
    load: (host) => {
      const bound = stubDomains.byIndex(byHost, host);
      const coming = assumed.on(host).filter(({ metadata }) => metadata.uid !== object.metadata.uid);
      const promised = [...bound.filter(({ status }) => notYetThere.has(status?.phase)), ...coming];
      return {
        stubDomains: bound.length + coming.length,
        promisedMiB: promised.reduce((sum, { spec }) => sum + hostMemoryMiB(spec), 0),
      };
    },
    devicesOn: (host) =>
      devicesNeeded(
        attachments
          .byIndex(byStubDomain, keyOf(object))
          .filter(({ metadata }) => metadata.deletionTimestamp === undefined),
        host,
        claimsOf(host.metadata.name, { claims, attachments, stubDomains }),
      ),
  };
}
