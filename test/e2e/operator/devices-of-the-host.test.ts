import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { printTimings } from '../../support/timings.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
});
afterAll(async () => {
  printTimings(world);
  await world.close();
});

const driverOf = async (address: string): Promise<string | undefined> =>
  (await world.host().hypervisor.listPciDevices()).find((device) => device.address === address)?.driver;

/** Two ports of one card; dom0 uses the second. */
const [port, portOfHost] = ['0000:0a:00.0', '0000:0a:00.1'];

describe('an IOMMU group', () => {
  test('of which the host uses a device: refused, until the same guest gets that device too', async () => {
    await world.running('pair');
    await objects.attachment('pair-1', 'pair', port, { driverPolicy: 'Seize' });
    const refused = await objects.condition('PciAttachment', 'pair-1', 'Claimed', { reason: 'IommuGroupShared' });
    expect(refused.message).toBe(
      '0000:0a:00.0 shares IOMMU group 17 with 0000:0a:00.1, which host driver igb uses. Give 0000:0a:00.1 to the same guest, with a PciAttachment of its own (driverPolicy Seize takes it from the host), or make it assignable (xl pci-assignable-add 0000:0a:00.1).',
    );
    await objects.condition('PciAttachment', 'pair-1', 'Ready', { status: 'False', reason: 'IommuGroupShared' });
    expect(await driverOf(portOfHost)).toBe('igb');

    await objects.attachment('pair-2', 'pair', portOfHost, { driverPolicy: 'Seize' });
    await objects.ready('PciAttachment', 'pair-1');
    const { status } = await objects.ready('PciAttachment', 'pair-2');
    expect(status).toMatchObject({ originalDriver: 'igb', device: { vendorID: '8086', deviceID: '1521' } });
    expect(await world.host().devicesIn('pair')).toEqual([port.slice(5), portOfHost.slice(5)]);
  });

  test('both leave: the host gets its driver back; one alone: not while the guest keeps the other', async () => {
    await Promise.all(['pair-1', 'pair-2'].map(async (name) => objects.remove('PciAttachment', name)));
    await Promise.all(['pair-1', 'pair-2'].map(async (name) => objects.gone('PciAttachment', name)));
    expect([await driverOf(port), await driverOf(portOfHost)]).toEqual(['pciback', 'igb']);
    expect([await world.host().grantsOf(port), await world.host().grantsOf(portOfHost)]).toEqual([[], []]);

    await world.running('keeper');
    await objects.attachment('keeper-1', 'keeper', port);
    await objects.attachment('keeper-2', 'keeper', portOfHost, { driverPolicy: 'Seize' });
    await objects.ready('PciAttachment', 'keeper-1');
    await objects.ready('PciAttachment', 'keeper-2');
    await objects.removed('PciAttachment', 'keeper-2');
    expect(await driverOf(portOfHost)).toBe('pciback');
    expect(await world.host().grantsOf(portOfHost)).toEqual([]);
    await objects.condition('PciAttachment', 'keeper-1', 'Ready', { status: 'True' });
  });

  test('two guests ask for devices of one group: the second is told who has the other, and follows when it is free', async () => {
    await world.running('first');
    await world.running('second');
    await objects.attachment('first-gpu', 'first', '0000:08:00.0');
    await objects.ready('PciAttachment', 'first-gpu');
    await objects.attachment('second-sound', 'second', '0000:08:00.1');
    const refused = await objects.condition('PciAttachment', 'second-sound', 'Claimed', { reason: 'IommuGroupShared' });
    expect(refused.message).toBe(
      '0000:08:00.1 shares IOMMU group 15 with 0000:08:00.0, which PciAttachment default/first-gpu has for another guest. They can only go to one guest: 0000:08:00.1 is claimed here as soon as 0000:08:00.0 is free.',
    );
    expect(await world.host().devicesIn('second')).toEqual([]);
    await objects.removed('PciAttachment', 'first-gpu');
    await objects.ready('PciAttachment', 'second-sound');
    expect(await world.host().devicesIn('second')).toEqual(['08:00.1']);
  });
});

describe('what the host needs itself', () => {
  test('is shown as such', async () => {
    const { status } = await objects.get('XenHost', 'xen-1');
    const { pciDevices } = status as unknown as { pciDevices: { hostUse?: string }[] };
    expect(pciDevices.filter(({ hostUse }) => hostUse !== undefined)).toMatchObject([
      { address: '0000:00:00.0', assignable: 'InUseByHost', hostUse: 'bridge' },
      { address: '0000:00:02.0', assignable: 'InUseByHost', hostUse: 'boot graphics' },
      { address: '0000:00:17.0', assignable: 'InUseByHost', hostUse: 'root disk' },
      { address: '0000:00:1f.0', assignable: 'InUseByHost', hostUse: 'bridge' },
      { address: '0000:01:00.0', assignable: 'InUseByHost', hostUse: 'default route' },
    ]);
  });

  test('is never given away, not even to be seized', async () => {
    await world.running('greedy');
    await objects.attachment('greedy-disk', 'greedy', '0000:00:17.0', { driverPolicy: 'Seize' });
    const refused = await objects.condition('PciAttachment', 'greedy-disk', 'Claimed', { reason: 'DeviceDenied' });
    expect(refused.message).toBe(
      "0000:00:17.0 holds the host's root disk and is never given away. Choose another device, or free this one in dom0 first.",
    );
    await objects.applySpec('PciAttachment', 'greedy-nic', {
      stubDomainRef: { name: 'greedy' },
      device: { selector: { vendorID: '8086', deviceID: '10d3' } },
      driverPolicy: 'Seize',
    });
    await objects.condition('PciAttachment', 'greedy-nic', 'Claimed', {
      reason: 'NoMatchingDevice',
      message:
        /The nearest: 0000:01:00\.0 holds the host's default route and is never given away\. Choose another device/,
    });
    expect([await driverOf('0000:00:17.0'), await driverOf('0000:01:00.0')]).toEqual(['ahci', 'e1000e']);
  });
});

describe('a host whose bus was numbered anew', () => {
  const address = '0000:10:01.0';

  test('does not give the guest what is at the claimed address now', async () => {
    const host = world.host();
    await world.running('moved');
    await objects.attachment('moved-nic', 'moved', address);
    await objects.ready('PciAttachment', 'moved-nic');
    await host.stopAgent();
    await host.admin.restartGuest(uuidOf('moved'));
    await host.admin.setPciDevice({
      address,
      vendorID: '144d',
      deviceID: 'a808',
      classID: '010802',
      driver: 'pciback',
      iommuGroup: 100,
    });
    await host.startAgent();
    const stalled = await objects.condition('PciAttachment', 'moved-nic', 'Stalled', { reason: 'DeviceChanged' });
    expect(stalled.message).toMatch(/^0000:10:01\.0 is 144d:a808 now, and was 8086:1520 when it was claimed: /);
    await objects.condition('PciAttachment', 'moved-nic', 'Ready', { status: 'False', reason: 'DeviceChanged' });
    await objects.ready('StubDomain', 'moved');
    expect(await world.host().devicesIn('moved')).toEqual([]);
    expect(await world.host().grantsOf(address)).toEqual([]);
    await objects.removed('PciAttachment', 'moved-nic');
  });

  test('gives what is there now to who asks for it anew', async () => {
    await objects.attachment('moved-disk', 'moved', address);
    const { status } = await objects.ready('PciAttachment', 'moved-disk');
    expect(status).toMatchObject({ device: { vendorID: '144d', deviceID: 'a808' } });
    await eventually(async () => {
      expect(await world.host().devicesIn('moved')).toEqual([address.slice(5)]);
    });
  });
});
