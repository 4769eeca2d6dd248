import { afterEach, describe, expect, test } from '@jest/globals';
import { quarantineDomid } from '../../../../operator/hypervisor/libxenctrl/arguments.ts';
import { createAssignable } from '../../../../operator/hypervisor/xl/assignable.ts';
import { createControl } from '../../../../operator/hypervisor/xl/control.ts';
import { createPciGrants } from '../../../../operator/hypervisor/xl/pci-grants.ts';
import { type Hypervisor, HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import { createHostPci } from '../../../../operator/hypervisor/sysfs/host-pci.ts';
import { systemClock } from '../../../../operator/runtime/ports.ts';
import { domainInfo, type FakeXen, fakeXen } from '../../../support/fake-xen.ts';
import { liveSysfs } from '../../../support/live-sysfs.ts';
import { type HostDescription, type SysfsTree, sysfsTree } from '../../../support/sysfs-tree.ts';
import { unknownXen } from '../../../support/xl-bench.ts';

const nic = '0000:03:00.0';
const guest = { domid: 7, uuid: '7f9afc3f-98e7-473e-b584-b370223dd693' };
const stub = { domid: 8, uuid: 'faa41abc-5dfc-4c08-b3fe-4f69ba1e9e5c' };
const host: HostDescription = {
  drivers: ['pciback', 'igb'],
  pci: [
    {
      at: nic,
      ids: '8086:1521',
      class: '020000',
      driver: 'igb',
      group: 1,
      irq: 19,
      resource: [
        '0x00000000feb80000 0x00000000feb9ffff 0x0000000000040200',
        '0x000000000000c000 0x000000000000c01f 0x0000000000040101',
        '0x0000000000000000 0x0000000000000000 0x0000000000000000',
      ],
    },
  ],
  nics: [{ name: 'eth1', on: nic }],
  files: { 'sys/bus/pci/drivers/pciback/slots': '' },
};

const trees: SysfsTree[] = [];
afterEach(async () => {
  await Promise.all(trees.splice(0).map(async (tree) => tree.remove()));
});

type Verbs = Pick<
  Hypervisor,
  'requireGrantable' | 'grant' | 'revoke' | 'makeAssignable' | 'releaseAssignable' | 'reset'
>;

async function bench(
  description = host,
): Promise<{ xen: FakeXen; nodes: Map<string, string>; verbs: Verbs; written: readonly string[] }> {
  const tree = await sysfsTree(description);
  trees.push(tree);
  const sysfs = liveSysfs(tree.root);
  const xen = fakeXen([domainInfo(guest.domid, guest.uuid), domainInfo(stub.domid, stub.uuid, { hvm: false })]);
  const control = createControl(() => xen, systemClock);
  const pci = createHostPci(sysfs, systemClock);
  const nodes = new Map<string, string>();
  const xenstore = {
    tryRead: async (path: string) => {
      const value = nodes.get(path);
      return value === undefined ? undefined : new TextEncoder().encode(value);
    },
  };
  const verbs = { ...createAssignable(control, pci), ...createPciGrants({ control, pci, xenstore }) };
  return { xen, nodes, verbs, written: sysfs.written };
}

describe('grants', () => {
  const all = ['ports 49152+32', `pages 1043328+32`, 'pirq 19', 'irq 19'];

  test('of a stub domain are ports, memory and interrupt, in that order', async () => {
    const { xen, verbs } = await bench();
    await verbs.grant(nic, stub, { iommu: false });
    expect(xen.log).toEqual(all.map((what) => `+ 8 ${what}`));
    expect(xen.holders.size).toBe(0);
  });

  test('of a device that was asked for with all of its configuration space make it permissive first', async () => {
    const { xen, verbs, written } = await bench({
      ...host,
      pci: (host.pci ?? []).map((one) => ({ ...one, driver: 'pciback' })),
    });
    await verbs.grant(nic, stub, { iommu: false, permissive: true });
    expect(written).toEqual([`sys/bus/pci/drivers/pciback/permissive ${nic}`]);
    expect(xen.log).toEqual(all.map((what) => `+ 8 ${what}`));
  });

  test('of a guest are its DMA too, last', async () => {
    const { xen, verbs } = await bench();
    await verbs.grant(nic, guest, { iommu: true });
    expect(xen.log).toEqual([...all.map((what) => `+ 7 ${what}`), `assign 7 ${nic}`]);
    const relaxed = await bench();
    await relaxed.verbs.grant(nic, guest, { iommu: true, rdmRelaxed: true });
    expect(relaxed.xen.log.at(-1)).toBe(`assign 7 ${nic} relaxed`);
  });

  test('asked for again after a crash succeed where the claim says whose the device is', async () => {
    const { xen, nodes, verbs } = await bench();
    await verbs.grant(nic, guest, { iommu: true });
    await expect(verbs.grant(nic, guest, { iommu: true })).rejects.toMatchObject({ code: 'DeviceInUse' });
    nodes.set('/libxl/pci/0000-03-00-0/domid', '9');
    await expect(verbs.grant(nic, guest, { iommu: true })).rejects.toMatchObject({ code: 'DeviceInUse' });
    nodes.set('/libxl/pci/0000-03-00-0/domid', '7');
    await verbs.grant(nic, guest, { iommu: true });
    expect(xen.holders.get(nic)).toBe(7);
  });

  test('are not given by half', async () => {
    const { xen, verbs } = await bench();
    xen.withIommu.clear();
    await expect(verbs.grant(nic, guest, { iommu: true })).rejects.toMatchObject({ code: 'NotSupported' });
    xen.directIo = false;
    await expect(verbs.grant(nic, guest, { iommu: true })).rejects.toThrow(/IOMMU is off.*Enable it in the firmware/);
    await expect(verbs.grant('0000:04:00.0', stub, { iommu: false })).rejects.toMatchObject({ code: 'NotSupported' });
    xen.directIo = true;
    await expect(verbs.grant('0000:04:00.0', stub, { iommu: false })).rejects.toMatchObject({ code: 'NoSuchDevice' });
    expect(xen.log).toEqual([]);
  });

  test('of a guest are asked for before anything is done with the device', async () => {
    const { xen, nodes, verbs } = await bench();
    await verbs.requireGrantable?.(nic, guest);
    xen.withIommu.delete(guest.domid);
    await expect(verbs.requireGrantable?.(nic, guest)).rejects.toMatchObject({ code: 'NotSupported' });
    xen.withIommu.add(guest.domid);
    xen.holders.set(nic, 9);
    await expect(verbs.requireGrantable?.(nic, guest)).rejects.toMatchObject({ code: 'DeviceInUse' });
    // By a grant of ours that was not noted any more.
    xen.holders.set(nic, guest.domid);
    nodes.set('/libxl/pci/0000-03-00-0/domid', String(guest.domid));
    await verbs.requireGrantable?.(nic, guest);
    expect(xen.log).toEqual([]);
  });

  test('are of the domain that was meant', async () => {
    const { xen, verbs } = await bench();
    const reused = { domid: guest.domid, uuid: stub.uuid };
    await expect(verbs.grant(nic, reused, { iommu: true })).rejects.toMatchObject({ code: 'NoSuchDomain' });
    await verbs.revoke(nic, reused, { iommu: true });
    expect(xen.log).toEqual([]);
  });

  test('are taken back, also twice, and the device is quarantined', async () => {
    const { xen, verbs } = await bench();
    await verbs.grant(nic, stub, { iommu: false });
    await verbs.grant(nic, guest, { iommu: true });
    await verbs.revoke(nic, guest, { iommu: true });
    await verbs.revoke(nic, stub, { iommu: false });
    expect([...xen.allowed]).toEqual([]);
    expect(xen.holders.get(nic)).toBe(quarantineDomid);
    await verbs.revoke(nic, guest, { iommu: true });
    expect(xen.holders.get(nic)).toBe(quarantineDomid);
  });

  test('of a device that is gone are its DMA', async () => {
    const { xen, verbs } = await bench({ drivers: ['pciback'] });
    xen.holders.set(nic, 7);
    await verbs.revoke(nic, guest, { iommu: true });
    expect(xen.log).toEqual([`deassign 7 ${nic}`]);
  });

  test('are taken back as far as can be, its DMA above all, where one of them is refused', async () => {
    const { xen, verbs } = await bench();
    await verbs.grant(nic, guest, { iommu: true });
    const iomemPermission = xen.iomemPermission.bind(xen);
    xen.iomemPermission = () => Promise.reject(new HypervisorError('Failed', 'no'));
    await expect(verbs.revoke(nic, guest, { iommu: true })).rejects.toMatchObject({ code: 'Failed', message: 'no' });
    expect([...xen.allowed]).toEqual(['7 pages 1043328+32']);
    expect(xen.holders.get(nic)).toBe(quarantineDomid);
    xen.iomemPermission = iomemPermission;
    await verbs.revoke(nic, guest, { iommu: true });
    expect([...xen.allowed]).toEqual([]);
  });

  test('of an interrupt that is another by now, since MSI was enabled, are not there to be taken back', async () => {
    const { xen, verbs } = await bench();
    await verbs.grant(nic, guest, { iommu: true });
    // As Xen says of a number that dom0 has not mapped.
    xen.irqPermission = () => Promise.reject(new HypervisorError('NoSuchDevice', 'dom0 itself may not use it'));
    await verbs.revoke(nic, guest, { iommu: true });
    expect(xen.holders.get(nic)).toBe(quarantineDomid);
  });

  test('of a domain that dies meanwhile are no error', async () => {
    const { xen, verbs } = await bench();
    await verbs.grant(nic, guest, { iommu: true });
    const domains = xen.domains.bind(xen);
    xen.domains = async () => {
      const seen = await domains();
      xen.domainList = xen.domainList.filter(({ domid }) => domid !== guest.domid);
      return seen;
    };
    await expect(verbs.revoke(nic, guest, { iommu: true })).resolves.toBeUndefined();
  });
});

describe('assignable devices', () => {
  test('are bound to pciback and quarantined, and given back', async () => {
    const { xen, verbs, written } = await bench();
    await expect(verbs.makeAssignable(nic)).resolves.toEqual({ originalDriver: 'igb' });
    expect(xen.holders.get(nic)).toBe(quarantineDomid);
    expect(xen.log).toEqual([`assign ${quarantineDomid} ${nic} relaxed`]);
    await verbs.makeAssignable(nic);
    expect(xen.holders.get(nic)).toBe(quarantineDomid);
    await verbs.releaseAssignable(nic, 'igb');
    expect(xen.holders.get(nic)).toBe(0);
    expect(written.at(-1)).toBe(`sys/bus/pci/drivers/igb/bind ${nic}`);
    await verbs.releaseAssignable(nic, 'igb');
    expect(xen.holders.get(nic)).toBe(0);
  });

  test('stay with dom0 where no guest can have them', async () => {
    const { xen, verbs, written } = await bench();
    xen.directIo = false;
    await expect(verbs.makeAssignable(nic)).rejects.toMatchObject({ code: 'NotSupported' });
    expect(written).toEqual([]);
  });

  test('that dom0 needs are not taken', async () => {
    const { xen, verbs, written } = await bench({
      ...host,
      routes: [['eth1', 'default']],
    });
    await expect(verbs.makeAssignable(nic)).rejects.toThrow(/default route.*Choose another device/);
    expect(written).toEqual([]);
    expect(xen.log).toEqual([]);
  });
});

test('without known hypercalls all but the list of devices is NotSupported, and says why', async () => {
  const tree = await sysfsTree(host);
  trees.push(tree);
  const control = createControl(() => {
    throw unknownXen;
  }, systemClock);
  const pci = createHostPci(liveSysfs(tree.root), systemClock);
  const xenstore = { tryRead: () => Promise.resolve(undefined) };
  const verbs = { ...createAssignable(control, pci), ...createPciGrants({ control, pci, xenstore }) };
  const refused = { code: 'NotSupported', message: unknownXen.message };
  await expect(verbs.makeAssignable(nic)).rejects.toMatchObject(refused);
  await expect(verbs.releaseAssignable(nic, 'igb')).rejects.toMatchObject(refused);
  await expect(verbs.reset(nic)).rejects.toMatchObject(refused);
  await expect(verbs.grant(nic, guest, { iommu: true })).rejects.toMatchObject(refused);
  await expect(verbs.revoke(nic, guest, { iommu: true })).rejects.toMatchObject(refused);
  await expect(pci.listPciDevices()).resolves.toHaveLength(1);
});
