import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { pciAttachments, stubDomains } from '../../../operator/kube/resources.ts';
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

const short = (addresses: readonly (string | undefined)[]) => addresses.map((address) => address?.slice(5)).sort();

/** The guest runs under another domid, and its StubDomain with it. */
async function restarted(name: string): Promise<void> {
  const { domid } = await world.host().admin.restartGuest(uuidOf(name));
  await eventually(async () => {
    const { status } = await objects.ready('StubDomain', name);
    expect(status?.targetDomid).toBe(domid);
  });
}

describe('the guest restarts', () => {
  test('while one of three devices is on its way out: that one is gone, and the others are back', async () => {
    const { admin, store } = world.host();
    const [first, second, third] = await world.attached('leaving', 3);
    await admin.addQuirk('no-eject@leaving');
    await objects.remove('PciAttachment', 'leaving-1');
    await objects.condition('PciAttachment', 'leaving-1', 'Removing', { status: 'True', reason: 'WaitingForGuest' });
    await restarted('leaving');
    await objects.gone('PciAttachment', 'leaving-1');
    for (const name of ['leaving-0', 'leaving-2']) await objects.ready('PciAttachment', name);
    expect(await world.host().devicesIn('leaving')).toEqual(short([first, third]));
    expect((await world.host().deviceModel('leaving'))?.commands).toEqual({ 'pci-ins': 2 });
    const claimed = `/libxl/pci/${(second ?? '').replaceAll(/[:.]/g, '-')}/domid`;
    expect(await store.tryRead(claimed)).toBeUndefined();
    expect((await admin.grants()).filter(({ address }) => address === second)).toEqual([]);
  });

  test('while paused: the new stub domain is paused too, and its devices wait until it goes on', async () => {
    const addresses = await world.attached('napping', 2);
    await objects.patchSpec('StubDomain', 'napping', { runState: 'Paused' });
    const before = await objects.ready('StubDomain', 'napping');
    await restarted('napping');
    const { status } = await objects.ready('StubDomain', 'napping');
    expect(status).toMatchObject({
      phase: 'Paused',
      savedState: { path: `/var/lib/xen/qemu-save.${String(status?.targetDomid)}` },
    });
    expect(status?.savedState?.path).not.toBe(before.status?.savedState?.path);
    for (const index of addresses.keys())
      await objects.condition('PciAttachment', `napping-${String(index)}`, 'Ready', { reason: 'StubDomainPaused' });
    expect((await world.host().deviceModel('napping'))?.commands).toEqual({ save: 1 });
    await objects.patchSpec('StubDomain', 'napping', { runState: 'Running' });
    await objects.condition('StubDomain', 'napping', 'Ready', { status: 'True', message: /running, as asked/ });
    for (const index of addresses.keys()) await objects.ready('PciAttachment', `napping-${String(index)}`);
    expect(await world.host().devicesIn('napping')).toEqual(short(addresses));
  });

  test('twice in a row, and its stub domain dies besides: everything is as asked in the end', async () => {
    const addresses = await world.attached('restless', 2);
    const { admin } = world.host();
    await admin.restartGuest(uuidOf('restless'));
    await restarted('restless');
    const { status } = await objects.get('StubDomain', 'restless');
    await admin.killDomain(status?.domid ?? 0);
    await objects.condition('StubDomain', 'restless', 'Ready', { status: 'False' });
    // The more stub domains died before it, the longer it takes until another is made.
    world.host().clock.skip(10_000);
    await eventually(async () => {
      const now = await objects.ready('StubDomain', 'restless');
      expect(now.status?.uuid).not.toBe(status?.uuid);
    });
    await eventually(async () => expect(await world.host().devicesIn('restless')).toEqual(short(addresses)));
    for (const index of addresses.keys()) await objects.ready('PciAttachment', `restless-${String(index)}`);
    const alive = (await admin.deviceModels()).filter(({ guest, phase }) => guest === 'restless' && phase !== 'dead');
    expect(alive).toHaveLength(1);
  });

  test('and its domid is given to another guest while no agent runs: that one loses nothing', async () => {
    const { admin, store } = world.host();
    const [address] = await world.attached('evicted', 1);
    const { status } = await objects.get('StubDomain', 'evicted');
    await world.host().stopAgent();
    await admin.removeGuest(uuidOf('evicted'));
    await world.host().addGuest('squatter');
    await admin.restartGuest(uuidOf('squatter'), status?.targetDomid);
    await objects.stubDomain('squatter');
    await world.host().startAgent();
    await objects.condition('StubDomain', 'evicted', 'Ready', { status: 'False', reason: 'TargetNotFound' });
    const squatter = await objects.ready('StubDomain', 'squatter');
    expect(squatter.status?.targetDomid).toBe(status?.targetDomid);
    expect(await store.readString(`/local/domain/${String(status?.targetDomid)}/image/device-model-domid`)).toBe(
      String(squatter.status?.domid),
    );
    expect((await admin.grants()).filter((grant) => grant.address === address)).toEqual([]);
    await world.host().addGuest('evicted');
    await objects.ready('PciAttachment', 'evicted-0');
    expect(await world.host().devicesIn('evicted')).toEqual(short([address]));
    await objects.ready('StubDomain', 'squatter');
  });
});

describe('objects that were deleted without their finalizers and created again', () => {
  const types = { StubDomain: stubDomains, PciAttachment: pciAttachments } as const;

  /** As a restore of the cluster from a backup does. */
  async function lost(kind: 'StubDomain' | 'PciAttachment', name: string): Promise<void> {
    const ref = { namespace: 'default', name };
    await world.kube.mergePatch(types[kind], ref, { metadata: { finalizers: [] } });
    await objects.removed(kind, name);
  }

  test('with the same spec: the stub domain that runs and its devices are taken over', async () => {
    const [address = ''] = await world.attached('restored', 1);
    const before = await objects.get('StubDomain', 'restored');
    await world.host().stopAgent();
    await lost('PciAttachment', 'restored-0');
    await lost('StubDomain', 'restored');
    await objects.stubDomain('restored');
    await objects.attachment('restored-0', 'restored', address);
    await world.host().startAgent();
    const after = await objects.ready('StubDomain', 'restored');
    await objects.ready('PciAttachment', 'restored-0');
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    expect([after.status?.uuid, after.status?.domid]).toEqual([before.status?.uuid, before.status?.domid]);
    expect((await world.host().deviceModel('restored'))?.commands).toEqual({ 'pci-ins': 1 });
    await eventually(async () => {
      const said = [...(await objects.events('restored')), ...(await objects.events('restored-0'))];
      expect(said).toEqual(
        expect.arrayContaining([
          `Normal TakenOver: Took over stub domain ${String(before.status?.domid)}, which a StubDomain that is gone had asked for in the same way`,
          `Normal TakenOver: Took over ${address}, which a PciAttachment that is gone had asked for in the same way`,
        ]),
      );
    });
    // They are the owners now: what they are asked is done.
    await objects.removed('PciAttachment', 'restored-0');
    await objects.removed('StubDomain', 'restored');
    expect((await world.host().deviceModel('restored'))?.phase).toBe('dead');
  });

  test('with another spec: the stub domain is made anew', async () => {
    await world.attached('altered', 1);
    const before = await objects.get('StubDomain', 'altered');
    await world.host().stopAgent();
    await lost('StubDomain', 'altered');
    await objects.stubDomain('altered', { memoryMiB: 64 });
    await world.host().startAgent();
    await eventually(async () => {
      const after = await objects.ready('StubDomain', 'altered');
      expect(after.status?.uuid).not.toBe(before.status?.uuid);
    });
    await objects.ready('PciAttachment', 'altered-0');
  });

  test('with other options: the device leaves the guest and comes again', async () => {
    const [address = ''] = await world.attached('retuned', 1);
    await world.host().stopAgent();
    await lost('PciAttachment', 'retuned-0');
    await objects.attachment('retuned-0', 'retuned', address, { options: { permissive: 'Enabled' } });
    await world.host().startAgent();
    await eventually(async () =>
      expect((await world.host().deviceModel('retuned'))?.commands).toEqual({ 'pci-ins': 2, 'pci-rem': 1 }),
    );
    await objects.ready('PciAttachment', 'retuned-0');
  });
});
