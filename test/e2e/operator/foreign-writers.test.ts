import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
});
afterAll(() => world.close());

/** A stub domain that runs; gives the directory of its command channel. */
async function running(name: string): Promise<string> {
  await world.host().addGuest(name);
  await objects.stubDomain(name);
  const { status } = await objects.ready('StubDomain', name);
  return `/local/domain/${String(status?.domid)}/device-model/${String(status?.targetDomid)}`;
}

describe('somebody with xl, or a shell in dom0', () => {
  test('writes a command by hand: it is left alone, and nothing of ours is sent beside it', async () => {
    const { store, admin } = world.host();
    await admin.addQuirk('ignore-commands@shared');
    const channel = await running('shared');
    await store.write(`${channel}/parameter`, 'host:1.2');
    await store.write(`${channel}/command`, 'usb-add');
    const condition = await objects.condition('StubDomain', 'shared', 'ChannelIdle', {
      status: 'False',
      reason: 'ForeignCommand',
    });
    expect(condition.message).toMatch(/Another program gave the device model a command\. It is left alone/);
    await objects.condition('StubDomain', 'shared', 'Ready', { status: 'True' });
    await objects.attachment('shared-nic', 'shared', '0000:03:00.0');
    await objects.condition('PciAttachment', 'shared-nic', 'Inserted', { status: 'False', reason: 'ForeignCommand' });
    world.host().clock.skip(60_000);
    expect(await store.readString(`${channel}/command`)).toBe('usb-add');
    expect(await store.readString(`${channel}/parameter`)).toBe('host:1.2');
    await store.remove(`${channel}/command`);
    await admin.clearQuirks();
    await objects.ready('PciAttachment', 'shared-nic');
  });

  test('pauses the device model with save: it is left alone for a while, then it goes on as the spec says', async () => {
    const { store, clock } = world.host();
    const channel = await running('paused-by-hand');
    await store.write(`${channel}/command`, 'save');
    const condition = await objects.condition('StubDomain', 'paused-by-hand', 'Ready', { reason: 'PausedByOther' });
    expect(condition.message).toMatch(/xl unpause paused-by-hand\.$/);
    await objects.condition('StubDomain', 'paused-by-hand', 'Paused', { status: 'True', reason: 'PausedByOther' });
    expect((await world.host().deviceModel('paused-by-hand'))?.commands).toEqual({ save: 1 });
    clock.skip(120_000);
    await eventually(async () => {
      expect((await world.host().deviceModel('paused-by-hand'))?.commands).toEqual({ save: 1, continue: 1 });
    });
    await objects.ready('StubDomain', 'paused-by-hand');
  });

  test('suspends the guest to migrate it: nothing is sent, however long it takes', async () => {
    const { store, clock, admin } = world.host();
    const channel = await running('migrating');
    await admin.suspendGuest(uuidOf('migrating'), true);
    await store.write(`${channel}/command`, 'save');
    await objects.condition('StubDomain', 'migrating', 'Ready', { reason: 'PausedByOther' });
    clock.skip(120_000);
    const condition = await objects.condition('StubDomain', 'migrating', 'Ready', { reason: 'GuestSuspended' });
    expect(condition.message).toMatch(/the hypervisor has it suspended\. Its device model is left alone/);
    clock.skip(600_000);
    await objects.attachment('migrating-nic', 'migrating', '0000:04:00.0');
    await objects.condition('PciAttachment', 'migrating-nic', 'Inserted', { reason: 'StubDomainPaused' });
    expect((await world.host().deviceModel('migrating'))?.commands).toEqual({ save: 1 });
    // The migration failed: libxl has the device model go on before it resumes the guest.
    await store.write(`${channel}/command`, 'continue');
    await admin.suspendGuest(uuidOf('migrating'), false);
    await objects.ready('StubDomain', 'migrating');
    await objects.ready('PciAttachment', 'migrating-nic');
    expect((await world.host().deviceModel('migrating'))?.commands).toEqual({ save: 1, continue: 1, 'pci-ins': 1 });
  });

  test('leaves a reply behind: it is cleared after a grace, and not before', async () => {
    const channel = await running('stale');
    const { store, clock } = world.host();
    await store.write(`${channel}/state`, 'pci-removed');
    const condition = await objects.condition('StubDomain', 'stale', 'ChannelIdle', {
      status: 'False',
      reason: 'StaleState',
    });
    expect(condition.message).toBe('An old reply stands in the channel; it is cleared soon.');
    expect(await store.readString(`${channel}/state`)).toBe('pci-removed');
    clock.skip(5000);
    await eventually(async () => {
      expect(await store.readString(`${channel}/state`)).toBe('running');
    });
    await objects.condition('StubDomain', 'stale', 'ChannelIdle', { status: 'True' });
    await eventually(async () => {
      expect(await objects.events('stale')).toContainEqual(
        'Warning StaleStateCleared: An old reply stood in the command channel; it was cleared',
      );
    });
  });
});

describe('a compromised device model', () => {
  const secret = 'gL7!pwned';
  test.each([
    ['terminal escapes', `\u001b]0;${secret}\u0007\u001b[31m${secret}`],
    ['bytes that are no text', Uint8Array.of(0, 255, 254, ...Buffer.from(secret), 0xc3, 0x28)],
    ['two kilobytes', secret.repeat(227).slice(0, 2040)],
    ['a known word with more behind it', `running\n${secret}`],
    ['JSON', `{"stage":"attached","owner":"${secret}"}`],
  ])('writes %s: Unrecognised, and the bytes appear nowhere', async (name, bytes) => {
    const guest = `hostile-${name.replaceAll(/[^a-z]/gi, '').toLowerCase()}`;
    const channel = await running(guest);
    const { store } = world.host();
    await store.write(`${channel}/parameter`, bytes);
    await store.write(`${channel}/state`, bytes);
    const condition = await objects.condition('StubDomain', guest, 'Ready', {
      status: 'Unknown',
      reason: 'UnrecognisedState',
    });
    expect(condition.message).toMatch(/says something that is no known word/);
    const object = await objects.get('StubDomain', guest);
    expect(object.status).toMatchObject({ state: 'Unrecognised', phase: 'Unknown' });
    expect(JSON.stringify(object)).not.toContain(secret);
    expect(JSON.stringify(await objects.events(guest))).not.toContain(secret);
    expect(world.log.text()).not.toContain(secret);
    expect(world.log.text()).not.toContain('gL7');
    await store.write(`${channel}/state`, 'running');
    await objects.ready('StubDomain', guest);
  });

  // Who owns all nodes can claim anything once it took the command: what counts is that nothing is sent a second time.
  test('forges a success: it is believed once the command is taken or ends as unknown, and is sent once either way', async () => {
    const { admin, clock } = world.host();
    await admin.addQuirk('hostile=forges-inserted@liar-forges');
    await running('liar-forges');
    await objects.attachment('liar-forges-nic', 'liar-forges', '0000:10:04.0');
    await eventually(async () => {
      expect((await world.host().deviceModel('liar-forges'))?.commands).toMatchObject({ 'pci-ins': 1 });
    });
    clock.skip(61_000);
    await eventually(async () => {
      const { status } = await objects.get('PciAttachment', 'liar-forges-nic');
      const inserted = (status?.conditions as { type: string; reason: string }[]).find(
        ({ type }) => type === 'Inserted',
      );
      expect(['Inserted', 'InsertUnknown']).toContain(inserted?.reason);
    });
    expect((await world.host().deviceModel('liar-forges'))?.commands).toEqual({ 'pci-ins': 1 });
    await admin.clearQuirks();
  });
});
