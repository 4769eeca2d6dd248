import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { forceRemovalAnnotation } from '../../../operator/api/names.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { pciAttachments } from '../../../operator/kube/resources.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
});
afterAll(() => world.close());

/** A guest that never lets a device go, with `count` of them. */
const stubborn = async (name: string, count = 1): Promise<string[]> => world.attached(name, count, 'no-eject');

const annotate = async (name: string, value: string) =>
  world.kube.mergePatch(
    pciAttachments,
    { namespace: 'default', name },
    { metadata: { annotations: { [forceRemovalAnnotation]: value } } },
  );
const driverOf = async (address: string) =>
  (await world.host().hypervisor.listPciDevices()).find((device) => device.address === address)?.driver;

async function expectEvent(name: string, text: string): Promise<void> {
  await eventually(async () => {
    expect(await objects.events(name)).toContainEqual(text);
  });
}

describe('the annotation stubdom.io/force-removal', () => {
  test('takes a device that the guest does not let go: at once, with its reason in the event', async () => {
    const [address = ''] = await stubborn('hung');
    await objects.remove('PciAttachment', 'hung-0');
    await objects.condition('PciAttachment', 'hung-0', 'Removing', { reason: 'WaitingForGuest' });
    const { status, metadata } = await objects.get('PciAttachment', 'hung-0');
    expect(status?.removingSince).toBe(metadata.deletionTimestamp);
    await annotate('hung-0', 'ticket 42:\u001b[2J driver hangs');
    await objects.gone('PciAttachment', 'hung-0');
    expect(await world.host().grantsOf(address)).toEqual([]);
    expect(await driverOf(address)).toBe('pciback');
    await expectEvent(
      'hung-0',
      `Warning RemovalForced: ${address} is taken from the guest without waiting for it, and stays bound to pciback: stubdom.io/force-removal says "ticket 42:??2J driver hangs"`,
    );
    await objects.condition('StubDomain', 'hung', 'ChannelIdle', { status: 'True' });
    expect(await world.host().metrics.getSingleMetricAsString('stubdom_forced_removals_total')).toMatch(
      /by="annotation"\} 1\n.*by="policy"\} 0\n.*by="gone"\} 0/,
    );
  });

  test('without a reason forces nothing and says what to write', async () => {
    const [address = ''] = await stubborn('mute');
    await annotate('mute-0', '');
    await objects.remove('PciAttachment', 'mute-0');
    const condition = await objects.condition('PciAttachment', 'mute-0', 'Removing', { reason: 'ForceUnexplained' });
    expect(condition.message).toMatch(
      /kubectl annotate --overwrite pciattachment -n default mute-0 stubdom\.io\/force-removal="why"/,
    );
    expect((await world.host().grantsOf(address)).length).toBe(2);
    await annotate('mute-0', 'the guest is gone mad');
    await objects.gone('PciAttachment', 'mute-0');
    expect(await world.host().grantsOf(address)).toEqual([]);
  });

  test('that was there before the deletion means that the guest is not asked', async () => {
    await stubborn('early');
    await annotate('early-0', 'planned');
    await objects.removed('PciAttachment', 'early-0');
    expect((await world.host().deviceModel('early'))?.commands).toEqual({ 'pci-ins': 1 });
  });

  test('passes a device that waits for the guest before it, and that one goes on waiting', async () => {
    const [first = '', second = ''] = await stubborn('both', 2);
    await objects.remove('PciAttachment', 'both-0');
    await objects.condition('PciAttachment', 'both-0', 'Removing', { reason: 'WaitingForGuest' });
    await objects.remove('PciAttachment', 'both-1');
    await objects.condition('PciAttachment', 'both-1', 'Removing', { reason: 'WaitingForOther' });
    await annotate('both-1', 'needed elsewhere');
    await objects.gone('PciAttachment', 'both-1');
    expect(await world.host().grantsOf(second)).toEqual([]);
    expect((await world.host().grantsOf(first)).length).toBe(2);
    await objects.condition('PciAttachment', 'both-0', 'Removing', { reason: 'WaitingForGuest' });
    expect((await world.host().deviceModel('both'))?.commands).toEqual({ 'pci-ins': 2, 'pci-rem': 1 });
  });
});
