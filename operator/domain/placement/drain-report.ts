import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { XenHost, XenHostStatus } from '../../api/generated/xen-host.ts';

export type DrainReport = NonNullable<XenHostStatus['drain']>;
type Remaining = NonNullable<DrainReport['stubDomains']>[number];

const maxReported = 256;
const maxDevices = 32;

/** What is bound to a host. */
export interface Bound {
  readonly stubDomain: StubDomain;
  readonly attachments: readonly PciAttachment[];
}

function actionFor({ metadata }: StubDomain, runsHere: boolean, devices: readonly string[]): Remaining['action'] {
  if (metadata.deletionTimestamp !== undefined) return 'WaitForDeletion';
  if (!runsHere) return 'DeleteStubDomain';
  return devices.length > 0 ? 'ShutDownGuest' : 'MoveGuest';
}

/** What keeps a host from being empty, and what has to be done about each. */
export function drainReport(host: XenHost, bound: readonly Bound[]): DrainReport {
  const guests = new Map(host.status?.guests?.map((guest) => [guest.uuid, guest]));
  const items = bound.map(({ stubDomain, attachments }): Remaining => {
    const { namespace = 'default', name } = stubDomain.metadata;
    const { uuid } = stubDomain.spec.target;
    const guest = guests.get(uuid);
    const pinned = attachments.flatMap(({ status }) => status?.address ?? []);
    const pciDevices = [...new Set(pinned)].sort().slice(0, maxDevices);
    const action = actionFor(stubDomain, guest !== undefined, pciDevices);
    return {
      namespace,
      name,
      guest: uuid,
      ...(guest?.name === undefined ? {} : { guestName: guest.name }),
      ...(pciDevices.length === 0 ? {} : { pciDevices }),
      action,
    };
  });
  const key = ({ namespace, name }: Remaining): string => `${namespace}/${name}`;
  items.sort((a, b) => (key(a) < key(b) ? -1 : 1));
  return { remaining: items.length, stubDomains: items.slice(0, maxReported) };
}

const todo: Readonly<Record<Remaining['action'], string>> = {
  ShutDownGuest: 'has PCI devices: detach them and move the guest, or shut it down',
  MoveGuest: 'move the guest or shut it down',
  DeleteStubDomain: 'its guest is not here: delete it',
  WaitForDeletion: 'is being deleted',
};

const maxNamed = 5;

/** The report in a sentence or two. */
export function drainMessage({ remaining, stubDomains = [] }: DrainReport): string {
  const named = stubDomains
    .slice(0, maxNamed)
    .map(({ namespace, name, action }) => `${namespace}/${name} (${todo[action]})`);
  const more = remaining > maxNamed ? [`and ${remaining - maxNamed} more, see status.drain`] : [];
  const count = remaining === 1 ? '1 StubDomain is' : `${remaining} StubDomains are`;
  return `${count} bound to the host: ${[...named, ...more].join(', ')}. Then delete the StubDomain. The operator moves no guests.`;
}
