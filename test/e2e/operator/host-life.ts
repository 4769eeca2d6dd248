import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { agentFinalizer, fencedAnnotation, reconcilePausedAnnotation } from '../../../operator/api/names.ts';
import type { XenHost } from '../../../operator/api/generated/xen-host.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { pciAttachments, stubDomains, xenHosts } from '../../../operator/kube/resources.ts';
import type { ResourceType } from '../../../operator/kube/types.ts';
import { eventually } from '../../support/eventually.ts';
import type { OperatorWorld } from '../../support/operator-world.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

/** The life of hosts, from a reboot to a dead one, in a world with hosts xen-1 and xen-2. */
export function hostLife(start: () => Promise<OperatorWorld>): void {
  let world: OperatorWorld;
  let objects: WorldObjects;

  beforeAll(async () => {
    world = await start();
    ({ objects } = world);
  }, 60_000);
  afterAll(() => world.close());

  async function annotate(type: ResourceType, name: string, key: string, value: string | null): Promise<void> {
    const ref = type.namespaced ? { namespace: 'default', name } : { name };
    await world.kube.mergePatch(type, ref, { metadata: { annotations: { [key]: value } } });
  }
  const xenHost = (name: string) => world.kube.get<XenHost>(xenHosts, { name });
  const models = async (host: string) => (await world.host(host).admin.deviceModels()).map(({ guest }) => guest);

  /** Time passes for the controller; the agent of xen-1 has renewed its Lease meanwhile. */
  async function outliveLease(): Promise<void> {
    world.clock.skip(41_000);
    world.host('xen-1').clock.skip(15_000);
  }

  describe('a host is started anew', () => {
    test('its boot is another one, nothing of before is believed, and all comes back with its guests', async () => {
      const host = world.host('xen-2');
      await host.addGuest('phoenix');
      await objects.stubDomain('phoenix');
      await objects.attachment('phoenix-nic', 'phoenix', '0000:03:00.0');
      const before = await objects.ready('StubDomain', 'phoenix');
      await objects.ready('PciAttachment', 'phoenix-nic');
      const { bootID } = (await xenHost('xen-2')).status ?? {};

      await host.powerOff();
      await host.powerOn();
      await objects.condition('StubDomain', 'phoenix', 'Ready', { status: 'False', reason: 'TargetNotFound' });
      await objects.condition('PciAttachment', 'phoenix-nic', 'Ready', { status: 'False', reason: 'TargetNotFound' });
      // The host is told of apart from its objects.
      await eventually(async () => {
        expect((await xenHost('xen-2')).status?.bootID).not.toBe(bootID);
      });
      await eventually(async () => {
        expect(await objects.events('xen-2')).toContainEqual(
          expect.stringContaining(
            `Warning Rebooted: The host was started anew: its boot id was ${bootID ?? ''} and is`,
          ),
        );
      });

      await host.addGuest('phoenix');
      const after = await objects.ready('StubDomain', 'phoenix');
      await objects.ready('PciAttachment', 'phoenix-nic');
      expect(after.status?.uuid).not.toBe(before.status?.uuid);
      expect(await models('xen-2')).toEqual(['phoenix']);
    });
  });

  describe('a host shall become empty', () => {
    test('takes nothing more, lists what is in the way and what to do about it, and says when it is empty', async () => {
      const host = world.host('xen-2');
      await host.addGuest('plain');
      await host.addGuest('carded');
      await objects.stubDomain('plain');
      await objects.stubDomain('carded');
      await objects.attachment('carded-nic', 'carded', '0000:04:00.0');
      await objects.ready('StubDomain', 'plain');
      await objects.ready('PciAttachment', 'carded-nic');
      await objects.applySpec('XenHost', 'xen-2', { drain: { reason: 'new disks' } });
      await objects.condition('XenHost', 'xen-2', 'Schedulable', { status: 'False', reason: 'HostDraining' });
      const left = await objects.condition('XenHost', 'xen-2', 'Drained', {
        status: 'False',
        reason: 'StubDomainsRemain',
        message: /3 StubDomains/,
      });
      expect(left.message).toBe(
        'The host shall become empty ("new disks"). 3 StubDomains are bound to the host: default/carded (has PCI devices: detach them and move the guest, or shut it down), default/phoenix (has PCI devices: detach them and move the guest, or shut it down), default/plain (move the guest or shut it down). Then delete the StubDomain. The operator moves no guests.',
      );
      expect((await xenHost('xen-2')).status?.drain).toMatchObject({
        remaining: 3,
        stubDomains: [
          { name: 'carded', guestName: 'carded', pciDevices: ['0000:04:00.0'], action: 'ShutDownGuest' },
          { name: 'phoenix', action: 'ShutDownGuest' },
          { name: 'plain', action: 'MoveGuest' },
        ],
      });

      await host.addGuest('late');
      await objects.stubDomain('late');
      await objects.condition('StubDomain', 'late', 'Scheduled', { status: 'False', reason: 'HostDraining' });

      await host.admin.removeGuest(uuidOf('plain'));
      await eventually(async () => {
        const { drain } = (await xenHost('xen-2')).status ?? {};
        expect(drain?.stubDomains).toContainEqual(
          expect.objectContaining({ name: 'plain', action: 'DeleteStubDomain' }),
        );
      });
      for (const name of ['carded-nic', 'phoenix-nic']) await objects.removed('PciAttachment', name);
      for (const name of ['plain', 'carded', 'phoenix']) await objects.removed('StubDomain', name);
      await objects.condition('XenHost', 'xen-2', 'Drained', { status: 'True', reason: 'Drained' });
      await eventually(async () => {
        expect(await objects.events('xen-2')).toContainEqual(expect.stringContaining('Normal Drained: '));
      });

      await objects.applySpec('XenHost', 'xen-2', {});
      await objects.condition('XenHost', 'xen-2', 'Schedulable', { status: 'True' });
      expect((await xenHost('xen-2')).status?.drain).toBeUndefined();
      expect((await objects.ready('StubDomain', 'late')).status?.nodeName).toBe('xen-2');
    });
  });

  describe('a host is chosen for a guest that is nowhere yet', () => {
    test('the one with the device, and the stub domain runs when the guest is started there', async () => {
      await objects.attachment('early-nic', 'early', '0000:10:01.0');
      await objects.applySpec('XenHost', 'xen-1', { pci: { deny: ['0000:10:01.0'] } });
      await objects.stubDomain('early', { placement: 'ChooseHost' });
      await objects.condition('StubDomain', 'early', 'Scheduled', { status: 'True' });
      expect((await objects.get('StubDomain', 'early')).status?.nodeName).toBe('xen-2');
      await objects.condition('StubDomain', 'early', 'Ready', { status: 'False', reason: 'TargetNotFound' });
      await world.host('xen-1').addGuest('early');
      await objects.condition('StubDomain', 'early', 'Scheduled', { status: 'True', reason: 'GuestElsewhere' });
      await world.host('xen-1').admin.removeGuest(uuidOf('early'));
      await world.host('xen-2').addGuest('early');
      await objects.ready('PciAttachment', 'early-nic');
      await objects.condition('StubDomain', 'early', 'Scheduled', { status: 'True', reason: 'Scheduled' });
    });
  });

  describe('an object is left alone', () => {
    test('a StubDomain: its run state, its devices and its deletion wait', async () => {
      await annotate(stubDomains, 'late', reconcilePausedAnnotation, 'disk swap');
      await objects.condition('StubDomain', 'late', 'Stalled', { status: 'False', reason: 'ReconcilePaused' });
      await objects.condition('StubDomain', 'late', 'Ready', { status: 'True', reason: 'AsDesired' });
      await objects.attachment('late-nic', 'late', '0000:03:00.0');
      await objects.condition('PciAttachment', 'late-nic', 'Claimed', { status: 'False', reason: 'ReconcilePaused' });
      await objects.patchSpec('StubDomain', 'late', { runState: 'Paused' });
      const waiting = await objects.condition('StubDomain', 'late', 'Ready', { reason: 'ReconcilePaused' });
      expect(waiting.message).toContain('StubDomain late is left alone: stubdom.io/paused says "disk swap".');
      await objects.remove('StubDomain', 'late');
      await objects.condition('StubDomain', 'late', 'Stalled', { status: 'True', message: /Its deletion waits/ });
      const [model] = (await world.host('xen-2').admin.deviceModels()).filter(({ guest }) => guest === 'late');
      expect(model).toMatchObject({ commands: {} });

      await annotate(stubDomains, 'late', reconcilePausedAnnotation, null);
      await objects.gone('StubDomain', 'late');
      await objects.removed('PciAttachment', 'late-nic');
    });

    test('a PciAttachment that waits is attached when it goes on', async () => {
      await annotate(pciAttachments, 'early-nic', reconcilePausedAnnotation, '');
      await objects.remove('PciAttachment', 'early-nic');
      await objects.condition('PciAttachment', 'early-nic', 'Ready', { status: 'False', reason: 'ReconcilePaused' });
      expect((await xenHost('xen-2')).status?.pciDevices).toContainEqual(
        expect.objectContaining({ address: '0000:10:01.0', owner: expect.stringMatching(/./) }),
      );
      await annotate(pciAttachments, 'early-nic', reconcilePausedAnnotation, null);
      await objects.gone('PciAttachment', 'early-nic');
    });
  });

  describe('a host is declared dead', () => {
    test('not while its Lease has not run out', async () => {
      await world.host('xen-2').addGuest('mover');
      await objects.stubDomain('mover');
      await objects.attachment('mover-nic', 'mover', '0000:03:00.0');
      await objects.ready('PciAttachment', 'mover-nic');
      await annotate(xenHosts, 'xen-2', fencedAnnotation, '');
      await objects.condition('XenHost', 'xen-2', 'Fenced', { status: 'False', reason: 'FenceUnexplained' });
      await annotate(xenHosts, 'xen-2', fencedAnnotation, 'power unit burnt');
      await objects.condition('XenHost', 'xen-2', 'Fenced', { status: 'False', reason: 'FenceRefused' });
      await objects.condition('XenHost', 'xen-2', 'Schedulable', { status: 'False', reason: 'HostFenced' });
      expect((await objects.ready('StubDomain', 'mover')).status?.nodeName).toBe('xen-2');
    });

    test('then what was bound to it is released, and served where its guest is started', async () => {
      await objects.stubDomain('doomed', { nodeName: 'xen-1' });
      await world.host('xen-2').powerOff();
      await objects.remove('StubDomain', 'early');
      await outliveLease();
      await objects.condition('XenHost', 'xen-2', 'Fenced', { status: 'True', reason: 'Fenced' });
      // Its agent could not: nothing is left to be undone on a dead host.
      await objects.gone('StubDomain', 'early');
      await objects.condition('StubDomain', 'mover', 'Scheduled', { status: 'False', reason: 'TargetNotFound' });
      await objects.condition('PciAttachment', 'mover-nic', 'Claimed', { status: 'False' });
      const mover = await objects.get('StubDomain', 'mover');
      expect(mover.metadata.finalizers ?? []).not.toContain(agentFinalizer);
      expect(mover.status?.conditions).toHaveLength(9);
      for (const status of [mover.status, (await objects.get('PciAttachment', 'mover-nic')).status]) {
        const full = Object.entries(status ?? {}).filter(([, value]) => !Array.isArray(value) || value.length > 0);
        expect(full.map(([field]) => field)).toEqual(['conditions']);
      }
      await eventually(async () => {
        expect(await objects.events('mover')).toContainEqual(
          expect.stringMatching(/^Warning HostFenced: xen-2 was declared dead .*"power unit burnt"/),
        );
      });
      await eventually(async () => {
        expect(await objects.events('xen-2')).toContainEqual(expect.stringContaining('Warning Fenced: '));
      });

      await world.host('xen-1').addGuest('mover');
      expect((await objects.ready('StubDomain', 'mover')).status?.nodeName).toBe('xen-1');
      await objects.ready('PciAttachment', 'mover-nic');
      expect(await models('xen-1')).toContain('mover');
    });

    test('when it is back, nothing is placed there until the annotation is removed', async () => {
      await world.host('xen-2').powerOn();
      await objects.condition('XenHost', 'xen-2', 'Ready', { status: 'True' });
      await objects.condition('XenHost', 'xen-2', 'Fenced', { status: 'True' });
      await world.host('xen-2').addGuest('newcomer');
      await objects.stubDomain('newcomer');
      await objects.condition('StubDomain', 'newcomer', 'Scheduled', { status: 'False', reason: 'TargetNotFound' });
      await annotate(xenHosts, 'xen-2', fencedAnnotation, null);
      await objects.condition('XenHost', 'xen-2', 'Fenced', { status: 'False', reason: 'NotFenced' });
      expect((await objects.ready('StubDomain', 'newcomer')).status?.nodeName).toBe('xen-2');
      expect((await objects.get('StubDomain', 'mover')).status?.nodeName).toBe('xen-1');
      await objects.condition('StubDomain', 'mover', 'Ready', { status: 'True' });
    });
  });
}
