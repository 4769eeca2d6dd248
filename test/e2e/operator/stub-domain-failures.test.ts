import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { findKubectl, kubectlFor, type KubectlResult } from '../../support/kubectl.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { printTimings } from '../../support/timings.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

const found = await findKubectl();
if (found === undefined)
  process.stderr.write('SKIPPED: part of stub-domain-failures.test.ts needs kubectl 1.32 or later\n');

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

const models = async (guest: string) =>
  (await world.host().admin.deviceModels()).filter((model) => model.guest === guest);

describe('the guest', () => {
  test('runs nowhere, and then appears', async () => {
    await objects.stubDomain('absent');
    const condition = await objects.condition('StubDomain', 'absent', 'Scheduled', { status: 'False' });
    expect(condition).toMatchObject({
      reason: 'TargetNotFound',
      message: `No host reports a guest with uuid ${uuidOf('absent')}. It is placed as soon as one does.`,
    });
    await objects.condition('StubDomain', 'absent', 'Ready', { status: 'False', reason: 'TargetNotFound' });
    await world.host().addGuest('absent');
    await objects.ready('StubDomain', 'absent');
  });

  test('does not run on the host that spec.nodeName names, and then does', async () => {
    await objects.stubDomain('expected', { nodeName: 'xen-1' });
    const condition = await objects.condition('StubDomain', 'expected', 'TargetFound', { status: 'False' });
    expect(condition).toMatchObject({
      reason: 'TargetNotFound',
      message: `No guest with uuid ${uuidOf('expected')} runs on this host. The stub domain is made when it starts.`,
    });
    await objects.condition('StubDomain', 'expected', 'Ready', { status: 'False', reason: 'TargetNotFound' });
    await objects.condition('StubDomain', 'expected', 'Stalled', { status: 'False' });
    await world.host().addGuest('expected');
    await objects.ready('StubDomain', 'expected');
  });

  test('has another name than the spec says', async () => {
    await world.host().addGuest('renamed');
    await objects.stubDomain('renamed', { target: { uuid: uuidOf('renamed'), name: 'other' } });
    const condition = await objects.condition('StubDomain', 'renamed', 'Ready', { reason: 'TargetNameMismatch' });
    expect(condition.message).toBe(
      `The guest with uuid ${uuidOf('renamed')} is named renamed, not other. Correct spec.target.name, or leave it out.`,
    );
    await objects.condition('StubDomain', 'renamed', 'Stalled', { status: 'True', reason: 'TargetNameMismatch' });
    expect(await models('renamed')).toEqual([]);
  });

  test('is served by another StubDomain; when that is deleted, this one takes over', async () => {
    await world.host().addGuest('wanted');
    await objects.stubDomain('wanted');
    await objects.ready('StubDomain', 'wanted');
    await objects.stubDomain('rival', { target: { uuid: uuidOf('wanted') } });
    const condition = await objects.condition('StubDomain', 'rival', 'Ready', {
      status: 'False',
      reason: 'TargetTaken',
    });
    expect(condition.message).toBe('StubDomain default/wanted serves this guest already. Delete one of the two.');
    await objects.removed('StubDomain', 'wanted');
    await objects.ready('StubDomain', 'rival');
  });

  test('has a stub domain that somebody else made', async () => {
    const host = world.host();
    await host.addGuest('foreign');
    const stub = await host.hypervisor.createDomain({
      uuid: uuidOf('foreign-dm'),
      name: 'foreign-dm',
      kernel: '/k',
      memoryMiB: 32,
    });
    await objects.stubDomain('foreign');
    const condition = await objects.condition('StubDomain', 'foreign', 'Ready', { reason: 'TargetTaken' });
    expect(condition.message).toMatch(
      new RegExp(
        `^The guest has stub domain ${String(stub.domid)}, which this operator did not make or no longer knows\\. Destroy it \\(xl destroy ${String(stub.domid)}\\)`,
      ),
    );
    await host.hypervisor.destroyDomain(stub);
    await objects.ready('StubDomain', 'foreign');
  });
});

describe('the host', () => {
  test('that spec.nodeName names is not registered', async () => {
    await objects.stubDomain('stray', { nodeName: 'xen-77' });
    const condition = await objects.condition('StubDomain', 'stray', 'Ready', { reason: 'NoSuchHost' });
    expect(condition.message).toMatch(
      /^spec\.nodeName names xen-77, which is not registered\. .*kubectl get xenhosts lists them/,
    );
    await objects.condition('StubDomain', 'stray', 'Scheduled', { status: 'False', reason: 'NoSuchHost' });
  });
});

describe('the spec asks for what is not acted upon', () => {
  test.each([
    ['linux', { flavor: 'Linux' }, /^spec\.flavor Linux is only acted upon with provisioning Adopt/],
    ['ovmf', { bios: 'OVMF' }, /^spec\.bios OVMF needs upstream QEMU/],
  ] as const)('%s is refused as Stalled, and nothing is made', async (name, spec, message) => {
    await world.host().addGuest(name);
    await objects.stubDomain(name, spec);
    const condition = await objects.condition('StubDomain', name, 'Stalled', { status: 'True', reason: 'Unsupported' });
    expect(condition.message).toMatch(message);
    await objects.condition('StubDomain', name, 'Ready', { status: 'False', reason: 'Unsupported' });
    expect((await objects.get('StubDomain', name)).status?.phase).toBe('Failed');
    expect(await models(name)).toEqual([]);
  });
});

describe('the device model', () => {
  test('never says running', async () => {
    const host = world.host();
    await host.admin.addQuirk('no-boot@silent');
    await host.addGuest('silent');
    await objects.stubDomain('silent');
    await objects.condition('StubDomain', 'silent', 'DeviceModelRunning', { status: 'False', reason: 'Starting' });
    host.clock.skip(30_000);
    const condition = await objects.condition('StubDomain', 'silent', 'Ready', { reason: 'StartTimeout' });
    expect(condition.message).toBe(
      'The stub domain was started and its device model has not said running. Its log in dom0 is /var/log/xen/qemu-dm-silent.log.',
    );
    await objects.removed('StubDomain', 'silent');
  });

  test('cannot be made: the host has no memory left', async () => {
    await world.host().addGuest('greedy');
    const { freeMiB } = await world.host().hypervisor.info();
    await world.host().addGuest('hoarder', { memoryMiB: freeMiB - 1024 });
    await objects.stubDomain('greedy', { memoryMiB: 2048 });
    const condition = await objects.condition('StubDomain', 'greedy', 'Ready', { status: 'False', reason: 'NoMemory' });
    expect(condition.message).toBe(
      'The host has not enough free memory for the stub domain (2048 MiB). It is tried again; free some, or lower spec.memoryMiB.',
    );
    await world.host().admin.removeGuest(uuidOf('hoarder'));
    world.host().clock.skip(60_000);
    await objects.ready('StubDomain', 'greedy');
  });
});

(found === undefined ? describe.skip : describe)('kubectl apply refuses an invalid spec, with the field', () => {
  const target = { uuid: uuidOf('invalid') };
  const apply = async (kind: string, spec: object): Promise<KubectlResult> => {
    const object = { apiVersion: 'stubdom.io/v1alpha1', kind, metadata: { name: 'invalid' }, spec };
    const kubectl = kubectlFor(found ?? { path: '', version: '' }, world.kubeconfigPath, world.home);
    return kubectl.run(['apply', '-f', '-'], { input: JSON.stringify(object) });
  };
  const stubDomainRef = { name: 'x' };

  test.each([
    ['StubDomain', {}, /spec\.target: Required value/],
    ['StubDomain', { target: { uuid: 'no-uuid' } }, /spec\.target\.uuid: Invalid value: "no-uuid"/],
    [
      'StubDomain',
      { target, runState: 'Sleeping' },
      /spec\.runState: Unsupported value: "Sleeping": supported values: "Running", "Paused"/,
    ],
    ['StubDomain', { target, deviceModelArgs: ['-boot cd'] }, /spec\.deviceModelArgs\[0\]: Invalid value: "-boot cd"/],
    ['StubDomain', { target, nics: [{ name: 'a', mac: 'zz', bridge: 'b' }] }, /spec\.nics\[0\]\.mac: Invalid value/],
    ['StubDomain', { target, memoryMiB: -1 }, /spec\.memoryMiB: Invalid value: -1/],
    [
      'PciAttachment',
      { stubDomainRef, device: {} },
      /spec\.device: Invalid value: .*give exactly one of address and selector/,
    ],
    ['PciAttachment', { stubDomainRef, device: { address: '03:00.0' } }, /spec\.device\.address: (Invalid|Too short)/],
    [
      'PciAttachment',
      { stubDomainRef, device: { address: '0000:03:00.0' }, virtualSlot: 32 },
      /spec\.virtualSlot: Invalid value: 32/,
    ],
  ])('%s %j', async (kind, spec, message) => {
    const { code, stderr } = await apply(kind, spec);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
  });
});
