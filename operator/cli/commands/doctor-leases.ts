import { findCondition } from '../../api/conditions.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { leaderLeaseName, leaseNamespace } from '../../api/names.ts';
import { printable } from '../../kube/errors.ts';
import type { Lease } from '../../kube/lease.ts';
import { ageText, type Check, fail, ok, warn } from './doctor-check.ts';
import type { ClusterObjects } from './doctor-cluster.ts';

type Freshness =
  | { readonly kind: 'missing' }
  | { readonly kind: 'released' }
  | { readonly kind: 'fresh' | 'stale'; readonly holder: string; readonly age: string };

/** By this machine's clock: the programs themselves trust only the time that passes between two renewals. */
function freshnessOf(lease: Lease | undefined, now: number): Freshness {
  if (lease === undefined) return { kind: 'missing' };
  const { holderIdentity = '', renewTime = '', leaseDurationSeconds = 15 } = lease.spec ?? {};
  if (holderIdentity === '') return { kind: 'released' };
  const renewed = Date.parse(renewTime);
  const ageMs = Number.isNaN(renewed) ? Infinity : now - renewed;
  const age = Number.isFinite(ageMs) ? `${ageText(ageMs)} ago` : 'never';
  return {
    kind: ageMs <= leaseDurationSeconds * 1000 ? 'fresh' : 'stale',
    holder: printable(holderIdentity, 100),
    age,
  };
}

/** Whether somebody decides. */
export function checkLeader(leases: readonly Lease[], now: number): Check {
  const name = `${leaseNamespace}/${leaderLeaseName}`;
  const lease = leases.find(({ metadata }) => metadata.name === leaderLeaseName);
  const found = freshnessOf(lease, now);
  const next = `See whether the controller runs: kubectl -n ${leaseNamespace} get pods.`;
  switch (found.kind) {
    case 'missing':
      return warn('leader', `There is no Lease ${name}: no controller runs, or one that elects no leader.`, next);
    case 'released':
      return fail('leader', `Nobody holds the Lease ${name}: the controller was stopped.`, next);
    case 'fresh':
      return ok('leader', `${found.holder} decides; it renewed its Lease ${found.age}.`);
    case 'stale':
      return fail('leader', `${found.holder} holds the Lease ${name} and renewed it ${found.age}.`, next);
  }
}

function checkHost(host: XenHost, leases: readonly Lease[], now: number): Check {
  const { name } = host.metadata;
  const check = `host ${name}`;
  const found = freshnessOf(
    leases.find(({ metadata }) => metadata.name === name),
    now,
  );
  const look = `Look at the host and its agent; in its dom0: stubdom doctor --host.`;
  if (found.kind === 'missing') return fail(check, `Its agent has no Lease ${leaseNamespace}/${name}.`, look);
  if (found.kind === 'released') return fail(check, 'Its agent was stopped.', look);
  if (found.kind === 'stale') return fail(check, `Its agent renewed its Lease ${found.age}.`, look);
  const ready = findCondition(host.status?.conditions, 'Ready');
  if (ready === undefined) return warn(check, 'Its agent has reported nothing yet.', look);
  if (ready.status !== 'True') return fail(check, `${ready.reason}: ${printable(ready.message)}`);
  const { versions, guestCount = 0, stubDomainCount = 0, pciSummary = '' } = host.status ?? {};
  const unschedulable =
    host.spec.unschedulable === true ? ' It takes no further stub domains (spec.unschedulable).' : '';
  const counts = `${String(guestCount)} guests, ${String(stubDomainCount)} stub domains, PCI ${printable(pciSummary, 20)}`;
  return ok(check, `Ready; Xen ${printable(versions?.xen ?? 'unknown', 40)}, ${counts}.${unschedulable}`);
}

/** Each host, by its Lease and its condition Ready. Of more than 20 that are well only the number is shown. */
export function checkHosts({ hosts, leases }: ClusterObjects, now: number): Check[] {
  if (hosts.length === 0) {
    return [
      warn('hosts', 'There is no XenHost.', 'Start an agent in the dom0 of each Xen host: stubdom agent --help.'),
    ];
  }
  const checks = hosts.map((host) => checkHost(host, leases, now));
  const well = checks.filter(({ verdict }) => verdict === 'ok');
  if (well.length <= 20) return checks;
  return [ok('hosts', `${String(well.length)} are Ready.`), ...checks.filter(({ verdict }) => verdict !== 'ok')];
}
