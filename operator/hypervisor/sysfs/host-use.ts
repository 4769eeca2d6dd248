import { addressesOn } from './address.ts';
import { diskUses } from './disk-use.ts';
import type { Doubt, HostFacts, PciFacts } from './facts.ts';
import { nicUses } from './nic-use.ts';
import { rank, unknownUse, type Use } from './use.ts';

const pciback = 'pciback';
/** Drivers that hand the device to a program of dom0: nothing tells whether one uses it. */
const userSpace: ReadonlySet<string> = new Set(['vfio-pci', 'uio_pci_generic', 'igb_uio']);

/** Parts of the machine itself that no driver's work shows, by the beginning of their class. */
const chipset: readonly (readonly [string, string])[] = [
  ['05', 'memory controller'],
  ['0806', 'IOMMU'],
  ['08', 'system peripheral'],
  ['0b', 'processor'],
  ['0c05', 'SMBus'],
  ['0c80', 'firmware flash'],
  ['1101', 'performance counters'],
];

const isStorage = ({ classID }: PciFacts): boolean => classID.startsWith('01') || classID.startsWith('0c03');
const isNetwork = ({ classID }: PciFacts): boolean => classID.startsWith('02');
/** Graphics and serial ports. */
const isConsole = ({ classID }: PciFacts): boolean => classID.startsWith('03') || classID.startsWith('07');
/** Whether dom0 drives it at all. What a person bound to pciback, they gave up; what has no driver, nothing uses. */
const isDriven = ({ driver, unreadable }: PciFacts): boolean =>
  unreadable.includes('driver') || (driver !== undefined && driver !== pciback);

function ownUses(device: PciFacts): Use[] {
  const uses: Use[] = device.unreadable.map((what) => unknownUse(`${what} cannot be read`));
  if (device.classID.startsWith('06')) uses.push({ rank: rank.root, words: 'bridge' });
  if (device.driver === pciback) return uses;
  const part = chipset.find(([beginning]) => device.classID.startsWith(beginning));
  if (part !== undefined) uses.push({ rank: rank.chipset, words: part[1] });
  if (device.bootGraphics) uses.push({ rank: rank.graphics, words: 'boot graphics' });
  if (device.hasVirtualFunctions) uses.push({ rank: rank.functions, words: 'virtual functions' });
  if (device.driver !== undefined && userSpace.has(device.driver)) {
    uses.push({ rank: rank.userSpace, words: 'user-space driver' });
  }
  return uses;
}

function first(doubts: readonly Doubt[], about: Doubt['about']): Doubt | undefined {
  return doubts.find((doubt) => doubt.about === about);
}

/**
 * What dom0 needs each PCI device for, the most telling use first. Devices that it can do without are not in the map. Where
 * the facts are not enough to tell, the device counts as needed, and its use says what is not known.
 */
export function hostUses(facts: HostFacts): ReadonlyMap<string, readonly Use[]> {
  const uses = new Map<string, Use[]>();
  const add = (address: string, use: Use): void => {
    const known = uses.get(address);
    if (known === undefined) uses.set(address, [use]);
    else if (!known.some(({ words }) => words === use.words)) known.push(use);
  };
  const disks = diskUses(facts);
  const nics = nicUses(facts);
  for (const { address, use } of [...disks.uses, ...nics.uses]) add(address, use);
  for (const { words, path } of facts.consoles) {
    for (const address of addressesOn(path)) add(address, { rank: rank.console, words });
  }
  const diskDoubt = first([...facts.doubts, ...disks.doubts], 'disks');
  const nicDoubt = first(facts.doubts, 'nics');
  const consoleDoubt = first(facts.doubts, 'consoles');
  for (const device of facts.devices) {
    const { address } = device;
    for (const use of ownUses(device)) add(address, use);
    if (diskDoubt !== undefined && (disks.carriers.has(address) || (isStorage(device) && isDriven(device)))) {
      add(address, unknownUse(diskDoubt.why));
    }
    if (nicDoubt !== undefined && (nics.carriers.has(address) || (isNetwork(device) && isDriven(device)))) {
      add(address, unknownUse(nicDoubt.why));
    }
    if (consoleDoubt !== undefined && isConsole(device) && isDriven(device)) add(address, unknownUse(consoleDoubt.why));
    if (nicDoubt === undefined && isNetwork(device) && isDriven(device) && !nics.carriers.has(address)) {
      add(address, unknownUse('its interface is not to be seen'));
    }
  }
  for (const list of uses.values()) list.sort((a, b) => a.rank - b.rank || (a.words < b.words ? -1 : 1));
  return uses;
}
