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

const driverOf = async (address: string): Promise<string | undefined> => {
  const { status } = await objects.get('XenHost', 'xen-1');
  const { pciDevices } = status as unknown as { pciDevices: { address: string; driver?: string }[] };
  return pciDevices.find((device) => device.address === address)?.driver;
};

describe('the device model refuses', () => {
  test('a guest without a free slot', async () => {
    await world.running('full', 'slots-used=32');
    await objects.attachment('full-nic', 'full', world.freeDevice());
    const condition = await objects.condition('PciAttachment', 'full-nic', 'Inserted', { reason: 'NoFreeSlot' });
    expect(condition.message).toBe(
      'The device model says that the guest has no free slot for hotplug. Detach another device.',
    );
    const { status } = await objects.get('PciAttachment', 'full-nic');
    expect(status).toMatchObject({
      phase: 'Failed',
      command: { name: 'pci-ins', outcome: 'NotApplied', reason: 'NoFreeSlot' },
    });
    await eventually(async () => {
      expect(await objects.events('full-nic')).toContainEqual(expect.stringMatching(/^Warning NoFreeSlot: /));
    });
  });

  test('a slot that is taken', async () => {
    await world.running('busy');
    await objects.attachment('busy-nic', 'busy', world.freeDevice(), { virtualSlot: 1 });
    const condition = await objects.condition('PciAttachment', 'busy-nic', 'Inserted', { reason: 'SlotBusy' });
    expect(condition.message).toMatch(/slot in spec\.virtualSlot is taken\. Ask for another slot, or leave it out/);
  });

  test('for a reason that nobody knows, which is quoted nowhere', async () => {
    await world.running('fussy', 'insert-error=other');
    await objects.attachment('fussy-nic', 'fussy', world.freeDevice());
    const condition = await objects.condition('PciAttachment', 'fussy-nic', 'Ready', { reason: 'InsertFailed' });
    expect(condition.message).toMatch(/gave a reason that is not one of the known ones; its log has it/);
    expect(JSON.stringify(await objects.get('PciAttachment', 'fussy-nic'))).not.toMatch(/does not like/);
    expect(world.log.text()).not.toMatch(/does not like/);
  });

  test('a model that never takes the command: it is withdrawn, and sent again when it does', async () => {
    const host = world.host();
    await world.running('deaf', 'ignore-commands');
    const address = world.freeDevice();
    await objects.attachment('deaf-nic', 'deaf', address);
    const { status } = await objects.get('StubDomain', 'deaf');
    const channel = `/local/domain/${String(status?.domid)}/device-model/${String(status?.targetDomid)}`;
    await eventually(async () => {
      expect(await host.store.tryReadString(`${channel}/command`)).toBe('pci-ins');
    });
    host.clock.skip(10_000);
    // It is sent again after a second.
    await eventually(async () => {
      const nodes = ['command', 'parameter'].map(async (node) => host.store.tryReadString(`${channel}/${node}`));
      expect(await Promise.all(nodes)).toEqual([undefined, undefined]);
    });
    const condition = await objects.condition('PciAttachment', 'deaf-nic', 'Inserted', { reason: 'NotDelivered' });
    expect(condition.message).toMatch(/did not take the command in time, and it was withdrawn/);
    await host.admin.clearQuirks();
    host.clock.skip(5000);
    await objects.ready('PciAttachment', 'deaf-nic');
    expect(await world.host().devicesIn('deaf')).toEqual([address.slice(5)]);
  });
});

describe('the device cannot be had', () => {
  test('the host has no such device', async () => {
    await world.running('lost');
    await objects.attachment('lost-nic', 'lost', '0000:fe:1f.7');
    const condition = await objects.condition('PciAttachment', 'lost-nic', 'Claimed', { reason: 'DeviceNotFound' });
    expect(condition.message).toBe(
      'xen-1 has no PCI device 0000:fe:1f.7. kubectl get xenhost xen-1 -o yaml lists those it has.',
    );
    await objects.condition('PciAttachment', 'lost-nic', 'Ready', { status: 'False', reason: 'DeviceNotFound' });
  });

  test('no device matches the selector', async () => {
    await world.running('picky');
    await objects.applySpec('PciAttachment', 'picky-nic', {
      stubDomainRef: { name: 'picky' },
      device: { selector: { vendorID: 'dead' } },
    });
    const condition = await objects.condition('PciAttachment', 'picky-nic', 'Ready', { reason: 'NoMatchingDevice' });
    expect(condition.message).toBe('xen-1 has no PCI device that matches spec.device.selector.');
  });

  test('another attachment has it: the message says which; the oldest that waits takes over', async () => {
    const address = world.freeDevice();
    await world.running('owner');
    await world.running('heir');
    await world.running('third');
    await objects.attachment('a-owner', 'owner', address);
    await objects.ready('PciAttachment', 'a-owner');
    await objects.attachment('b-heir', 'heir', address);
    await objects.condition('PciAttachment', 'b-heir', 'Claimed', { reason: 'DeviceClaimed' });
    await objects.attachment('c-third', 'third', address);
    for (const name of ['b-heir', 'c-third']) {
      const condition = await objects.condition('PciAttachment', name, 'Ready', {
        status: 'False',
        reason: 'DeviceClaimed',
      });
      expect(condition.message).toMatch(
        /^PciAttachment default\/(a-owner|b-heir) has 0000:10:\w\w\.0 on xen-1\. It is claimed here as soon as it is free\.$/,
      );
    }
    await objects.remove('PciAttachment', 'a-owner');
    await objects.ready('PciAttachment', 'b-heir');
    await objects.condition('PciAttachment', 'c-third', 'Claimed', {
      reason: 'DeviceClaimed',
      message: /default\/b-heir has/,
    });
    expect(await world.host().devicesIn('owner')).toEqual([]);
    expect(await world.host().devicesIn('heir')).toEqual([address.slice(5)]);
    expect(await world.host().devicesIn('third')).toEqual([]);
    await objects.removed('PciAttachment', 'b-heir');
    await objects.ready('PciAttachment', 'c-third');
  });

  test('a driver of dom0 has it; with Seize it is taken, and given back afterwards', async () => {
    await world.running('seizer');
    await objects.attachment('seized', 'seizer', '0000:05:00.0');
    const condition = await objects.condition('PciAttachment', 'seized', 'Ready', { reason: 'DeviceNotAssignable' });
    expect(condition.message).toMatch(
      /is bound to driver igb of dom0\. Make it assignable \(xl pci-assignable-add 0000:05:00\.0\), or set spec\.driverPolicy to Seize/,
    );
    await objects.patchSpec('PciAttachment', 'seized', { driverPolicy: 'Seize' });
    const { status } = await objects.ready('PciAttachment', 'seized');
    expect(status).toMatchObject({ originalDriver: 'igb', address: '0000:05:00.0' });
    await eventually(async () => {
      expect(await driverOf('0000:05:00.0')).toBe('pciback');
    });
    await objects.removed('PciAttachment', 'seized');
    await eventually(async () => {
      expect(await driverOf('0000:05:00.0')).toBe('igb');
    });
    expect(await world.host().admin.grants()).not.toContainEqual(expect.objectContaining({ address: '0000:05:00.0' }));
  });

  test('a driver of dom0 has it; somebody makes it assignable by hand', async () => {
    await world.running('patient');
    await objects.attachment('patient-disk', 'patient', '0000:07:00.0');
    await objects.condition('PciAttachment', 'patient-disk', 'Ready', { reason: 'DeviceNotAssignable' });
    await world.host().hypervisor.makeAssignable('0000:07:00.0');
    await world.host().store.write('/libxl/pci/0000-07-00-0/driver_path', '/sys/bus/pci/drivers/nvme');
    await objects.ready('PciAttachment', 'patient-disk');
  });

  test('a driver of dom0 has it; somebody makes it assignable through sysfs', async () => {
    await world.running('waiter');
    await objects.attachment('waiter-card', 'waiter', '0000:09:00.0');
    const condition = await objects.condition('PciAttachment', 'waiter-card', 'Ready', {
      reason: 'DeviceNotAssignable',
    });
    expect(condition.message).toMatch(/^0000:09:00\.0 on xen-1 has no driver\. Make it assignable/);
    await world.host().hypervisor.makeAssignable('0000:09:00.0');
    world.host().clock.skip(30_000);
    await objects.ready('PciAttachment', 'waiter-card');
  });

  test("the host's policy denies it, until somebody changes the policy", async () => {
    const address = world.freeDevice();
    await world.running('denied');
    await objects.applySpec('XenHost', 'xen-1', { pci: { deny: [address] } });
    await eventually(async () => {
      const { status } = await objects.get('XenHost', 'xen-1');
      expect(JSON.stringify(status)).toContain('"assignable":"Denied"');
    });
    await objects.attachment('denied-nic', 'denied', address);
    const condition = await objects.condition('PciAttachment', 'denied-nic', 'Claimed', { reason: 'DeviceDenied' });
    expect(condition.message).toBe(
      `spec.pci.deny of XenHost xen-1 names ${address}. Remove it there (kubectl edit xenhost xen-1), or choose another device.`,
    );
    await objects.condition('PciAttachment', 'denied-nic', 'Ready', { reason: 'DeviceDenied' });
    await objects.applySpec('XenHost', 'xen-1', { pci: { deny: [] } });
    await objects.ready('PciAttachment', 'denied-nic');
  });

  test('another toolstack of the host has it', async () => {
    const address = world.freeDevice();
    const path = `/libxl/pci/${address.replaceAll(/[:.]/g, '-')}/domid`;
    await world.running('envious');
    await world.host().store.write(path, '4711');
    await objects.attachment('envious-nic', 'envious', address);
    const condition = await objects.condition('PciAttachment', 'envious-nic', 'Ready', { reason: 'DeviceInUse' });
    expect(condition.message).toMatch(
      /is given to domain 4711 on this host, by something else than this operator\. Detach it there\./,
    );
    await world.host().store.remove(path);
    await objects.ready('PciAttachment', 'envious-nic');
  });
});

describe('the stub domain is not there for it', () => {
  test('no StubDomain has that name; when there is one, the device is attached', async () => {
    const address = world.freeDevice();
    await objects.attachment('early-nic', 'early', address);
    const condition = await objects.condition('PciAttachment', 'early-nic', 'Claimed', {
      reason: 'StubDomainNotFound',
    });
    expect(condition.message).toBe(
      'There is no StubDomain early in this namespace. The device is claimed when there is.',
    );
    await objects.condition('PciAttachment', 'early-nic', 'Ready', { status: 'False', reason: 'StubDomainNotFound' });
    await world.running('early');
    await objects.ready('PciAttachment', 'early-nic');
    expect(await world.host().devicesIn('early')).toEqual([address.slice(5)]);
  });

  test('the StubDomain has no host yet', async () => {
    await objects.stubDomain('homeless');
    await objects.attachment('homeless-nic', 'homeless', world.freeDevice());
    const condition = await objects.condition('PciAttachment', 'homeless-nic', 'Ready', {
      reason: 'StubDomainNotScheduled',
    });
    expect(condition.message).toBe('StubDomain homeless has no host yet; its conditions say why.');
  });

  test('it is paused: the device comes when it runs again', async () => {
    await world.running('asleep');
    await objects.patchSpec('StubDomain', 'asleep', { runState: 'Paused' });
    await objects.condition('StubDomain', 'asleep', 'Paused', { status: 'True' });
    await objects.attachment('asleep-nic', 'asleep', world.freeDevice());
    const condition = await objects.condition('PciAttachment', 'asleep-nic', 'Ready', { reason: 'StubDomainPaused' });
    expect(condition.message).toBe('The device model is paused; the device is inserted when it runs again.');
    await objects.patchSpec('StubDomain', 'asleep', { runState: 'Running' });
    await objects.ready('PciAttachment', 'asleep-nic');
  });

  test('it has listed its devices before this one came', async () => {
    await world.running('settled');
    await objects.attachment('settled-1', 'settled', world.freeDevice());
    await objects.ready('PciAttachment', 'settled-1');
    await objects.attachment('settled-2', 'settled', world.freeDevice());
    const condition = await objects.condition('PciAttachment', 'settled-2', 'Ready', { reason: 'EnumerationStale' });
    expect(condition.message).toMatch(
      /listed its PCI devices before .* came, and MiniOS lists only once\. Restart the guest, or delete and create the StubDomain/,
    );
    await objects.condition('PciAttachment', 'settled-2', 'Stalled', { status: 'True', reason: 'EnumerationStale' });
    await objects.condition('PciAttachment', 'settled-1', 'Ready', { status: 'True' });
    await world.host().admin.restartGuest(uuidOf('settled'));
    await objects.ready('PciAttachment', 'settled-2');
    expect((await world.host().devicesIn('settled')).length).toBe(2);
  });
});
