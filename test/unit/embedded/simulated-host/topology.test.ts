import { describe, expect, test } from '@jest/globals';
import {
  defaultTopology,
  maximumFurtherDevices,
  topologyWith,
} from '../../../../operator/embedded/simulated-host/topology.ts';

const address = /^0000:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;

describe('PCI topology', () => {
  test('the default machine has devices that are assignable, in use, and without a driver', () => {
    const drivers = defaultTopology().devices.map(({ driver }) => driver);
    for (const driver of ['pciback', 'ahci', 'e1000e', 'igb', undefined]) expect(drivers).toContain(driver);
  });

  test('one card has two functions in one IOMMU group', () => {
    const card = defaultTopology().devices.filter((one) => one.address.startsWith('0000:08:00.'));
    expect(card.map(({ iommuGroup }) => iommuGroup)).toEqual([15, 15]);
  });

  test('the host needs some devices itself, and shares an IOMMU group with what could be given away', () => {
    const { devices } = defaultTopology();
    expect(devices.flatMap(({ hostUse }) => hostUse ?? [])).toEqual(['boot graphics', 'root disk', 'default route']);
    const ports = devices.filter((one) => one.address.startsWith('0000:0a:00.'));
    expect(ports).toMatchObject([
      { driver: 'pciback', iommuGroup: 17 },
      { driver: 'igb', iommuGroup: 17 },
    ]);
  });

  test.each([0, 1, 31, 32, 1000, 7440, 7441, 10_000])(
    '%i further devices: all assignable, valid, unique, sorted',
    (count) => {
      const own = new Set(defaultTopology().devices.map((one) => one.address));
      const { devices } = topologyWith(count);
      const further = devices.filter((one) => !own.has(one.address));
      expect(further).toHaveLength(count);
      expect(further.every((one) => one.driver === 'pciback' && address.test(one.address))).toBe(true);
      const addresses = devices.map((one) => one.address);
      expect(new Set(addresses).size).toBe(addresses.length);
      expect([...addresses].sort()).toEqual(addresses);
    },
  );

  test('functions other than 0 are used only when all slots are taken', () => {
    expect(topologyWith(7440).devices.filter(({ address: at }) => at > '0000:10' && !at.endsWith('.0'))).toEqual([]);
    expect(topologyWith(7441).devices.map((one) => one.address)).toContain('0000:10:01.1');
  });

  test('functions of one card share its IOMMU group', () => {
    const groups = topologyWith(7441)
      .devices.filter((one) => one.address.startsWith('0000:10:01.'))
      .map(({ iommuGroup }) => iommuGroup);
    expect(groups).toEqual([100, 100]);
  });

  test.each([-1, 1.5, Number.NaN, maximumFurtherDevices + 1])('%p further devices are refused', (count) => {
    expect(() => topologyWith(count)).toThrow(RangeError);
  });
});
