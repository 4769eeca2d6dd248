import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { XenHost, XenHostStatus } from '../../api/generated/xen-host.ts';
import type { Reason } from '../../api/reasons.ts';
import { askedBefore, attachmentName, stubDomainOf } from './asked-before.ts';
import type { DeviceIdentity } from './device-identity.ts';
import { hostUseMessage } from './host-critical.ts';
import { policyMessage } from './host-policy.ts';
import { type GroupUser, groupSharedMessage, isFreeOfHost, siblingsOf } from './iommu-group.ts';
import { matchesSelector, nearestByFields } from './selector.ts';

type Device = NonNullable<XenHostStatus['pciDevices']>[number];

/** The attachment that has a device. */
export interface Holder {
  readonly uid: string;
  /** `namespace/name`. */
  readonly name: string;
  /** `namespace/name` of its StubDomain. */
  readonly stubDomain: string;
}

/** What is known of one host's claims. */
export interface ClaimsView {
  holderOf(address: string): Holder | undefined;
  /** Attachments on this host that ask for this address, and have no device and are not being deleted. */
  askersOf(address: string): readonly PciAttachment[];
  /** UUID of the guest that an attachment is for, if its StubDomain exists. */
  guestOf(attachment: PciAttachment): string | undefined;
}

interface Refusal {
  readonly address: undefined;
  readonly reason: Reason;
  readonly message: string;
}

export type Claim = { readonly address: string; readonly device: DeviceIdentity } | Refusal;

const refuse = (reason: Reason, message: string): Refusal => ({ address: undefined, reason, message });

const claimOf = ({ address, vendorID, deviceID }: Device): Claim => ({ address, device: { vendorID, deviceID } });

/** Why the host does not give the device away, if it does not. */
function policyRefusal(device: Device, attachment: PciAttachment, { host, spec }: HostClaims): Refusal | undefined {
  const { address } = device;
  if (device.assignable === 'InUseByHost') return refuse('DeviceDenied', hostUseMessage(device));
  // The policy counts from when it is written, not from when the agent has seen it.
  const denied = policyMessage(address, spec.pci, host);
  if (denied !== undefined) return refuse('DeviceDenied', denied);
  switch (device.assignable) {
    case 'Denied':
      return refuse(
        'DeviceDenied',
        `The agent of ${host} still takes ${address} for denied by spec.pci, which was changed. It is claimed as soon as the agent has read that.`,
      );
    case 'Seizable':
      if (attachment.spec.driverPolicy === 'Seize') return undefined;
      return refuse(
        'DeviceNotAssignable',
        `${address} on ${host} ${device.driver === undefined ? 'has no driver' : `is bound to driver ${device.driver} of dom0`}. Make it assignable (xl pci-assignable-add ${address}), or set spec.driverPolicy to Seize.`,
      );
    default:
      return undefined;
  }
}

/** One pass over the devices of one host. */
class HostClaims {
  readonly host: string;
  readonly spec: XenHost['spec'];
  readonly devices: readonly Device[];
  readonly #view: ClaimsView;

  constructor(host: XenHost, view: ClaimsView) {
    this.host = host.metadata.name;
    this.spec = host.spec;
    this.devices = host.status?.pciDevices ?? [];
    this.#view = view;
  }

  /** Why the attachment cannot have the device now, by itself and by who asked earlier. */
  refusal(device: Device, attachment: PciAttachment): Refusal | undefined {
    const holder = this.#otherHolder(device.address, attachment) ?? this.#earlier(device, attachment);
    if (holder !== undefined) {
      return refuse(
        'DeviceClaimed',
        `PciAttachment ${holder} has ${device.address} on ${this.host}. It is claimed here as soon as it is free.`,
      );
    }
    return policyRefusal(device, attachment, this) ?? this.#groupRefusal(device, attachment, true);
  }

  isTaken({ address, owner }: Device, attachment: PciAttachment): boolean {
    return owner !== undefined || this.#otherHolder(address, attachment) !== undefined;
  }

  #otherHolder(address: string, attachment: PciAttachment): string | undefined {
    const holder = this.#view.holderOf(address);
    return holder === undefined || holder.uid === attachment.metadata.uid ? undefined : holder.name;
  }

  /** Whoever asked earlier goes first, if they could have the device as things are claimed now. */
  #earlier(device: Device, attachment: PciAttachment, otherGuest = false): string | undefined {
    const earlier = this.#view.askersOf(device.address).find((other) => {
      if (other.metadata.uid === attachment.metadata.uid || !askedBefore(other, attachment)) return false;
      if (otherGuest && stubDomainOf(other) === stubDomainOf(attachment)) return false;
      const holder = this.#otherHolder(device.address, other) ?? policyRefusal(device, other, this);
      return (holder ?? this.#groupRefusal(device, other, false)) === undefined;
    });
    return earlier === undefined ? undefined : attachmentName(earlier);
  }

  #groupRefusal(device: Device, attachment: PciAttachment, minds: boolean): Refusal | undefined {
    for (const sibling of siblingsOf(device, this.devices)) {
      const user = this.#userOf(sibling, attachment, minds);
      if (user !== undefined) return refuse('IommuGroupShared', groupSharedMessage(device, sibling, user));
    }
    return undefined;
  }

  /** Who uses the device against the interest of the attachment's guest. `minds`: those who asked earlier count too. */
  #userOf(sibling: Device, attachment: PciAttachment, minds: boolean): GroupUser | undefined {
    const { address, owner } = sibling;
    const holder = this.#view.holderOf(address);
    const ours = stubDomainOf(attachment);
    if (holder !== undefined) return holder.stubDomain === ours ? undefined : { by: 'attachment', name: holder.name };
    if (owner !== undefined && owner !== this.#view.guestOf(attachment)) return { by: 'guest', uuid: owner };
    const earlier = minds ? this.#earlier(sibling, attachment, true) : undefined;
    if (earlier !== undefined) return { by: 'attachment', name: earlier };
    if (isFreeOfHost(sibling)) return undefined;
    // The attachments of one guest come together: neither has to be first.
    const together = this.#view
      .askersOf(address)
      .some((other) => stubDomainOf(other) === ours && policyRefusal(sibling, other, this) === undefined);
    return together ? undefined : { by: 'host' };
  }
}

/** The nearer, the less somebody would have to change. */
const nearness: readonly Reason[] = ['DeviceNotAssignable', 'IommuGroupShared', 'DeviceClaimed', 'DeviceDenied'];

function claimBySelector(attachment: PciAttachment, claims: HostClaims): Claim {
  const { devices, host } = claims;
  const selector = attachment.spec.device.selector ?? {};
  const alike = devices.filter((device) => matchesSelector(device, selector));
  if (alike.length === 0) {
    const nearest = nearestByFields(devices, selector);
    const message = `${host} has no PCI device that matches spec.device.selector.`;
    return refuse('NoMatchingDevice', nearest === undefined ? message : `${message} ${nearest}`);
  }
  const free = alike.filter((device) => !claims.isTaken(device, attachment));
  const refusals: Refusal[] = [];
  for (const device of free) {
    const refusal = claims.refusal(device, attachment);
    if (refusal === undefined) return claimOf(device);
    refusals.push(refusal);
  }
  const [nearest] = refusals.sort((a, b) => nearness.indexOf(a.reason) - nearness.indexOf(b.reason));
  if (nearest === undefined) {
    return refuse(
      'NoMatchingDevice',
      `All ${alike.length} devices of ${host} that match spec.device.selector are taken.`,
    );
  }
  return refuse(
    'NoMatchingDevice',
    `${host} has PCI devices that match spec.device.selector (${alike.length}, of which ${free.length} free), but none can be given away. The nearest: ${nearest.message}`,
  );
}

/**
 * The device that an attachment gets on a host. A selector takes the first free one in the order of addresses. Whoever
 * asked for an address earlier goes first. What shares an IOMMU group with something that the host or another guest uses
 * is not given away.
 */
export function claimDevice(attachment: PciAttachment, host: XenHost, view: ClaimsView): Claim {
  const claims = new HostClaims(host, view);
  const { address } = attachment.spec.device;
  if (address === undefined) return claimBySelector(attachment, claims);
  const device = claims.devices.find((candidate) => candidate.address === address);
  if (device === undefined) {
    return refuse(
      'DeviceNotFound',
      `${claims.host} has no PCI device ${address}. kubectl get xenhost ${claims.host} -o yaml lists those it has.`,
    );
  }
  return claims.refusal(device, attachment) ?? claimOf(device);
}
