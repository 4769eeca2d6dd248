import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
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

const device = '0000:04:00.0';

/** A guest with a stub domain that nobody here made: what a StubDomain that was orphaned leaves behind. */
async function guestWithStubDomain(name: string): Promise<number> {
  await world.host().addGuest(name);
  await objects.stubDomain(`made-${name}`, { target: { uuid: uuidOf(name) }, deletionPolicy: 'Orphan' });
  const { status } = await objects.ready('StubDomain', `made-${name}`);
  await objects.removed('StubDomain', `made-${name}`);
  return status?.domid ?? 0;
}

describe('a stub domain that something else made', () => {
  test('is adopted as it is, driven, given a device, and left running', async () => {
    const domid = await guestWithStubDomain('found');
    await objects.stubDomain('found', { provisioning: 'Adopt' });
    const { status } = await objects.ready('StubDomain', 'found');
    expect(status).toMatchObject({ domid, phase: 'Running', state: 'running' });
    expect(await objects.events('found')).toContainEqual(expect.stringMatching(/^Normal Adopted: /));
    const wired = await objects.condition('StubDomain', 'found', 'DevicesWired', { status: 'True' });
    expect(wired.message).toMatch(/^Another toolstack/);

    await objects.attachment('found-nic', 'found', device, { driverPolicy: 'Seize' });
    await objects.ready('PciAttachment', 'found-nic');
    expect((await world.host().deviceModel('found'))?.guestDevices).toEqual([{ device: device.slice(5), devfn: 32 }]);
    await objects.patchSpec('StubDomain', 'found', { runState: 'Paused' });
    await objects.condition('StubDomain', 'found', 'Ready', { status: 'True', message: /paused, as asked/ });
    await objects.patchSpec('StubDomain', 'found', { runState: 'Running' });
    await objects.condition('StubDomain', 'found', 'Ready', { status: 'True', message: /running, as asked/ });

    await world.host().stopAgent();
    await world.host().startAgent();
    await objects.removed('PciAttachment', 'found-nic');
    await objects.removed('StubDomain', 'found');
    const left = await world.host().deviceModel('found');
    expect(left).toMatchObject({ domid, phase: 'running', guestDevices: [] });
    expect(left?.commands).toEqual({ 'pci-ins': 1, save: 1, continue: 1, 'pci-rem': 1 });
    expect(await world.host().store.tryList(`/tool/stubdom/${uuidOf('found')}`)).toBeUndefined();
    expect(await world.host().store.tryRead(`/libxl/pci/0000-04-00-0/driver_path`)).toBeUndefined();
  });

  test('is waited for', async () => {
    await world.host().addGuest('bare');
    await objects.stubDomain('bare', { provisioning: 'Adopt' });
    const { message } = await objects.condition('StubDomain', 'bare', 'Ready', { reason: 'NoStubDomain' });
    expect(message).toMatch(/device_model_stubdomain_override=1/);
  });

  test('of upstream QEMU is watched, and what would need QMP is refused', async () => {
    await guestWithStubDomain('upstream');
    const { store, hypervisor } = world.host();
    const target = (await hypervisor.listDomains()).find(({ name }) => name === 'upstream')?.domid ?? 0;
    await store.write(`/libxl/${target}/dm-version`, 'qemu_xen');
    await objects.stubDomain('upstream', { provisioning: 'Adopt' });
    await objects.condition('StubDomain', 'upstream', 'Stalled', { status: 'True', reason: 'FlavorMismatch' });
    await objects.removed('StubDomain', 'upstream');

    await objects.stubDomain('upstream', { provisioning: 'Adopt', flavor: 'Linux' });
    await objects.ready('StubDomain', 'upstream');
    await objects.attachment('upstream-nic', 'upstream', '0000:05:00.0', { driverPolicy: 'Seize' });
    const refused = await objects.condition('PciAttachment', 'upstream-nic', 'Ready', { reason: 'Unsupported' });
    expect(refused.message).toMatch(/QMP/);
    await objects.patchSpec('StubDomain', 'upstream', { runState: 'Paused' });
    await objects.condition('StubDomain', 'upstream', 'Ready', { status: 'False', reason: 'Unsupported' });
    expect((await world.host().deviceModel('upstream'))?.commands).toEqual({});
    await objects.removed('PciAttachment', 'upstream-nic');
    await objects.removed('StubDomain', 'upstream');
    expect(await world.host().deviceModel('upstream')).toMatchObject({ phase: 'running' });
  });

  test('is let go of when the guest ends, and its next one is adopted', async () => {
    await guestWithStubDomain('reborn');
    await objects.stubDomain('reborn', { provisioning: 'Adopt' });
    await objects.ready('StubDomain', 'reborn');
    const { domid } = await world.host().admin.restartGuest(uuidOf('reborn'));
    // Its toolstack ends the stub domain of the guest that is gone.
    const { hypervisor } = world.host();
    const stub = (await hypervisor.listDomains()).find(({ name }) => name === 'reborn-dm');
    if (stub !== undefined) await hypervisor.destroyDomain(stub);
    await objects.condition('StubDomain', 'reborn', 'Ready', { reason: 'NoStubDomain' });
    expect(await objects.events('reborn')).toContainEqual(expect.stringMatching(/^Normal TornDown: Let go of /));
    // Its toolstack makes the next one.
    await objects.stubDomain('made-reborn', { target: { uuid: uuidOf('reborn') }, deletionPolicy: 'Orphan' });
    await eventually(async () =>
      expect(await world.host().deviceModel('reborn')).toMatchObject({ targetDomid: domid, phase: 'running' }),
    );
    await objects.removed('StubDomain', 'made-reborn');
    const { status } = await objects.ready('StubDomain', 'reborn');
    expect(status).toMatchObject({ targetDomid: domid });
  });
});
