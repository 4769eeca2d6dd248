import { beforeEach, describe, expect, test } from '@jest/globals';
import { createPciBus, type PciBus } from '../../../../operator/embedded/simulated-host/pci-bus.ts';
import { defaultTopology } from '../../../../operator/embedded/simulated-host/topology.ts';

const stub = { domid: 5, uuid: 's' };
const target = { domid: 4, uuid: 't' };
const other = { domid: 6, uuid: 'o' };
const assignable = '0000:03:00.0';
const inUse = '0000:05:00.0';

describe('PCI bus of a simulated host', () => {
  let bus: PciBus;
  beforeEach(() => {
    bus = createPciBus(defaultTopology());
  });

  test('a stub domain and its target can both have the resources; one alone has the DMA', () => {
    bus.grant(assignable, stub, false);
    bus.grant(assignable, target, true);
    expect(() => bus.grant(assignable, other, true)).toThrow(expect.objectContaining({ code: 'DeviceInUse' }));
    expect(bus.grants()).toEqual([
      { address: assignable, ...stub, resources: true, iommu: false },
      { address: assignable, ...target, resources: true, iommu: true },
    ]);
  });

  test('granting again changes nothing', () => {
    bus.grant(assignable, target, true);
    bus.grant(assignable, target, false);
    expect(bus.grants()).toEqual([{ address: assignable, ...target, resources: true, iommu: true }]);
  });

  test('revoking frees the device; revoking again is no error', () => {
    bus.grant(assignable, target, true);
    bus.revoke(assignable, target, true);
    bus.revoke(assignable, target, true);
    bus.revoke('0000:ff:00.0', target, true);
    expect(bus.grants()).toEqual([]);
    bus.grant(assignable, other, true);
  });

  test('revoking without the DMA leaves the DMA: a device half revoked is still in use', () => {
    bus.grant(assignable, target, true);
    bus.revoke(assignable, target, false);
    expect(bus.grants()).toEqual([{ address: assignable, ...target, resources: false, iommu: true }]);
    expect(() => bus.grant(assignable, other, true)).toThrow();
  });

  test('a domain that ends takes its grants along, and a namesake by domid does not', () => {
    bus.grant(assignable, target, true);
    bus.revoke(assignable, { domid: target.domid, uuid: 'another' }, true);
    expect(bus.grants()).toHaveLength(1);
    bus.forget(target.domid);
    expect(bus.grants()).toEqual([]);
  });

  test('a device goes to pciback and back, and tells its driver once', () => {
    expect(bus.makeAssignable(inUse)).toEqual({ originalDriver: 'igb' });
    expect(bus.makeAssignable(inUse)).toEqual({ originalDriver: undefined });
    bus.releaseAssignable(inUse, 'igb');
    expect(bus.device(inUse).driver).toBe('igb');
  });

  test('a device that the host needs stays with its driver', () => {
    expect(() => bus.makeAssignable('0000:00:17.0')).toThrow(expect.objectContaining({ code: 'DeviceInUse' }));
    expect(bus.device('0000:00:17.0').driver).toBe('ahci');
  });

  test('a device of a domain does not leave pciback, and one that is not there is not granted', () => {
    bus.grant(assignable, stub, false);
    expect(() => bus.releaseAssignable(assignable, undefined)).toThrow(
      expect.objectContaining({ code: 'DeviceInUse' }),
    );
    expect(() => bus.grant(inUse, stub, false)).toThrow(expect.objectContaining({ code: 'DeviceInUse' }));
  });

  test('an unknown device is named so', () => {
    expect(() => bus.reset('0000:ff:00.0')).toThrow(expect.objectContaining({ code: 'NoSuchDevice' }));
  });

  test('resets are counted', () => {
    bus.reset(assignable);
    bus.reset(assignable);
    expect(bus.resets()).toEqual({ [assignable]: 2 });
  });
});
