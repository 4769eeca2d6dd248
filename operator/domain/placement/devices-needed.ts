import { findCondition } from '../../api/conditions.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { askedBefore, attachmentName, stubDomainOf } from '../pci/asked-before.ts';
import { type ClaimsView, type Holder, claimDevice } from '../pci/claim.ts';

/** Whether a host has free devices for all attachments of a stub domain, and on how many NUMA nodes they are. */
export type DevicesFit =
  | { readonly fits: true; readonly numaNodes: number }
  /** `message`: what the first attachment that gets none is told. */
  | { readonly fits: false; readonly message: string };

/** Tries to claim a device of the host for each attachment, as it would be done if the stub domain were placed there. */
export function devicesNeeded(attachments: readonly PciAttachment[], host: XenHost, view: ClaimsView): DevicesFit {
  if (attachments.length === 0) return { fits: true, numaNodes: 0 };
  const passthrough = findCondition(host.status?.conditions, 'PassthroughReady');
  if (passthrough?.status === 'False') {
    return { fits: false, message: `${host.metadata.name}: ${passthrough.message}` };
  }
  const taken = new Map<string, Holder>();
  const trial: ClaimsView = {
    holderOf: (address) => taken.get(address) ?? view.holderOf(address),
    askersOf: (address) => [
      ...view.askersOf(address),
      ...attachments.filter(({ spec }) => spec.device.address === address),
    ],
    guestOf: (attachment) => view.guestOf(attachment),
  };
  const nodes = new Set<number>();
  // Who names an address has no choice, so that those who do choose come after.
  const isChoosy = ({ spec }: PciAttachment): number => (spec.device.address === undefined ? 1 : 0);
  const order = [...attachments].sort((a, b) => isChoosy(a) - isChoosy(b) || (askedBefore(a, b) ? -1 : 1));
  for (const attachment of order) {
    const claim = claimDevice(attachment, host, trial);
    if (claim.address === undefined) return { fits: false, message: claim.message };
    const { uid } = attachment.metadata;
    taken.set(claim.address, { uid, name: attachmentName(attachment), stubDomain: stubDomainOf(attachment) });
    const device = host.status?.pciDevices?.find(({ address }) => address === claim.address);
    if (device?.numaNode !== undefined) nodes.add(device.numaNode);
  }
  return { fits: true, numaNodes: nodes.size };
}
