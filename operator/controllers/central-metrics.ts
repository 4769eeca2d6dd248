import { Gauge, type Registry } from 'prom-client';
import { leaderLeaseName } from '../api/names.ts';
import type { HostLiveness } from './host-leases.ts';

/** An object of the cluster, as far as it is counted. */
export interface ClusterObject {
  readonly kind: 'StubDomain' | 'PciAttachment' | 'XenHost';
  readonly ready: 'True' | 'False' | 'Unknown';
}

/** What is asked when metrics are read. */
export interface CentralSources {
  readonly leading: () => boolean;
  readonly hosts: () => Iterable<HostLiveness>;
  readonly objects: () => Iterable<ClusterObject>;
  /** Since when each device that is on its way out has been so: `status.removingSince`. */
  readonly removals: () => Iterable<string>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** What the controller tells about the cluster. See docs/metrics.md. */
export interface CentralMetrics {
  observe(sources: CentralSources): void;
}

const livenesses: readonly HostLiveness[] = ['fresh', 'expired', 'missing'];
const kinds: readonly ClusterObject['kind'][] = ['StubDomain', 'PciAttachment', 'XenHost'];
const readiness: readonly ClusterObject['ready'][] = ['True', 'False', 'Unknown'];

/** Makes the cluster's metrics in a registry. Labels are fixed lists; every series begins at 0. */
export function createCentralMetrics(registry: Registry): CentralMetrics {
  const registers = [registry];
  let sources: CentralSources | undefined;
  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this replica is the one that decides: 1 or 0.',
    labelNames: ['name'],
    registers,
    collect() {
      this.set({ name: leaderLeaseName }, sources?.leading() === true ? 1 : 0);
    },
  });
  new Gauge({
    name: 'stubdom_hosts',
    help: 'Xen hosts by the Lease of their agent.',
    labelNames: ['liveness'],
    registers,
    collect() {
      for (const liveness of livenesses) this.set({ liveness }, 0);
      for (const liveness of sources?.hosts() ?? []) this.inc({ liveness });
    },
  });
  new Gauge({
    name: 'stubdom_cluster_objects',
    help: 'Objects of the cluster by what their condition Ready says.',
    labelNames: ['kind', 'ready'],
    registers,
    collect() {
      for (const kind of kinds) for (const ready of readiness) this.set({ kind, ready }, 0);
      for (const { kind, ready } of sources?.objects() ?? []) this.inc({ kind, ready });
    },
  });
  new Gauge({
    name: 'stubdom_oldest_removal_seconds',
    help: 'Since when the device has been on its way out that has been so for longest; 0 if none is.',
    registers,
    collect() {
      let oldest = Infinity;
      for (const since of sources?.removals() ?? []) oldest = Math.min(oldest, Date.parse(since));
      const seconds = Number.isFinite(oldest) ? ((sources?.now() ?? 0) - oldest) / 1000 : 0;
      this.set(Math.max(0, seconds));
    },
  });
  return {
    observe: (given) => {
      sources = given;
    },
  };
}
