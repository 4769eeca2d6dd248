import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import type { Reason } from '../../api/reasons.ts';

export type Placement =
  { readonly host: string } | { readonly host: undefined; readonly reason: Reason; readonly message: string };

const refuse = (reason: Reason, message: string): Placement => ({ host: undefined, reason, message });

function hasLabels(host: XenHost, selector: StubDomainSpec['nodeSelector']): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => host.metadata.labels?.[key] === value);
}

function selectorText(selector: StubDomainSpec['nodeSelector']): string {
  return Object.entries(selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}

/**
 * The host for a stub domain. It has to be where its guest is, so that there is little to choose: spec.nodeName decides,
 * else the host that reports the guest does.
 */
export function place(spec: StubDomainSpec, hosts: readonly XenHost[]): Placement {
  const { nodeName, nodeSelector, target } = spec;
  const named = nodeName === undefined ? undefined : hosts.find(({ metadata }) => metadata.name === nodeName);
  if (nodeName !== undefined && named === undefined) {
    const message = `spec.nodeName names ${nodeName}, which is not registered. The agent of a host registers it: kubectl get xenhosts lists them.`;
    return refuse('NoSuchHost', message);
  }
  const candidates =
    named !== undefined
      ? [named]
      : hosts.filter(({ status }) => status?.guests?.some(({ uuid }) => uuid === target.uuid) === true);
  if (candidates.length === 0) {
    return refuse(
      'TargetNotFound',
      `No host reports a guest with uuid ${target.uuid}. It is placed as soon as one does.`,
    );
  }
  const matching = candidates.filter((host) => hasLabels(host, nodeSelector));
  if (matching.length === 0) {
    const where = candidates
      .map(({ metadata }) => metadata.name)
      .sort()
      .join(', ');
    return refuse(
      'NoMatchingHost',
      `The guest is on ${where}, which has not the labels ${selectorText(nodeSelector)}.`,
    );
  }
  const open = matching.filter(({ spec: hostSpec }) => hostSpec.unschedulable !== true);
  const [first] = open.map(({ metadata }) => metadata.name).sort();
  if (first === undefined) {
    const where = matching
      .map(({ metadata }) => metadata.name)
      .sort()
      .join(', ');
    return refuse(
      'HostUnschedulable',
      `The guest is on ${where}, which takes no further stub domains (spec.unschedulable).`,
    );
  }
  return { host: first };
}
