import { type ConditionDecision, decide } from '../api/conditions.ts';
import type { XenHostSpec, XenHostStatus } from '../api/generated/xen-host.ts';
import type { Reason, XenHostConditionType } from '../api/reasons.ts';
import { hostUseOf } from './pci/host-critical.ts';

type Device = NonNullable<XenHostStatus['pciDevices']>[number];
type Guest = NonNullable<XenHostStatus['guests']>[number];
type Facts = Omit<XenHostStatus, 'conditions' | 'observedGeneration'>;

/** What the agent knows of its host. */
export interface HostView {
  readonly info:
    | {
        readonly driver: NonNullable<XenHostStatus['toolstackDriver']>;
        readonly xenVersion: string;
        readonly kernelVersion: string;
        readonly xenstoreVersion: string;
        readonly bootID: string;
        readonly totalMiB: number;
        readonly freeMiB: number;
        /** Whether PCI devices can be given to guests; absent where nothing is known against it. */
        readonly passthrough?:
          { readonly ok: true } | { readonly ok: false; readonly reason: Reason; readonly message: string };
      }
    | undefined;
  readonly agentVersion: string;
  readonly xenstoreConnected: boolean;
  /** Domids of domains that run and of which XenStore has no node. */
  readonly unknownDomids?: readonly number[];
  readonly hypervisorError: string | undefined;
  readonly domains: readonly {
    readonly domid: number;
    readonly uuid: string;
    readonly name: string;
    readonly type: string;
  }[];
  readonly devices: readonly Omit<Device, 'assignable' | 'owner'>[];
  /** Domid that has a device, by address. */
  readonly claims: ReadonlyMap<string, number>;
  readonly spec: XenHostSpec | undefined;
}

const maxGuests = 4096;
const maxDevices = 1024;

/** Whether a device can be given away, and if not, why. What the host itself needs no policy can give away. */
export function assignability(
  device: {
    readonly address: string;
    readonly classID: string;
    readonly driver?: string | undefined;
    readonly hostUse?: string | undefined;
  },
  pci: XenHostSpec['pci'],
): NonNullable<Device['assignable']> {
  const { address } = device;
  if (hostUseOf(device) !== undefined) return 'InUseByHost';
  if (pci?.deny?.includes(address) === true) return 'Denied';
  if (pci?.allow !== undefined && !pci.allow.includes(address)) return 'Denied';
  return device.driver === 'pciback' ? 'Assignable' : 'Seizable';
}

function devicesOf(view: HostView): Device[] {
  const uuids = new Map(view.domains.map(({ domid, uuid }) => [domid, uuid]));
  return [...view.devices]
    .sort((a, b) => (a.address < b.address ? -1 : 1))
    .slice(0, maxDevices)
    .map(({ hostUse, ...device }) => {
      const holder = view.claims.get(device.address);
      const owner = holder === undefined ? undefined : uuids.get(holder);
      const use = hostUseOf({ ...device, hostUse });
      return {
        ...device,
        ...(use === undefined ? {} : { hostUse: use }),
        assignable: assignability({ ...device, hostUse }, view.spec?.pci),
        ...(owner === undefined ? {} : { owner }),
      };
    });
}

function guestsOf(view: HostView): Guest[] {
  const byName = new Map(view.domains.map((domain) => [domain.name, domain]));
  return view.domains
    .filter(({ type, domid }) => type === 'HVM' && domid !== 0)
    .sort((a, b) => (a.uuid < b.uuid ? -1 : 1))
    .slice(0, maxGuests)
    .map(({ uuid, name, domid }) => {
      const stub = byName.get(`${name}-dm`);
      return { uuid, name: name.slice(0, 64), domid, ...(stub === undefined ? {} : { stubDomain: stub.domid }) };
    });
}

/** What the agent reports of its host besides the conditions. */
export function hostFacts(view: HostView): Facts {
  const guests = guestsOf(view);
  const pciDevices = devicesOf(view);
  const used = pciDevices.filter(({ owner }) => owner !== undefined).length;
  const free = pciDevices.filter(({ assignable, owner }) => assignable === 'Assignable' && owner === undefined).length;
  const { info } = view;
  return {
    ...(info === undefined
      ? {}
      : {
          versions: {
            xen: info.xenVersion,
            kernel: info.kernelVersion,
            agent: view.agentVersion,
            xenstore: info.xenstoreVersion,
          },
          bootID: info.bootID,
          toolstackDriver: info.driver,
          memory: { totalMiB: info.totalMiB, freeMiB: info.freeMiB },
        }),
    guestCount: guests.length,
    stubDomainCount: guests.filter(({ stubDomain }) => stubDomain !== undefined).length,
    pciSummary: `${free} free, ${used} used`,
    pciDevices,
    guests,
  };
}

const maxNamed = 8;

/** Whether XenStore knows the domains that run here. */
function knownDomains({ xenstoreConnected, unknownDomids = [] }: HostView): ConditionDecision<XenHostConditionType> {
  if (!xenstoreConnected || unknownDomids.length === 0) return decide('Ready', 'True', 'AsDesired', '');
  const sorted = [...unknownDomids].sort((a, b) => a - b);
  const more = sorted.length > maxNamed ? ` and ${sorted.length - maxNamed} more` : '';
  const message = `XenStore has nothing about domains that run here (${sorted.slice(0, maxNamed).join(', ')}${more}): its daemon was restarted empty. They are left as they are, and no PCI device is given to others. Restart these guests, or the host.`;
  return decide('Ready', 'False', 'XenStoreEmpty', message);
}

/** Whether guests can have PCI devices. A host where none can is Ready all the same: stub domains run without. */
function passthroughReady({ info, hypervisorError }: HostView): ConditionDecision<XenHostConditionType> {
  if (info === undefined) {
    return decide(
      'PassthroughReady',
      'Unknown',
      'HypervisorFailed',
      hypervisorError ?? 'The hypervisor said nothing yet.',
    );
  }
  const { passthrough } = info;
  return passthrough?.ok === false
    ? decide('PassthroughReady', 'False', passthrough.reason, passthrough.message)
    : decide('PassthroughReady', 'True', 'PassthroughReady', 'PCI devices can be given to guests.');
}

/** The conditions of a host. */
export function hostConditions(view: HostView): ConditionDecision<XenHostConditionType>[] {
  const store = view.xenstoreConnected
    ? decide('XenStoreConnected', 'True', 'XenStoreConnected', 'The link to XenStore is up.')
    : decide(
        'XenStoreConnected',
        'False',
        'XenStoreDisconnected',
        'The agent has no link to XenStore; it tries again.',
      );
  const hypervisor =
    view.hypervisorError === undefined
      ? decide('HypervisorReady', 'True', 'HypervisorReady', 'The hypervisor driver answers.')
      : decide('HypervisorReady', 'False', 'HypervisorFailed', view.hypervisorError);
  const bad = [store, knownDomains(view), hypervisor].find(({ status }) => status !== 'True');
  const ready =
    bad === undefined
      ? decide('Ready', 'True', 'AsDesired', 'The agent can see and drive the host.')
      : decide('Ready', 'False', bad.reason, bad.message);
  return [ready, store, hypervisor, passthroughReady(view)];
}
