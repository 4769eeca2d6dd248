import { afterEach, describe, expect, test } from '@jest/globals';
import { readInventory } from '../../../../operator/hypervisor/sysfs/inventory.ts';
import { openSysfs } from '../../../../operator/hypervisor/sysfs/sysfs.ts';
import { type HostDescription, type PciDescription, type SysfsTree, sysfsTree } from '../../../support/sysfs-tree.ts';

const disk = '0000:03:00.0';
const other = '0000:04:00.0';
const nic = '0000:05:00.0';
const machine: readonly PciDescription[] = [
  { at: disk, ids: '1000:005d', class: '010400', driver: 'megaraid_sas', group: 1 },
  { at: other, ids: '144d:a808', class: '010802', driver: 'nvme', group: 2 },
  { at: nic, ids: '8086:1521', class: '020000', driver: 'igb', group: 3 },
];
const sda = { name: 'sda', number: '8:0', on: disk, parts: ['sda1 8:1', 'sda2 8:2'] };
const nvme = { name: 'nvme0n1', number: '259:0', on: other };
const eth0 = { name: 'eth0', on: nic };

const trees: SysfsTree[] = [];
afterEach(async () => {
  await Promise.all(trees.splice(0).map(async (tree) => tree.remove()));
});

async function usesOf(host: HostDescription): Promise<Record<string, string>> {
  const tree = await sysfsTree({ pci: machine, nics: [eth0], ...host });
  trees.push(tree);
  const { devices, uses } = await readInventory(openSysfs(tree.root));
  for (const { address, hostUse } of devices) expect(hostUse).toBe(uses.get(address)?.[0]);
  return Object.fromEntries([...uses].map(([address, list]) => [address, list.join(', ')]));
}

describe('a disk is in use when', () => {
  test.each<[string, HostDescription, Record<string, string>]>([
    ['it is not: nothing is on it', { blocks: [sda] }, {}],
    [
      'the root file system is on a partition of it',
      { blocks: [sda], mounts: { '/': 'sda2' } },
      { [disk]: 'root disk' },
    ],
    [
      'anything else is mounted from it',
      { blocks: [sda], mounts: { '/boot': 'sda1', '/srv/my data': 'sda2', '/srv': 'sda2' } },
      { [disk]: 'boot disk, disk of /srv, mounted disk' },
    ],
    ['it is swapped to', { blocks: [sda], swaps: ['/dev/sda2'] }, { [disk]: 'swap disk' }],
    [
      'it is swapped to by the name of a volume',
      {
        blocks: [sda, { name: 'dm-0', number: '253:0', slaves: ['sda2'], dm: ['LVM-a', 'vg-swap'] }],
        swaps: ['/dev/mapper/vg-swap'],
      },
      { [disk]: 'swap disk, LVM volume' },
    ],
    [
      'a volume is on RAID on it and another, and nothing is mounted',
      {
        blocks: [
          sda,
          nvme,
          { name: 'md0', number: '9:0', slaves: ['sda1', 'nvme0n1'] },
          { name: 'dm-0', number: '253:0', slaves: ['md0'], dm: ['LVM-a', 'vg-data'] },
        ],
      },
      { [disk]: 'LVM volume, RAID disk', [other]: 'LVM volume, RAID disk' },
    ],
    [
      'a volume of volumes turns in a circle',
      {
        blocks: [
          { name: 'dm-0', number: '253:0', slaves: ['dm-1', 'sda1'] },
          { name: 'dm-1', number: '253:1', slaves: ['dm-0'] },
          sda,
        ],
        mounts: { '/': 'dm-1' },
      },
      { [disk]: 'root disk, mapped disk' },
    ],
    ['a guest has it as its own', { blocks: [sda, nvme], served: ['nvme0n1'] }, { [other]: 'disk of a guest' }],
    [
      'it has several ways: all of them',
      { blocks: [{ name: 'nvme0n1', number: '259:0', ways: [other, disk] }], mounts: { '/': 'nvme0n1' } },
      { [other]: 'root disk', [disk]: 'root disk' },
    ],
    [
      'it is one of several that btrfs has',
      {
        blocks: [sda, nvme],
        mounts: { '/data': 'btrfs /dev/sda1' },
        files: { 'sys/fs/btrfs/u/devices/sda1': '', 'sys/fs/btrfs/u/devices/nvme0n1': '' },
      },
      { [disk]: 'btrfs disk, disk of /data', [other]: 'btrfs disk' },
    ],
    [
      'btrfs has it, and the name that it was mounted by is gone',
      {
        blocks: [sda],
        mounts: { '/': 'btrfs /dev/root', '/mnt': 'fuse.sshfs /dev/fuse' },
        files: { 'sys/fs/btrfs/u/devices/sda1': '' },
      },
      { [disk]: 'btrfs disk' },
    ],
    [
      'it is behind a controller that hides its bus',
      {
        pci: [{ at: '0000:00:0e.0', ids: '8086:9a0b', class: '010400', driver: 'vmd', group: 1 }],
        nics: [],
        blocks: [
          { name: 'nvme0n1', number: '259:0', on: '0000:00:0e.0', through: 'pci10000:e0/10000:e1:00.0/nvme/nvme0' },
        ],
        mounts: { '/': 'nvme0n1' },
      },
      { '0000:00:0e.0': 'root disk' },
    ],
  ])('%s', async (_, host, expected) => {
    expect(await usesOf(host)).toEqual(expected);
  });
});

describe('what cannot be told of disks makes all that carry one count as in use', () => {
  test.each<[string, HostDescription, string]>([
    ['mounts are garbage', { files: { 'proc/1/mountinfo': 'no such\nlines\n' } }, 'proc/1/mountinfo: EINVAL'],
    ['mounts are empty', { files: { 'proc/1/mountinfo': '' } }, 'proc/1/mountinfo: EINVAL'],
    [
      'a mount is from a disk that is not there',
      { files: { 'proc/1/mountinfo': '1 1 8:99 / /x rw - ext4 /dev/q rw\n' } },
      'no disk found below a mounted ext4',
    ],
    [
      'the root is an overlay, as in a container',
      { mounts: { '/': 'overlay overlay' } },
      'no disk found below a mounted overlay',
    ],
    [
      'btrfs is mounted from something unknown',
      { mounts: { '/data': 'btrfs /dev/gone' } },
      'no disk found below a mounted btrfs',
    ],
    ['ZFS is mounted', { mounts: { '/tank': 'zfs tank' } }, 'no disk found below a mounted zfs'],
    [
      'a ZFS pool serves guests, unmounted',
      { files: { 'proc/spl/kstat/zfs/tank/state': 'ONLINE\n' } },
      'a ZFS pool hides its disks',
    ],
    ['swap is on something unknown', { swaps: ['/dev/mapper/gone'] }, 'no disk found below swap'],
    ['the number of a disk is garbage', { blocks: [{ ...sda, number: '8' }] }, 'block devices: EINVAL'],
  ])('%s', async (_, host, why) => {
    const uses = await usesOf({ blocks: [sda], ...host });
    expect(uses).toEqual({ [disk]: `unknown: ${why}`, [other]: `unknown: ${why}` });
  });

  test('but not what a person has bound to pciback, and not what has no driver', async () => {
    const pci = [
      { ...machine[0]!, driver: 'pciback' },
      { at: other, ids: '144d:a808', class: '010802', group: 2 },
    ];
    expect(await usesOf({ pci, nics: [], blocks: [], mounts: { '/': 'zfs tank' } })).toEqual({});
  });
});

describe('a network card is in use when', () => {
  test.each<[string, HostDescription, string | undefined]>([
    ['it is not: it is up, and that is all', { routes: [['eth0', 'link6']] }, undefined],
    ['it has the default route', { routes: [['eth0', 'default']] }, 'default route'],
    ['the default route of IPv6', { routes: [['eth0', 'default6']] }, 'default route'],
    ['an address', { routes: [['eth0', 'net']] }, 'address of eth0'],
    ['an address of IPv6', { routes: [['eth0', 'address6']] }, 'address of eth0'],
    ['a route of IPv6', { routes: [['eth0', 'net6']] }, 'address of eth0'],
    [
      'it is in a bridge',
      {
        nics: [
          { ...eth0, uppers: ['xenbr0'] },
          { name: 'xenbr0', kind: 'bridge' },
        ],
      },
      'bridge xenbr0',
    ],
    [
      'in a bond',
      {
        nics: [
          { ...eth0, uppers: ['bond0'] },
          { name: 'bond0', kind: 'bond' },
        ],
      },
      'bond bond0',
    ],
    ['in Open vSwitch', { nics: [{ ...eth0, uppers: ['ovs-system'] }, { name: 'ovs-system' }] }, 'Open vSwitch port'],
    ['in something unknown', { nics: [{ ...eth0, uppers: ['team0'] }] }, 'link of team0'],
    ['its interface is in another namespace', { nics: [] }, 'unknown: its interface is not to be seen'],
  ])('%s', async (_, host, expected) => {
    expect((await usesOf(host))[nic]).toBe(expected);
  });

  test('a name made to look like something else is not shown', async () => {
    const uses = await usesOf({ nics: [{ ...eth0, uppers: ['\u001b[31mx'] }] });
    expect(uses[nic]).toBe('link of ?');
  });

  test('a USB adapter holds its controller', async () => {
    const pci = [{ at: '0000:00:14.0', ids: '8086:a12f', class: '0c0330', driver: 'xhci_hcd', group: 1 }];
    const nics = [{ name: 'usb0', on: '0000:00:14.0', through: 'usb1/1-4/1-4:1.0' }];
    expect(await usesOf({ pci, nics, routes: [['usb0', 'default']] })).toEqual({ '0000:00:14.0': 'default route' });
  });
});

describe('other devices', () => {
  const one = (change: Partial<PciDescription>): HostDescription => ({
    pci: [{ at: disk, ids: '8086:1521', class: '0c0330', driver: 'x', group: 1, ...change }],
    nics: [],
  });
  test.each<[string, HostDescription, string | undefined]>([
    ['a bridge, also at pciback', one({ class: '060400', driver: 'pciback' }), 'bridge'],
    ['an IOMMU', one({ class: '080600' }), 'IOMMU'],
    ['a part of the chipset that a person gave up', one({ class: '0c0500', driver: 'pciback' }), undefined],
    ['the graphics that the machine booted with', one({ class: '030000', bootVga: true }), 'boot graphics'],
    ['the same at pciback', one({ class: '030000', bootVga: true, driver: 'pciback' }), undefined],
    ['other graphics', one({ class: '030000' }), undefined],
    ['other graphics with a console', { ...one({ class: '030000' }), frameBuffers: { fb1: disk } }, 'frame buffer fb1'],
    ['a serial console', { ...one({ class: '070002' }), consoles: { ttyS4: disk } }, 'console ttyS4'],
    ['a card whose functions are enabled', one({ functions: ['0000:03:10.0'] }), 'virtual functions'],
    ['a program of dom0', one({ driver: 'vfio-pci' }), 'user-space driver'],
    ['a controller without anything on it', one({ class: '010601' }), undefined],
  ])('%s', async (_, host, expected) => {
    expect((await usesOf(host))[disk]).toBe(expected);
  });
});
