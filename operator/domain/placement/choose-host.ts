import { findCondition } from '../../api/conditions.ts';
import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { hostMemoryMiB } from '../stub-domain/memory.ts';
import { closedFor } from './closed.ts';
import { hasLabels, selectorText } from './labels.ts';
import type { Placement, PlacementView } from './place.ts';

/** Why a host is out, in the order in which that is looked at. */
const causes = ['closed', 'notReady', 'labels', 'memory', 'devices'] as const;
type Cause = (typeof causes)[number];

interface Fit {
  readonly name: string;
  readonly numaNodes: number;
  readonly stubDomains: number;
  readonly freeMiB: number;
}

/** The best first: devices that are near each other, then the host with the fewest stub domains, then the most memory. */
function byFit(a: Fit, b: Fit): number {
  return (
    Math.max(a.numaNodes, 1) - Math.max(b.numaNodes, 1) ||
    a.stubDomains - b.stubDomains ||
    b.freeMiB - a.freeMiB ||
    (a.name < b.name ? -1 : 1)
  );
}

function look(host: XenHost, spec: StubDomainSpec, view: PlacementView): Fit | { cause: Cause; detail: string } {
  const { name } = host.metadata;
  if (closedFor(host, view.isReachable(name)) !== undefined) return { cause: 'closed', detail: '' };
  if (findCondition(host.status?.conditions, 'Ready')?.status !== 'True') return { cause: 'notReady', detail: '' };
  if (!hasLabels(host, spec.nodeSelector)) return { cause: 'labels', detail: '' };
  const { stubDomains, promisedMiB } = view.load(name);
  const freeMiB = (host.status?.memory?.freeMiB ?? 0) - promisedMiB;
  if (freeMiB < hostMemoryMiB(spec)) return { cause: 'memory', detail: '' };
  const devices = view.devicesOn(host);
  if (!devices.fits) return { cause: 'devices', detail: devices.message };
  return { name, numaNodes: devices.numaNodes, stubDomains, freeMiB };
}

/** Chooses among all hosts for a guest that runs nowhere yet. */
export function chooseHost(spec: StubDomainSpec, view: PlacementView): Placement {
  const fits: Fit[] = [];
  const out = new Map<Cause, number>();
  let detail = '';
  for (const host of [...view.hosts()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))) {
    const found = look(host, spec, view);
    if ('name' in found) fits.push(found);
    else {
      out.set(found.cause, (out.get(found.cause) ?? 0) + 1);
      if (detail === '') ({ detail } = found);
    }
  }
  const [best] = fits.sort(byFit);
  if (best !== undefined) return { host: best.name };
  const words: Readonly<Record<Cause, string>> = {
    closed: 'closed to further stub domains or out of reach',
    notReady: 'not Ready',
    labels: `without the labels ${selectorText(spec.nodeSelector)}`,
    memory: `with less than ${hostMemoryMiB(spec)} MiB free`,
    devices: 'without the PCI devices',
  };
  const counts = causes.flatMap((cause) => {
    const count = out.get(cause);
    return count === undefined ? [] : [`${count} ${words[cause]}`];
  });
  const why = counts.length === 0 ? 'no host is registered' : counts.join(', ');
  const message = `No host reports the guest, and none fits it: ${why}.${detail === '' ? '' : ` ${detail}`}`;
  return { host: undefined, reason: 'NoMatchingHost', message };
}
