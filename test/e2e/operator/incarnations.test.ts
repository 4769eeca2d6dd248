import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
});
afterAll(() => world.close());

const models = async (guest: string) =>
  (await world.host().admin.deviceModels()).filter((model) => model.guest === guest);

test('the guest restarts under another domid: another stub domain is made, with all its devices', async () => {
  const addresses = await world.attached('reborn', 2);
  const before = await objects.get('StubDomain', 'reborn');
  const { domid } = await world.host().admin.restartGuest(uuidOf('reborn'));
  await eventually(async () => {
    const { status } = await objects.ready('StubDomain', 'reborn');
    expect(status?.targetDomid).toBe(domid);
  });
  for (const index of addresses.keys()) await objects.ready('PciAttachment', `reborn-${String(index)}`);
  const after = await objects.get('StubDomain', 'reborn');
  expect(after.status?.uuid).not.toBe(before.status?.uuid);
  const [old, present, ...more] = await models('reborn');
  expect(more).toEqual([]);
  expect(old).toMatchObject({ domid: before.status?.domid, phase: 'dead', commands: { 'pci-ins': 2 } });
  expect(present).toMatchObject({ domid: after.status?.domid, targetDomid: domid, commands: { 'pci-ins': 2 } });
  expect(present?.guestDevices.map(({ device }) => device).sort()).toEqual(
    addresses.map((address) => address.slice(5)),
  );
  for (const address of addresses) {
    expect((await world.host().grantsOf(address)).map((grant) => grant.domid).sort()).toEqual(
      [domid, after.status?.domid].sort(),
    );
  }
  expect(await world.host().store.tryList(`/local/domain/${String(before.status?.domid)}`)).toBeUndefined();
  expect(
    await world.host().store.tryList(`/local/domain/0/backend/vbd/${String(before.status?.domid)}`),
  ).toBeUndefined();
});

test('the stub domain dies: it is made again, with its device, and an event says so', async () => {
  const [address = ''] = await world.attached('mortal');
  const before = await objects.get('StubDomain', 'mortal');
  await world.host().admin.killDomain(before.status?.domid ?? 0);
  await eventually(async () => {
    const { status } = await objects.ready('StubDomain', 'mortal');
    expect(status?.uuid).not.toBe(before.status?.uuid);
  });
  await eventually(async () => {
    const [, second] = await models('mortal');
    expect(second?.guestDevices.map(({ device }) => device)).toEqual([address.slice(5)]);
  });
  await objects.ready('PciAttachment', 'mortal-0');
  await eventually(async () => {
    expect(await objects.events('mortal')).toContainEqual(
      expect.stringMatching(/^Warning StubDomainDied: Took down the stub domain \d+: it died$/),
    );
  });
});

test('the agent stops and another starts: nothing is done twice', async () => {
  await world.attached('steady', 2);
  const before = await objects.get('StubDomain', 'steady');
  const [model] = await models('steady');
  const writes = await world.host().admin.resets();
  await world.host().stopAgent();
  await world.host().startAgent();
  // A change that only the new agent can answer, so that it has looked.
  await objects.patchSpec('StubDomain', 'steady', { runState: 'Paused' });
  await objects.condition('StubDomain', 'steady', 'Paused', { status: 'True' });
  await objects.patchSpec('StubDomain', 'steady', { runState: 'Running' });
  await objects.ready('StubDomain', 'steady');
  const { status } = await objects.get('StubDomain', 'steady');
  expect([status?.uuid, status?.domid]).toEqual([before.status?.uuid, before.status?.domid]);
  expect(await models('steady')).toEqual([
    {
      ...model,
      commands: { 'pci-ins': 2, save: 1, continue: 1 },
      replies: (model?.replies ?? 0) + 2,
      saves: expect.any(Array),
    },
  ]);
  expect(await world.host().admin.resets()).toEqual(writes);
});

test('objects that are deleted while no agent runs go when one starts', async () => {
  await world.attached('orphaned');
  const { status } = await objects.get('StubDomain', 'orphaned');
  await world.host().stopAgent();
  await objects.remove('PciAttachment', 'orphaned-0');
  await objects.remove('StubDomain', 'orphaned');
  await world.host().startAgent();
  await objects.gone('PciAttachment', 'orphaned-0');
  await objects.gone('StubDomain', 'orphaned');
  expect((await models('orphaned'))[0]?.phase).toBe('dead');
  expect(await world.host().store.tryList(`/local/domain/${String(status?.domid)}`)).toBeUndefined();
});

test('the guest goes away for good: TargetFound says so, its device is free for others, and comes back with it', async () => {
  const [address = ''] = await world.attached('leaver');
  await world.host().admin.removeGuest(uuidOf('leaver'));
  const condition = await objects.condition('StubDomain', 'leaver', 'TargetFound', {
    status: 'False',
    reason: 'TargetNotFound',
  });
  expect(condition.message).toMatch(
    /^No guest with uuid .* runs on this host\. The stub domain is made when it starts\.$/,
  );
  await objects.condition('StubDomain', 'leaver', 'Ready', { status: 'False', reason: 'TargetNotFound' });
  const inserted = await objects.condition('PciAttachment', 'leaver-0', 'Ready', { status: 'False' });
  expect(inserted.message).toMatch(/guest/i);
  expect(await world.host().grantsOf(address)).toEqual([]);
  expect(await world.host().store.tryRead(`/libxl/pci/${address.replaceAll(/[:.]/g, '-')}/domid`)).toBeUndefined();
  await world.host().addGuest('leaver');
  await objects.ready('StubDomain', 'leaver');
  await objects.ready('PciAttachment', 'leaver-0');
  expect((await models('leaver')).at(-1)?.guestDevices.map(({ device }) => device)).toEqual([address.slice(5)]);
});

test('XenStore comes back empty: the agent reconnects, says what is missing, and invents nothing', async () => {
  await world.attached('forgotten');
  const before = await objects.get('StubDomain', 'forgotten');
  const domains = await world.host().hypervisor.listDomains();
  const made = (await world.host().admin.deviceModels()).length;
  await world.host().stopDaemon();
  const lost = await objects.condition('XenHost', 'xen-1', 'Ready', {
    status: 'False',
    reason: 'XenStoreDisconnected',
  });
  expect(lost.message).toBe('The agent has no link to XenStore; it tries again.');
  expect(world.host().agent.readiness()).toEqual({ ready: false, reasons: ['no link to XenStore'] });
  await world.host().startDaemonEmpty();
  const { domid, targetDomid } = before.status ?? {};
  const ready = await objects.condition('StubDomain', 'forgotten', 'Ready', {
    status: 'False',
    reason: 'XenStoreEmpty',
  });
  expect(ready.message).toBe(
    `XenStore has nothing about domains ${String(targetDomid)} and ${String(domid)}, which the hypervisor runs: its daemon was restarted empty. Nothing is done meanwhile. Shut the guest down and start it again, after its stub domain is gone too (xl destroy), or restart the host.`,
  );
  await objects.condition('StubDomain', 'forgotten', 'Stalled', { status: 'True', reason: 'XenStoreEmpty' });
  await objects.condition('StubDomain', 'forgotten', 'TargetFound', { status: 'True' });
  for (const type of ['DevicesWired', 'DeviceModelRunning', 'Paused', 'ChannelIdle'])
    await objects.condition('StubDomain', 'forgotten', type, { status: 'Unknown', reason: 'XenStoreEmpty' });
  await objects.condition('PciAttachment', 'forgotten-0', 'Ready', { status: 'False', reason: 'XenStoreEmpty' });
  const host = await objects.condition('XenHost', 'xen-1', 'Ready', { status: 'False', reason: 'XenStoreEmpty' });
  expect(host.message).toMatch(/^XenStore has nothing about domains that run here \(/);
  await objects.condition('XenHost', 'xen-1', 'XenStoreConnected', { status: 'True' });
  // The end of an object gives nothing away.
  await objects.remove('PciAttachment', 'forgotten-0');
  await objects.condition('PciAttachment', 'forgotten-0', 'Removing', { status: 'Unknown', reason: 'XenStoreEmpty' });
  expect(world.host().agent.readiness()).toEqual({ ready: true, reasons: [] });
  expect(await world.host().hypervisor.listDomains()).toEqual(domains);
  expect((await world.host().admin.deviceModels()).length).toBe(made);
  for (const path of ['/tool/stubdom', '/local/domain', '/libxl'])
    expect(await world.host().store.tryList(path)).toBeUndefined();
  // What the message says to do.
  await world.host().hypervisor.destroyDomain({ domid: domid ?? 0, uuid: before.status?.uuid ?? '' });
  await world.host().admin.restartGuest(uuidOf('forgotten'));
  await objects.gone('PciAttachment', 'forgotten-0');
  const after = await objects.ready('StubDomain', 'forgotten');
  expect(after.status?.uuid).not.toBe(before.status?.uuid);
  expect(world.log.records.filter(({ level }) => level === 'error')).toEqual([]);
});
