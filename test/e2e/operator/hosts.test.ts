import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leaseNamespace } from '../../../operator/api/names.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { createInformer } from '../../../operator/kube/informer.ts';
import type { Lease } from '../../../operator/kube/lease.ts';
import { leases, stubDomains } from '../../../operator/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { type AnyObject, summary, type WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

beforeAll(async () => {
  world = await startOperatorWorld({ hosts: 2 });
  ({ objects } = world);
});
afterAll(() => world.close());

/** Collects every version of a StubDomain from now on. */
async function seenVersions(name: string): Promise<{ stop(): Promise<AnyObject[]> }> {
  const versions: AnyObject[] = [];
  const informer = createInformer<AnyObject>({ client: world.kube, type: stubDomains });
  informer.onChange((key, _before, after) => {
    if (key === `default/${name}` && after !== undefined) versions.push(after);
  });
  informer.start();
  await informer.synced();
  return {
    stop: async () => {
      await informer.stop();
      return versions;
    },
  };
}

/** The agent of that host renews its Lease now. */
async function renewed(name: string): Promise<void> {
  const renewTime = async () =>
    (await world.kube.get<Lease>(leases, { namespace: leaseNamespace, name })).spec?.renewTime;
  const before = await renewTime();
  world.host(name).clock.skip(15_000);
  await eventually(async () => expect(await renewTime()).not.toBe(before));
}

describe('placement', () => {
  test('a stub domain goes where its guest is', async () => {
    await world.host('xen-1').addGuest('one');
    await world.host('xen-2').addGuest('two');
    await objects.stubDomain('one');
    await objects.stubDomain('two');
    expect((await objects.ready('StubDomain', 'one')).status?.nodeName).toBe('xen-1');
    expect((await objects.ready('StubDomain', 'two')).status?.nodeName).toBe('xen-2');
    expect((await world.host('xen-2').admin.deviceModels()).map(({ guest }) => guest)).toEqual(['two']);
  });

  test('spec.nodeSelector has to fit the host of the guest; when the host gets the label, it does', async () => {
    await world.host('xen-2').addGuest('choosy');
    await objects.stubDomain('choosy', { nodeSelector: { 'example.com/rack': 'b' } });
    const condition = await objects.condition('StubDomain', 'choosy', 'Scheduled', {
      status: 'False',
      reason: 'NoMatchingHost',
    });
    expect(condition.message).toBe('The guest is on xen-2, which has not the labels example.com/rack=b.');
    await objects.label('XenHost', 'xen-2', { 'example.com/rack': 'b' });
    expect((await objects.ready('StubDomain', 'choosy')).status?.nodeName).toBe('xen-2');
  });

  test('an unschedulable host takes no further ones and keeps those it has', async () => {
    await world.host('xen-2').addGuest('late');
    await objects.applySpec('XenHost', 'xen-2', { unschedulable: true });
    await objects.stubDomain('late');
    const condition = await objects.condition('StubDomain', 'late', 'Ready', {
      status: 'False',
      reason: 'HostUnschedulable',
    });
    expect(condition.message).toBe('The guest is on xen-2, which takes no further stub domains (spec.unschedulable).');
    await objects.condition('StubDomain', 'two', 'Ready', { status: 'True' });
    await objects.applySpec('XenHost', 'xen-2', { unschedulable: false });
    await objects.ready('StubDomain', 'late');
  });

  test('the same address on two hosts is two devices', async () => {
    for (const name of ['one', 'two']) {
      await objects.attachment(`${name}-nic`, name, '0000:03:00.0');
      await objects.ready('PciAttachment', `${name}-nic`);
    }
  });
});

describe('the agent of a host stops', () => {
  test('its objects are Unknown after the Lease ran out, never False; when it is back they are as before', async () => {
    const before = await objects.get('StubDomain', 'two');
    await world.host('xen-2').stopAgent();
    world.clock.skip(41_000);
    const reachable = await objects.condition('StubDomain', 'two', 'HostReachable', {
      status: 'Unknown',
      reason: 'LeaseExpired',
    });
    expect(reachable.message).toBe(
      'The agent of xen-2 has not renewed its Lease for too long. Look at the host and its agent.',
    );
    const ready = await objects.condition('StubDomain', 'two', 'Ready', {
      status: 'Unknown',
      reason: 'HostUnreachable',
    });
    expect(ready.message).toMatch(/has not renewed its Lease for too long: nobody knows how things stand there/);
    await objects.condition('PciAttachment', 'two-nic', 'Ready', { status: 'Unknown', reason: 'HostUnreachable' });
    await objects.condition('XenHost', 'xen-2', 'Ready', { status: 'Unknown' });
    // The Lease of the other host also counts as old by the skipped clock, until it is renewed.
    world.host('xen-1').clock.skip(15_000);
    await objects.condition('StubDomain', 'one', 'Ready', { status: 'True' });
    await objects.condition('StubDomain', 'one', 'HostReachable', { status: 'True' });

    const versions = await seenVersions('two');
    await world.host('xen-2').startAgent();
    await objects.condition('StubDomain', 'two', 'HostReachable', { status: 'True', reason: 'LeaseFresh' });
    const after = await objects.ready('StubDomain', 'two');
    await objects.ready('PciAttachment', 'two-nic');
    await objects.condition('XenHost', 'xen-2', 'Ready', { status: 'True' });
    expect(after.status).toMatchObject({ uuid: before.status?.uuid, domid: before.status?.domid });
    expect(summary(after)).not.toMatch(/Unknown HostUnreachable/);
    const present = (await versions.stop()).map(({ status }) => status?.conditions?.length);
    expect(new Set(present)).toEqual(new Set([9]));
    const models = await world.host('xen-2').admin.deviceModels();
    expect(models.filter(({ guest }) => guest === 'two')).toMatchObject([{ commands: { 'pci-ins': 1 } }]);
  });

  test('an agent that lives and only cannot renew is contradicted once, and not without end', async () => {
    const versions = await seenVersions('one');
    // The next renewal is a while ahead.
    await renewed('xen-1');
    world.clock.skip(41_000);
    await objects.condition('StubDomain', 'one', 'HostReachable', { status: 'Unknown', reason: 'LeaseExpired' });
    await objects.condition('StubDomain', 'one', 'Ready', { status: 'True' });
    // Something for both to look at, again and again.
    for (const value of ['a', 'b', 'c']) {
      await objects.label('StubDomain', 'one', { value });
      await objects.condition('StubDomain', 'one', 'Ready', { status: 'True' });
    }
    for (const name of ['xen-1', 'xen-2']) world.host(name).clock.skip(15_000);
    await objects.condition('StubDomain', 'one', 'HostReachable', { status: 'True' });
    const seen = (await versions.stop()).map((object) => summary(object).split('\n')[1]);
    expect(seen.filter((line) => line?.includes('HostUnreachable')).length).toBeLessThanOrEqual(1);
    expect(seen.length).toBeLessThanOrEqual(8);
  });

  test('its Lease is deleted too: that is no better than one that ran out', async () => {
    await world.host('xen-2').stopAgent();
    await world.kube.delete(leases, { namespace: leaseNamespace, name: 'xen-2' });
    world.clock.skip(41_000);
    await objects.condition('StubDomain', 'two', 'HostReachable', { status: 'Unknown', reason: 'LeaseExpired' });
    await objects.condition('StubDomain', 'two', 'Ready', { status: 'Unknown', reason: 'HostUnreachable' });
    await objects.condition('XenHost', 'xen-2', 'Ready', { status: 'Unknown' });
    world.host('xen-1').clock.skip(15_000);
    await world.host('xen-2').startAgent();
    await objects.condition('StubDomain', 'two', 'HostReachable', { status: 'True', reason: 'LeaseFresh' });
    await objects.ready('StubDomain', 'two');
  });

  test('an object that is deleted meanwhile waits for it', async () => {
    await world.host('xen-2').stopAgent();
    await objects.remove('StubDomain', 'choosy');
    world.clock.skip(41_000);
    await objects.condition('StubDomain', 'choosy', 'Ready', { status: 'Unknown', reason: 'HostUnreachable' });
    await world.host('xen-2').startAgent();
    await objects.gone('StubDomain', 'choosy');
    expect((await world.host('xen-2').hypervisor.listDomains()).map(({ name }) => name)).not.toContain('choosy-dm');
    expect((await world.host('xen-2').hypervisor.listDomains()).map(({ uuid }) => uuid)).toContain(uuidOf('choosy'));
  });
});

test('an agent whose Lease ran out is not ready: it is cut off from its objects', async () => {
  const { agent, clock } = world.host('xen-1');
  await eventually(async () => {
    expect(agent.readiness()).toEqual({ ready: true, reasons: [] });
  });
  clock.skip(41_000);
  expect(agent.readiness()).toEqual({ ready: false, reasons: ['the Lease of the host is not renewed'] });
  await eventually(async () => {
    expect(agent.readiness()).toEqual({ ready: true, reasons: [] });
  });
});
