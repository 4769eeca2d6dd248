import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { eventually } from '../../support/eventually.ts';
import { findKubectl, kubectlFor, type Kubectl } from '../../support/kubectl.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

const found = await findKubectl();
if (found === undefined) process.stderr.write('SKIPPED: part of deletion.test.ts needs kubectl 1.32 or later\n');

let world: OperatorWorld;
let objects: WorldObjects;
let kubectl: Kubectl;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
  kubectl = kubectlFor(found ?? { path: '', version: '' }, world.kubeconfigPath, world.home);
});
afterAll(() => world.close());

/** A stub domain that runs, and one device of its guest. */
async function attached(name: string, spec: object = {}, ...quirks: string[]): Promise<string> {
  const address = world.freeDevice();
  for (const quirk of quirks) await world.host().admin.addQuirk(`${quirk}@${name}`);
  await world.host().addGuest(name);
  await objects.stubDomain(name);
  await objects.attachment(`${name}-0`, name, address, spec);
  await objects.ready('PciAttachment', `${name}-0`);
  return address;
}

const claimOf = async (address: string) =>
  world.host().store.tryReadString(`/libxl/pci/${address.replaceAll(/[:.]/g, '-')}/domid`);

/** Nothing of the stub domain is left on the host. */
async function expectNoTrace(name: string, domid: number | undefined): Promise<void> {
  const { store, hypervisor } = world.host();
  const number = String(domid);
  expect((await hypervisor.listDomains()).map((domain) => domain.domid)).not.toContain(domid);
  const paths = [`/local/domain/${number}`, `/libxl/${number}`, `/tool/stubdom/${uuidOf(name)}`];
  for (const path of paths) expect([path, await store.tryList(path)]).toEqual([path, undefined]);
  for (const kind of (await store.tryList('/local/domain/0/backend')) ?? []) {
    const path = `/local/domain/0/backend/${kind}/${number}`;
    expect([path, await store.tryList(path)]).toEqual([path, undefined]);
  }
}

describe('a PciAttachment', () => {
  test('is deleted: it lives until the guest has let the device go, and says that it waits', async () => {
    const address = await attached('slow', {}, 'eject-delay=3000');
    await objects.remove('PciAttachment', 'slow-0');
    await eventually(async () =>
      expect((await world.host().deviceModel('slow'))?.commands).toMatchObject({ 'pci-rem': 1 }),
    );
    // It is only told of when it takes longer than that.
    world.host().clock.skip(2000);
    const condition = await objects.condition('PciAttachment', 'slow-0', 'Removing', {
      status: 'True',
      reason: 'WaitingForGuest',
    });
    expect(condition.message).toMatch(/guest was asked to let the device go and has not done so yet/);
    await objects.condition('PciAttachment', 'slow-0', 'Ready', { status: 'False', reason: 'Deleting' });
    await objects.condition('StubDomain', 'slow', 'ChannelIdle', { status: 'False', reason: 'WaitingForGuest' });
    expect((await world.host().grantsOf(address)).length).toBe(2);
    await objects.gone('PciAttachment', 'slow-0');
    expect(await world.host().grantsOf(address)).toEqual([]);
    expect(await claimOf(address)).toBeUndefined();
    expect((await world.host().deviceModel('slow'))?.guestDevices).toEqual([]);
    await objects.condition('StubDomain', 'slow', 'Ready', { status: 'True' });
    await objects.condition('StubDomain', 'slow', 'ChannelIdle', { status: 'True' });
  });

  test('of a guest that never lets go: Graceful waits for ever, Force takes the device after the timeout', async () => {
    const address = await attached('stubborn', { removalTimeoutSeconds: 60 }, 'no-eject');
    await objects.remove('PciAttachment', 'stubborn-0');
    const condition = await objects.condition('PciAttachment', 'stubborn-0', 'Removing', { reason: 'WaitingForGuest' });
    expect(condition.message).toMatch(/With spec\.removalPolicy Force it is taken after removalTimeoutSeconds/);
    world.host().clock.skip(3_600_000);
    await objects.condition('PciAttachment', 'stubborn-0', 'Removing', { reason: 'WaitingForGuest' });
    expect((await world.host().grantsOf(address)).length).toBe(2);
    await objects.patchSpec('PciAttachment', 'stubborn-0', { removalPolicy: 'Force' });
    await objects.gone('PciAttachment', 'stubborn-0');
    expect(await world.host().grantsOf(address)).toEqual([]);
    await eventually(async () => {
      expect(await objects.events('stubborn-0')).toContainEqual(
        expect.stringMatching(
          /^Warning RemovalForced: The guest did not let .* go in time; it is taken all the same and stays bound to pciback$/,
        ),
      );
    });
    expect((await world.host().deviceModel('stubborn'))?.commands).toEqual({ 'pci-ins': 1, 'pci-rem': 1 });
  });

  test('of one of two devices: the other stays, and the first can come back', async () => {
    const [first, second] = [world.freeDevice(), world.freeDevice()];
    await world.host().addGuest('pair');
    await objects.attachment('pair-1', 'pair', first);
    await objects.attachment('pair-2', 'pair', second);
    await objects.stubDomain('pair');
    const { status } = await objects.ready('StubDomain', 'pair');
    await objects.ready('PciAttachment', 'pair-1');
    await objects.ready('PciAttachment', 'pair-2');
    await objects.removed('PciAttachment', 'pair-1');
    const backend = `/local/domain/0/backend/pci/${String(status?.domid)}/0`;
    const { store } = world.host();
    expect(await store.readString(`${backend}/num_devs`)).toBe('1');
    expect(await store.readString(`${backend}/dev-0`)).toBe(second);
    expect(await store.tryRead(`${backend}/dev-1`)).toBeUndefined();
    expect((await world.host().deviceModel('pair'))?.guestDevices.map(({ device }) => device)).toEqual([
      second.slice(5),
    ]);
    await objects.condition('PciAttachment', 'pair-2', 'Ready', { status: 'True' });
    await objects.attachment('pair-1', 'pair', first);
    await objects.ready('PciAttachment', 'pair-1');
    expect((await world.host().deviceModel('pair'))?.guestDevices.length).toBe(2);
  });

  test('of a stub domain that never existed goes at once', async () => {
    await objects.attachment('nobodys', 'nobody', world.freeDevice());
    await objects.condition('PciAttachment', 'nobodys', 'Claimed', { reason: 'StubDomainNotFound' });
    await objects.removed('PciAttachment', 'nobodys');
  });

  test('of a paused stub domain waits until it runs, and says so', async () => {
    await attached('napping');
    await objects.patchSpec('StubDomain', 'napping', { runState: 'Paused' });
    await objects.condition('StubDomain', 'napping', 'Paused', { status: 'True' });
    await objects.remove('PciAttachment', 'napping-0');
    const condition = await objects.condition('PciAttachment', 'napping-0', 'Removing', { reason: 'StubDomainPaused' });
    expect(condition.message).toMatch(/paused; the guest is asked to let the device go when it runs again/);
    await objects.patchSpec('StubDomain', 'napping', { runState: 'Running' });
    await objects.gone('PciAttachment', 'napping-0');
  });
});

describe('a PciAttachment with removalPolicy Force', () => {
  test('leaves a device model that cannot even be asked', async () => {
    const address = await attached('comatose', { removalPolicy: 'Force', removalTimeoutSeconds: 60 });
    await objects.patchSpec('StubDomain', 'comatose', { runState: 'Paused' });
    await objects.condition('StubDomain', 'comatose', 'Paused', { status: 'True' });
    await objects.remove('PciAttachment', 'comatose-0');
    await objects.condition('PciAttachment', 'comatose-0', 'Removing', { reason: 'StubDomainPaused' });
    world.host().clock.skip(60_000);
    await objects.gone('PciAttachment', 'comatose-0');
    expect(await world.host().grantsOf(address)).toEqual([]);
    expect(await claimOf(address)).toBeUndefined();
  });
});

describe('a StubDomain', () => {
  test('is deleted: its devices leave the guest first, and no trace is left', async () => {
    const address = await attached('done');
    const { status } = await objects.get('StubDomain', 'done');
    await objects.removed('StubDomain', 'done');
    expect(await world.host().deviceModel('done')).toMatchObject({
      phase: 'dead',
      commands: { 'pci-ins': 1, 'pci-rem': 1 },
      guestDevices: [],
    });
    await expectNoTrace('done', status?.domid);
    expect(await world.host().grantsOf(address)).toEqual([]);
    const condition = await objects.condition('PciAttachment', 'done-0', 'Ready', {
      status: 'False',
      reason: 'StubDomainNotFound',
    });
    expect(condition.message).toMatch(/There is no StubDomain done in this namespace/);
    await objects.removed('PciAttachment', 'done-0');
  });

  test('is deleted, and its guest never lets the device go: after the timeout it is taken down all the same', async () => {
    const address = await attached('defiant', { removalTimeoutSeconds: 60 }, 'no-eject');
    await objects.remove('StubDomain', 'defiant');
    const condition = await objects.condition('StubDomain', 'defiant', 'Ready', {
      status: 'False',
      reason: 'Deleting',
    });
    expect(condition.message).toMatch(/taken down/);
    world.host().clock.skip(61_000);
    await objects.gone('StubDomain', 'defiant');
    expect(await world.host().grantsOf(address)).toEqual([]);
    await objects.removed('PciAttachment', 'defiant-0');
  });

  test('with deletionPolicy Orphan goes and leaves the stub domain running', async () => {
    await attached('kept');
    await objects.patchSpec('StubDomain', 'kept', { deletionPolicy: 'Orphan' });
    const { status } = await objects.get('StubDomain', 'kept');
    await objects.removed('StubDomain', 'kept');
    const left = await world.host().deviceModel('kept');
    expect(left).toMatchObject({ domid: status?.domid, phase: 'running' });
    expect(left?.guestDevices.length).toBe(1);
    expect(await world.host().store.tryList(`/tool/stubdom/${uuidOf('kept')}`)).toBeUndefined();
    await objects.removed('PciAttachment', 'kept-0');
    expect((await world.host().deviceModel('kept'))?.guestDevices.length).toBe(1);
  });

  test('that waits for its guest goes at once', async () => {
    await objects.stubDomain('unborn', { nodeName: 'xen-1' });
    await objects.condition('StubDomain', 'unborn', 'TargetFound', { status: 'False' });
    await objects.removed('StubDomain', 'unborn');
  });
});

(found === undefined ? describe.skip : describe)('with kubectl', () => {
  test('several attachments in one apply are all attached, one after another, and leave together with the namespace', async () => {
    await world.host().addGuest('many');
    const addresses = [world.freeDevice(), world.freeDevice(), world.freeDevice()];
    const apiVersion = 'stubdom.io/v1alpha1';
    const items = [
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'team' } },
      {
        apiVersion,
        kind: 'StubDomain',
        metadata: { name: 'many', namespace: 'team' },
        spec: { target: { uuid: uuidOf('many') } },
      },
      ...addresses.map((address, index) => ({
        apiVersion,
        kind: 'PciAttachment',
        metadata: { name: `many-${String(index)}`, namespace: 'team' },
        spec: { stubDomainRef: { name: 'many' }, device: { address } },
      })),
    ];
    await kubectl.ok(['apply', '-f', '-'], { input: items.map((item) => JSON.stringify(item)).join('\n') });
    await kubectl.ok(['wait', '-n', 'team', '--for=condition=Ready', 'sd,pcia', '--all', '--timeout=20s']);
    expect(await world.host().deviceModel('many')).toMatchObject({ commands: { 'pci-ins': 3 } });
    expect((await world.host().deviceModel('many'))?.guestDevices.map(({ device }) => device).sort()).toEqual(
      addresses.map((one) => one.slice(5)),
    );
    const { status } = await objects.get('StubDomain', 'team/many');
    await kubectl.ok(['delete', 'namespace', 'team', '--timeout=30s']);
    await expectNoTrace('many', status?.domid);
    for (const address of addresses) {
      expect(await world.host().grantsOf(address)).toEqual([]);
      expect(await claimOf(address)).toBeUndefined();
    }
  });
});
