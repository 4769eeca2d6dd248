import { assignability } from '../../domain/host-status.ts';
import { hostUseMessage, hostUseOf } from '../../domain/pci/host-critical.ts';
import { groupSharedMessage, isFreeOfHost, siblingsOf } from '../../domain/pci/iommu-group.ts';
import type { PciDevice } from '../../hypervisor/hypervisor.ts';
import { createHostPci } from '../../hypervisor/sysfs/host-pci.ts';
import type { HostInventory } from '../../hypervisor/sysfs/inventory.ts';
import { openSysfs } from '../../hypervisor/sysfs/sysfs.ts';
import { systemClock } from '../../runtime/ports.ts';
import type { CommandContext } from '../context.ts';
import { CliError, usageError } from '../failure.ts';
import { formatTable } from '../table.ts';
import type { HostDevicesOptions } from './host-devices.ts';

const header = ['ADDRESS', 'ID', 'CLASS', 'DRIVER', 'GROUP', 'NUMA', 'OFFERED', 'USED BY THE HOST'];

interface Offer {
  readonly word: 'yes' | 'with Seize' | 'with group' | 'no';
  /** Why not, or what else has to come along. */
  readonly message?: string;
}

/** What a PciAttachment for the device would be told, on a host whose XenHost allows everything. */
function offerOf(device: PciDevice, devices: readonly PciDevice[]): Offer {
  const verdict = assignability(device, undefined);
  if (verdict === 'InUseByHost') return { word: 'no', message: hostUseMessage(device) };
  const siblings = siblingsOf(device, devices).filter((other) => !isFreeOfHost(other));
  const needed = siblings.find((other) => hostUseOf(other) !== undefined);
  const [sibling] = siblings;
  if (needed !== undefined) return { word: 'no', message: groupSharedMessage(device, needed, { by: 'host' }) };
  if (sibling !== undefined) {
    return { word: 'with group', message: groupSharedMessage(device, sibling, { by: 'host' }) };
  }
  return { word: verdict === 'Assignable' ? 'yes' : 'with Seize' };
}

function rowOf(device: PciDevice, { devices, uses }: HostInventory): string[] {
  const { address, vendorID, deviceID, classID, driver = '', iommuGroup, numaNode } = device;
  return [
    address,
    `${vendorID}:${deviceID}`,
    classID,
    driver,
    iommuGroup === undefined ? '' : String(iommuGroup),
    numaNode === undefined ? '' : String(numaNode),
    offerOf(device, devices).word,
    (uses.get(address) ?? []).join(', '),
  ];
}

function asJson({ devices, uses, skipped, doubts }: HostInventory): string {
  const items = devices.map((device) => {
    const { word, message } = offerOf(device, devices);
    const all = uses.get(device.address) ?? [];
    return { ...device, offered: word, uses: all, ...(message === undefined ? {} : { message }) };
  });
  return JSON.stringify({ devices: items, skipped, doubts }, null, 2);
}

/** `host-devices`: what the agent of this host would report, but for what people decide in the XenHost. */
export async function listHostDevices({ terminal }: CommandContext, options: HostDevicesOptions): Promise<void> {
  const { root, output } = options;
  if (output !== 'table' && output !== 'json') throw usageError('--output is table or json.');
  const sysfs = openSysfs(root);
  if ((await sysfs.list('sys/bus/pci/devices')) === undefined) {
    throw new CliError(
      `${root} has no sys/bus/pci/devices. Give the folder that holds the host's sys and proc (--root).`,
    );
  }
  const inventory = await createHostPci(sysfs, systemClock).inventory();
  if (output === 'json') {
    terminal.out(asJson(inventory));
    return;
  }
  const rows = inventory.devices.map((device) => rowOf(device, inventory));
  for (const line of formatTable(header, rows)) terminal.out(line);
  for (const { name, why } of inventory.skipped) terminal.err(`${name} is not listed: ${why}.`);
  for (const { about, why } of inventory.doubts) {
    terminal.err(`Some ${about} count as in use, because it is not known which are: ${why}.`);
  }
}
