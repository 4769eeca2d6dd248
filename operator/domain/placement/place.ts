import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import type { Reason } from '../../api/reasons.ts';
import { chooseHost } from './choose-host.ts';
import { closedFor } from './closed.ts';
import type { DevicesFit } from './devices-needed.ts';
import { isSaidDead } from './fence.ts';
import { hasLabels, selectorText } from './labels.ts';

export type Placement =
  { readonly host: string } | { readonly host: undefined; readonly reason: Reason; readonly message: string };

/** What is known of the hosts. */
export interface PlacementView {
  host(name: string): XenHost | undefined;
  /** All of them. */
  hosts(): readonly XenHost[];
  /** Those that report a guest with this uuid. */
  reporting(uuid: string): readonly XenHost[];
  /** Whether the host's Lease has not run out. */
  isReachable(host: string): boolean;
  /** What is bound to the host, whether it runs already or not. */
  load(host: string): {
    readonly stubDomains: number;
    /** Memory, in MiB, that is bound there and that the host still reports as free. */
    readonly promisedMiB: number;
  };
  /** Whether the host has the devices that the stub domain's attachments ask for. */
  devicesOn(host: XenHost): DevicesFit;
}

const refuse = (reason: Reason, message: string): Placement => ({ host: undefined, reason, message });

function named(hosts: readonly XenHost[]): string {
  return hosts
    .map(({ metadata }) => metadata.name)
    .sort()
    .join(', ');
}

/** Of hosts that are given by the guest or by the spec: the one, unless something that people decided speaks against it. */
function amongGiven(
  { nodeName, nodeSelector }: StubDomainSpec,
  given: readonly XenHost[],
  view: PlacementView,
): Placement {
  const origin = nodeName === undefined ? 'The guest is on' : 'spec.nodeName names';
  const matching = given.filter((host) => hasLabels(host, nodeSelector));
  if (matching.length === 0) {
    return refuse(
      'NoMatchingHost',
      `${origin} ${named(given)}, which has not the labels ${selectorText(nodeSelector)}.`,
    );
  }
  const open = matching.filter((host) => closedFor(host, view.isReachable(host.metadata.name)) === undefined);
  const [first, second] = open;
  if (first === undefined) {
    const closed = matching
      .map((host) => closedFor(host, view.isReachable(host.metadata.name)))
      .find((one) => one !== undefined);
    const next = closed?.reason === 'HostUnreachable' ? ' It is placed when the agent is back.' : '';
    return refuse(
      closed?.reason ?? 'HostUnschedulable',
      `${origin} ${named(matching)}, ${closed?.clause ?? 'which is closed'}.${next}`,
    );
  }
  if (second !== undefined) {
    const message = `${named(open)} report the guest: it moves between them, or runs twice. It is placed when one of them alone does.`;
    return refuse('GuestOnSeveralHosts', message);
  }
  return { host: first.metadata.name };
}

/**
 * The host for a stub domain. It has to be where its guest is, so that there is little to choose: spec.nodeName decides,
 * else the host that reports the guest does. Neither memory nor devices count then: there is no other host, and a guest
 * without a card is better than one without a device model. Only for a guest that is nowhere yet is a host chosen, if
 * spec.placement says so.
 */
export function place(spec: StubDomainSpec, view: PlacementView): Placement {
  const { nodeName, placement, target } = spec;
  if (nodeName !== undefined) {
    const host = view.host(nodeName);
    if (host !== undefined) return amongGiven(spec, [host], view);
    const message = `spec.nodeName names ${nodeName}, which is not registered. The agent of a host registers it: kubectl get xenhosts lists them.`;
    return refuse('NoSuchHost', message);
  }
  // What a dead host said last is no place to go.
  const reporting = view.reporting(target.uuid).filter((host) => !isSaidDead(host));
  if (reporting.length > 0) return amongGiven(spec, reporting, view);
  if (placement === 'ChooseHost') return chooseHost(spec, view);
  return refuse(
    'TargetNotFound',
    `No host reports a guest with uuid ${target.uuid}. It is placed as soon as one does.`,
  );
}
