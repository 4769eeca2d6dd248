import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type HostInventory, readInventory } from '../../../../operator/hypervisor/sysfs/inventory.ts';
import { createHostPci } from '../../../../operator/hypervisor/sysfs/host-pci.ts';
import { SysfsError, openSysfs } from '../../../../operator/hypervisor/sysfs/sysfs.ts';
import { systemClock } from '../../../../operator/runtime/ports.ts';
import { desktop, server } from '../../../support/host-descriptions.ts';
import { type SysfsTree, sysfsTree } from '../../../support/sysfs-tree.ts';

const trees: SysfsTree[] = [];
let rack: HostInventory;
let home: HostInventory;

beforeAll(async () => {
  trees.push(...(await Promise.all([server, desktop].map(sysfsTree))));
  [rack, home] = (await Promise.all(trees.map(async ({ root }) => readInventory(openSysfs(root))))) as [
    HostInventory,
    HostInventory,
  ];
});
afterAll(async () => {
  await Promise.all(trees.map(async (tree) => tree.remove()));
});

const table = ({ devices, uses }: HostInventory): Record<string, string> =>
  Object.fromEntries(devices.map(({ address }) => [address.slice(5), (uses.get(address) ?? []).join(', ')]));

describe('a rack server', () => {
  test('uses of each device', () => {
    expect(table(rack)).toEqual({
      '00:00.0': 'bridge',
      '00:05.0': 'system peripheral',
      '00:11.5': '',
      '00:14.0': '',
      '00:14.2': 'memory controller',
      '00:1c.0': 'bridge, frame buffer fb0',
      '00:1f.0': 'bridge',
      '00:1f.4': 'SMBus',
      '00:1f.5': 'firmware flash',
      '02:00.0': 'bridge, frame buffer fb0',
      '03:00.0': 'frame buffer fb0, boot graphics',
      '17:00.0': 'bridge, root disk, boot disk, swap disk, LVM volume, bridge xenbr0',
      '18:00.0': 'root disk, boot disk, swap disk, LVM volume',
      '19:00.0': 'bridge xenbr0',
      '19:00.1': '',
      '1a:00.0': 'VLAN eno3.20',
      '1a:00.1': '',
      '3b:00.0': 'disk of a guest, LVM volume',
      'af:00.0': '',
      'd8:00.0': 'virtual functions',
      'd8:10.0': '',
      'd8:10.4': '',
    });
  });

  test('a device as the port has it: what it is, who drives it, where it is', () => {
    expect(rack.devices.find(({ address }) => address === '0000:18:00.0')).toEqual({
      address: '0000:18:00.0',
      vendorID: '1000',
      deviceID: '005d',
      classID: '010400',
      subsystemVendorID: '1028',
      subsystemID: '1f49',
      driver: 'megaraid_sas',
      iommuGroup: 7,
      numaNode: 0,
      hostUse: 'root disk',
    });
    expect(rack.devices.find(({ address }) => address === '0000:af:00.0')).toEqual(
      expect.not.objectContaining({ hostUse: expect.anything() }),
    );
    expect([rack.skipped, rack.doubts]).toEqual([[], []]);
  });
});

describe('a desktop under Xen', () => {
  test('uses of each device', () => {
    expect(table(home)).toEqual({
      '00:00.0': 'bridge',
      '00:01.0': 'bridge',
      '00:02.0': 'boot graphics',
      '00:14.0': 'root disk',
      '00:17.0': '',
      '00:1c.0': 'bridge',
      '00:1f.3': '',
      '00:1f.6': 'default route, address of eth0',
      '01:00.0': '',
      '01:00.1': '',
      '02:00.0': 'bridge',
      '03:01.0': '',
      '03:02.0': '',
      '04:00.0': 'disk of /home, encrypted disk',
      '05:00.0': '',
      '06:00.0': 'console ttyS4',
      '07:00.0': 'frame buffer fb1',
    });
  });

  test('what is behind the legacy bridge is one group; what has no driver, group or node says nothing of them', () => {
    const groups = home.devices.flatMap(({ address, iommuGroup }) =>
      iommuGroup === undefined ? [] : [[address, iommuGroup]],
    );
    expect(groups).toEqual([
      ['0000:03:01.0', 0x2000],
      ['0000:03:02.0', 0x2000],
    ]);
    expect(home.devices.find(({ address }) => address === '0000:05:00.0')).toEqual({
      address: '0000:05:00.0',
      vendorID: '1912',
      deviceID: '0014',
      classID: '0c0330',
      subsystemVendorID: '0000',
      subsystemID: '0000',
    });
  });
});

describe('the machine that the tests run on', () => {
  test('is read without an error, and without a change', async () => {
    const inventory = await readInventory(openSysfs());
    for (const device of inventory.devices) {
      expect(device).toMatchObject({
        address: expect.stringMatching(/^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/),
        vendorID: expect.stringMatching(/^[0-9a-f]{4}$/),
        deviceID: expect.stringMatching(/^[0-9a-f]{4}$/),
        classID: expect.stringMatching(/^[0-9a-f]{6}$/),
      });
      expect(device.hostUse ?? '').toMatch(/^[\x20-\x7e]{0,64}$/);
    }
  });

  test('a sysfs without a PCI bus is a host without PCI devices; no sysfs is no answer', async () => {
    const tree = await sysfsTree({});
    trees.push(tree);
    await rm(join(tree.root, 'sys/bus/pci'), { recursive: true });
    expect((await readInventory(openSysfs(tree.root))).devices).toEqual([]);
    await expect(createHostPci(openSysfs('/nonexistent'), systemClock).listPciDevices()).rejects.toMatchObject({
      code: 'Unavailable',
      message:
        'The PCI devices cannot be listed: /sys/bus said ENOENT. Run the agent as root in dom0; in a pod, with /sys and /proc of the host.',
    });
  });

  test('what the kernel refuses to show is no answer either', async () => {
    const refusing = {
      ...openSysfs(trees[0]!.root),
      list: async (path: string) => Promise.reject(new SysfsError('EACCES', path)),
    };
    await expect(createHostPci(refusing, systemClock).listPciDevices()).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('/sys/bus/pci/devices said EACCES'),
    });
  });
});
