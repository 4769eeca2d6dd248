import type { HostDescription } from './sysfs-tree.ts';

const perc = '0000:18:00.0';
const perc0 = 'host0/target0:2:0/0:2:0:0';

/**
 * A rack server with two sockets as Linux shows it: RAID controller, four network ports in two cards, two NVMe disks, a
 * network card with virtual functions, management graphics. Guests' disks are LVM volumes.
 */
export const server: HostDescription = {
  drivers: ['pciback', 'igb'],
  pci: [
    { at: '0000:00:00.0', ids: '8086:2020 1028:0714', class: '060000', group: 0, numa: 0 },
    { at: '0000:00:05.0', ids: '8086:2024 8086:0000', class: '088000', group: 1, numa: 0 },
    { at: '0000:00:11.5', ids: '8086:a1d2 1028:0714', class: '010601', driver: 'ahci', group: 2, numa: 0, irq: 30 },
    { at: '0000:00:14.0', ids: '8086:a1af 1028:0714', class: '0c0330', driver: 'xhci_hcd', group: 3, numa: 0 },
    { at: '0000:00:14.2', ids: '8086:a1b1 1028:0714', class: '050000', group: 3, numa: 0 },
    { at: '0000:00:1c.0', ids: '8086:a190', class: '060400', driver: 'pcieport', group: 4, numa: 0 },
    { at: '0000:02:00.0', behind: '0000:00:1c.0', ids: '1556:be00', class: '060400', group: 4, numa: 0 },
    {
      at: '0000:03:00.0',
      behind: '0000:02:00.0',
      ids: '102b:0536 1028:0714',
      class: '030000',
      driver: 'mgag200',
      bootVga: true,
      group: 4,
      numa: 0,
    },
    { at: '0000:00:1f.0', ids: '8086:a1c1 1028:0714', class: '060100', group: 5, numa: 0 },
    { at: '0000:00:1f.4', ids: '8086:a1a3 1028:0714', class: '0c0500', driver: 'i801_smbus', group: 5, numa: 0 },
    { at: '0000:00:1f.5', ids: '8086:a1a4 1028:0714', class: '0c8000', group: 5, numa: 0 },
    { at: '0000:17:00.0', ids: '8086:2030', class: '060400', driver: 'pcieport', group: 6, numa: 0 },
    {
      at: perc,
      behind: '0000:17:00.0',
      ids: '1000:005d 1028:1f49',
      class: '010400',
      driver: 'megaraid_sas',
      group: 7,
      numa: 0,
      irq: 34,
      resource: [
        '0x0000000000004000 0x00000000000040ff 0x0000000000040101',
        '0x000000009d900000 0x000000009d90ffff 0x0000000000140204',
        '0x0000000000000000 0x0000000000000000 0x0000000000000000',
        '0x000000009d800000 0x000000009d8fffff 0x0000000000140204',
        '0x0000000000000000 0x0000000000000000 0x0000000000000000',
        '0x0000000000000000 0x0000000000000000 0x0000000000000000',
        '0x000000009d700000 0x000000009d7fffff 0x0000000000046200',
      ],
    },
    ...['0000:19:00.0', '0000:19:00.1'].map((at, port) => ({
      at,
      behind: '0000:17:00.0',
      ids: '14e4:165f 1028:0714',
      class: '020000',
      driver: 'tg3',
      group: 8 + port,
      numa: 0,
    })),
    { at: '0000:1a:00.0', ids: '14e4:165f 1028:0714', class: '020000', driver: 'tg3', group: 10, numa: 0 },
    { at: '0000:1a:00.1', ids: '14e4:165f 1028:0714', class: '020000', driver: 'pciback', group: 11, numa: 0 },
    { at: '0000:3b:00.0', ids: '144d:a808 144d:a801', class: '010802', driver: 'nvme', group: 12, numa: 0 },
    { at: '0000:af:00.0', ids: '144d:a808 144d:a801', class: '010802', driver: 'nvme', group: 13, numa: 1 },
    {
      at: '0000:d8:00.0',
      ids: '8086:1521 8086:0001',
      class: '020000',
      driver: 'igb',
      group: 14,
      numa: 1,
      functions: ['0000:d8:10.0', '0000:d8:10.4'],
    },
    { at: '0000:d8:10.0', ids: '8086:1520 8086:0001', class: '020000', driver: 'pciback', group: 15, numa: 1 },
    { at: '0000:d8:10.4', ids: '8086:1520 8086:0001', class: '020000', driver: 'igbvf', group: 16, numa: 1 },
  ],
  blocks: [
    { name: 'sda', number: '8:0', on: perc, through: perc0, parts: ['sda1 8:1', 'sda2 8:2'] },
    { name: 'nvme0n1', number: '259:0', on: '0000:3b:00.0', through: 'nvme/nvme0' },
    { name: 'nvme1n1', number: '259:1', on: '0000:af:00.0', through: 'nvme/nvme1' },
    { name: 'dm-0', number: '253:0', slaves: ['sda2'], dm: ['LVM-aaaa', 'dom0-root'] },
    { name: 'dm-1', number: '253:1', slaves: ['sda2'], dm: ['LVM-bbbb', 'dom0-swap'] },
    { name: 'dm-2', number: '253:2', slaves: ['nvme0n1'], dm: ['LVM-cccc', 'guests-web'] },
    { name: 'loop0', number: '7:0' },
  ],
  mounts: { '/': 'dm-0', '/boot/efi': 'sda1', '/run': 'tmpfs tmpfs', '/srv/isos': 'nfs4 10.0.0.1:/isos' },
  swaps: ['/dev/dm-1'],
  served: ['dm-2'],
  nics: [
    { name: 'eno1', on: '0000:19:00.0', uppers: ['xenbr0'] },
    { name: 'eno2', on: '0000:19:00.1' },
    { name: 'eno3', on: '0000:1a:00.0', uppers: ['eno3.20'] },
    { name: 'ens1', on: '0000:d8:00.0' },
    { name: 'ens1v1', on: '0000:d8:10.4' },
    { name: 'xenbr0', kind: 'bridge' },
    { name: 'eno3.20', kind: 'vlan' },
    { name: 'vif1.0', uppers: ['xenbr0'] },
    { name: 'lo' },
  ],
  routes: [
    ['xenbr0', 'default'],
    ['xenbr0', 'net'],
    ['eno3.20', 'net'],
    ['eno2', 'link6'],
    ['ens1', 'link6'],
  ],
  consoles: { ttyS0: undefined },
  frameBuffers: { fb0: '0000:03:00.0' },
};

/**
 * A desktop under Xen: no IOMMU groups in dom0, a legacy bridge with two cards behind it, the root disk in a USB case, an
 * encrypted NVMe disk, two graphics cards.
 */
export const desktop: HostDescription = {
  drivers: ['pciback'],
  pci: [
    { at: '0000:00:00.0', ids: '8086:191f 1462:7998', class: '060000' },
    { at: '0000:00:01.0', ids: '8086:1901', class: '060400', driver: 'pcieport' },
    { at: '0000:00:02.0', ids: '8086:1912 1462:7998', class: '030000', driver: 'i915', bootVga: true },
    { at: '0000:00:14.0', ids: '8086:a12f 1462:7998', class: '0c0330', driver: 'xhci_hcd' },
    { at: '0000:00:17.0', ids: '8086:a102 1462:7998', class: '010601', driver: 'ahci' },
    { at: '0000:00:1c.0', ids: '8086:a110', class: '060400', driver: 'pcieport' },
    { at: '0000:00:1f.3', ids: '8086:a170 1462:7998', class: '040300', driver: 'snd_hda_intel' },
    { at: '0000:00:1f.6', ids: '8086:15b8 1462:7998', class: '020000', driver: 'e1000e' },
    { at: '0000:01:00.0', behind: '0000:00:01.0', ids: '10de:1c82 1043:8613', class: '030000', driver: 'pciback' },
    { at: '0000:01:00.1', behind: '0000:00:01.0', ids: '10de:0fb9 1043:8613', class: '040300', driver: 'pciback' },
    { at: '0000:02:00.0', behind: '0000:00:1c.0', ids: '1b21:1080', class: '060401', legacy: true },
    { at: '0000:03:01.0', behind: '0000:02:00.0', ids: '1102:0007 1102:100a', class: '040100', driver: 'snd_ca0106' },
    { at: '0000:03:02.0', behind: '0000:02:00.0', ids: '104c:8024', class: '0c0010', driver: 'firewire_ohci' },
    { at: '0000:04:00.0', ids: '144d:a804 144d:a801', class: '010802', driver: 'nvme' },
    { at: '0000:05:00.0', ids: '1912:0014', class: '0c0330' },
    { at: '0000:06:00.0', ids: '9710:9912 a000:1000', class: '070002', driver: 'serial' },
    { at: '0000:07:00.0', ids: '1002:699f 1da2:e367', class: '030000', driver: 'amdgpu' },
  ],
  blocks: [
    {
      name: 'sda',
      number: '8:0',
      on: '0000:00:14.0',
      through: 'usb1/1-4/1-4:1.0/host4/target4:0:0/4:0:0:0',
      parts: ['sda1 8:1'],
    },
    { name: 'sr0', number: '11:0', on: '0000:00:17.0', through: 'ata3/host2/target2:0:0/2:0:0:0' },
    { name: 'nvme0n1', number: '259:0', on: '0000:04:00.0', through: 'nvme/nvme0', parts: ['nvme0n1p1 259:1'] },
    { name: 'dm-0', number: '253:0', slaves: ['nvme0n1p1'], dm: ['CRYPT-LUKS2-1', 'home'] },
  ],
  mounts: { '/': 'sda1', '/home': 'dm-0' },
  nics: [{ name: 'eth0', on: '0000:00:1f.6' }, { name: 'lo' }],
  consoles: { ttyS4: '0000:06:00.0' },
  frameBuffers: { fb1: '0000:07:00.0' },
  routes: [
    ['eth0', 'default'],
    ['eth0', 'net'],
  ],
};
