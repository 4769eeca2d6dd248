import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHostPci } from '../../../../operator/hypervisor/sysfs/host-pci.ts';
import { openSysfs } from '../../../../operator/hypervisor/sysfs/sysfs.ts';
import { systemClock } from '../../../../operator/runtime/ports.ts';
import { type CapturedTree, unpackTree } from '../../../support/captured-tree.ts';

let tree: CapturedTree;
beforeAll(async () => {
  tree = await unpackTree(new URL('../../../fixtures/sysfs/xen-lab.txt', import.meta.url));
});
afterAll(async () => tree.remove());

const host = () => createHostPci(openSysfs(tree.root), systemClock);

describe('a dom0 of Xen 4.17, as it was', () => {
  test('its devices, what drives them and what the host needs them for', async () => {
    const devices = (await host().listPciDevices()).map(({ address, vendorID, deviceID, classID, driver, hostUse }) =>
      [address, `${vendorID}:${deviceID}`, classID, driver ?? '-', hostUse ?? '-'].join(' '),
    );
    expect(devices).toEqual([
      '0000:00:00.0 8086:29c0 060000 - bridge',
      '0000:00:01.0 1af4:1001 010000 virtio-pci root disk',
      '0000:00:02.0 1af4:1009 000200 virtio-pci -',
      '0000:00:03.0 1022:0018 080600 - IOMMU',
      '0000:00:10.0 8086:10d3 020000 e1000e -',
      '0000:00:11.0 8086:10d3 020000 e1000e -',
      '0000:00:1f.0 8086:2918 060100 - bridge',
      '0000:00:1f.2 8086:2922 010601 - -',
      '0000:00:1f.3 8086:2930 0c0500 - SMBus',
    ]);
  });

  test('a card has the ports, pages and interrupt that libxl gives away with it', async () => {
    // libxl 4.17 calls for just that on xl pci-attach: three ranges of memory, one of ports, interrupt 20.
    expect(await host().resources('0000:00:10.0')).toEqual({
      ports: [{ first: 0xc0e0, count: 32 }],
      memory: [
        { firstPage: 0xfeb60, pages: 32 },
        { firstPage: 0xfeb80, pages: 32 },
        { firstPage: 0xfebe0, pages: 4 },
      ],
      irq: 20,
    });
  });

  test('the disk that dom0 runs from is not taken, and nothing is written', async () => {
    await expect(host().makeAssignable('0000:00:01.0')).rejects.toMatchObject({
      code: 'DeviceInUse',
      message: expect.stringContaining('root disk'),
    });
  });
});
