import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { PciAttachment } from '../../../operator/api/generated/pci-attachment.ts';
import type { StubDomain } from '../../../operator/api/generated/stub-domain.ts';
import { agentFinalizer, agentManager, leaseNamespace } from '../../../operator/api/names.ts';
import { createCentral } from '../../../operator/controllers/central.ts';
import { Closers } from '../../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { ApiError } from '../../../operator/kube/errors.ts';
import { leases, pciAttachments, stubDomains, xenHosts } from '../../../operator/kube/resources.ts';
import type { KubeClient, KubeObject, KubeWatcher } from '../../../operator/kube/types.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { eventually } from '../../support/eventually.ts';
import { type SkippingClock, skippingClock } from '../../support/skipping-clock.ts';
import { startTestCluster } from '../../support/test-cluster.ts';

/** The controller alone: what waits for something has to be looked at when that comes, and not hours later. */
const theDevice = '0000:03:00.0';
let closers: Closers;
let clock: SkippingClock;
let kube: KubeClient & KubeWatcher;
/** Called before the controller writes a status. */
let beforeWrite: (object: PciAttachment) => Promise<void>;

beforeEach(async () => {
  closers = new Closers();
  clock = skippingClock();
  beforeWrite = async () => {};
  const cluster = await startTestCluster();
  closers.add(() => cluster.close());
  ({ kube } = cluster);
  await kube.create(xenHosts, { metadata: { name: 'xen-1' } });
  const conditions = [{ type: 'Ready', status: 'True', reason: 'AsDesired', message: '', lastTransitionTime: epoch }];
  const device = {
    address: theDevice,
    vendorID: '8086',
    deviceID: '10fb',
    classID: '020000',
    assignable: 'Assignable',
  };
  const status = { memory: { totalMiB: 4096, freeMiB: 4096 }, pciDevices: [device], conditions };
  await kube.applyStatus(xenHosts, { metadata: { name: 'xen-1' }, status }, { fieldManager: agentManager });
  await renew();
  const central = createCentral({ kube: watched(kube), clock, random: Math.random, logger: silentLogger });
  closers.add(() => central.stop());
  await central.start();
});
afterEach(() => closers.close());

const epoch = '2026-01-01T00:00:00Z';

function watched(client: KubeClient & KubeWatcher): KubeClient & KubeWatcher {
  const applyStatus: KubeClient['applyStatus'] = async <T extends KubeObject>(
    ...args: Parameters<KubeClient['applyStatus']>
  ): Promise<T> => {
    await beforeWrite(args[1] as PciAttachment);
    return client.applyStatus<T>(...args);
  };
  return { ...client, applyStatus };
}

async function renew(renewTime = '2026-01-01T00:00:01.000000Z'): Promise<void> {
  const spec = { holderIdentity: 'xen-1', leaseDurationSeconds: 40, renewTime };
  const lease = { metadata: { name: 'xen-1', namespace: leaseNamespace }, spec };
  await kube.apply(leases, lease, { fieldManager: agentManager, force: true });
}

const inDefault = (name: string) => ({ name, namespace: 'default' });

async function aStubDomain(name: string, spec: object = { nodeName: 'xen-1' }, metadata: object = {}): Promise<void> {
  const whole = { target: { uuid: uuidOf(name) }, ...spec };
  await kube.create(stubDomains, { metadata: { ...inDefault(name), ...metadata }, spec: whole });
}

async function anAttachment(name: string, stubDomain: string, address = theDevice, metadata = {}): Promise<void> {
  const spec = { stubDomainRef: { name: stubDomain }, device: { address } };
  await kube.create(pciAttachments, { metadata: { ...inDefault(name), ...metadata }, spec });
}

const annotateHost = (fenced: string | null) =>
  kube.mergePatch(xenHosts, { name: 'xen-1' }, { metadata: { annotations: { 'stubdom.io/fenced': fenced } } });

const claimOf = async (name: string): Promise<string | undefined> => {
  const { status } = await kube.get<PciAttachment>(pciAttachments, inDefault(name));
  return status?.conditions?.find(({ type }) => type === 'Claimed')?.reason;
};
const hostOf = async (name: string) => (await kube.get<StubDomain>(stubDomains, inDefault(name))).status?.nodeName;

/** Resolves when the controller says so. */
const isClaim = (name: string, reason: string) =>
  eventually(async () => {
    expect(await claimOf(name)).toBe(reason);
  });

test('a device is claimed when the host is said to be dead no more', async () => {
  await aStubDomain('web');
  await eventually(async () => expect(await hostOf('web')).toBe('xen-1'));
  await annotateHost('a mistake');
  await anAttachment('nic', 'web');
  await isClaim('nic', 'HostFenced');
  await annotateHost(null);
  await isClaim('nic', 'Claimed');
});

test('a stub domain is placed when the attachment goes whose device no host has', async () => {
  await anAttachment('nic', 'web', '0000:99:00.0');
  await aStubDomain('web', { placement: 'ChooseHost' });
  await eventually(async () => {
    const { status } = await kube.get<StubDomain>(stubDomains, inDefault('web'));
    expect(status?.conditions?.find(({ type }) => type === 'Scheduled')?.reason).toBe('NoMatchingHost');
  });
  await kube.delete(pciAttachments, inDefault('nic'));
  await eventually(async () => expect(await hostOf('web')).toBe('xen-1'));
});

test('a device is claimed when the one who asked earlier has no stub domain any more', async () => {
  await aStubDomain('first');
  await aStubDomain('second');
  await anAttachment('a-first', 'first', theDevice, { annotations: { 'stubdom.io/paused': 'not yet' } });
  await isClaim('a-first', 'ReconcilePaused');
  await anAttachment('b-second', 'second');
  await isClaim('b-second', 'DeviceClaimed');
  await kube.delete(stubDomains, inDefault('first'));
  await isClaim('b-second', 'Claimed');
});

test('a device that was chosen for an attachment and never written is free for others', async () => {
  await aStubDomain('first');
  await aStubDomain('second');
  await eventually(async () => expect([await hostOf('first'), await hostOf('second')]).toEqual(['xen-1', 'xen-1']));
  const met = Promise.withResolvers<undefined>();
  let meet = async (): Promise<void> => {
    // Meanwhile the other one is told that the device is taken.
    await anAttachment('b-second', 'second');
    await isClaim('b-second', 'DeviceClaimed');
    await kube.delete(stubDomains, inDefault('first'));
    met.resolve(undefined);
  };
  beforeWrite = async ({ metadata, status }) => {
    if (metadata.name !== 'a-first' || status?.address === undefined) return;
    const first = meet;
    meet = async () => {};
    await first();
    throw new ApiError({ status: 500, reason: 'InternalError', message: 'not written' });
  };
  await anAttachment('a-first', 'first');
  await met.promise;
  await isClaim('a-first', 'StubDomainNotFound');
  await isClaim('b-second', 'Claimed');
});

test('what was made with the finalizer of an agent, as from a backup, and never had a host can be deleted', async () => {
  const finalizers = [agentFinalizer];
  await aStubDomain('web', {}, { finalizers });
  await anAttachment('nic', 'web', theDevice, { finalizers });
  await isClaim('nic', 'StubDomainNotScheduled');
  await kube.delete(pciAttachments, inDefault('nic'));
  await kube.delete(stubDomains, inDefault('web'));
  await eventually(async () => {
    expect(await kube.tryGet(pciAttachments, inDefault('nic'))).toBeUndefined();
    expect(await kube.tryGet(stubDomains, inDefault('web'))).toBeUndefined();
  });
});

test('what belongs to a stub domain that is left alone is not released from a dead host', async () => {
  await aStubDomain('web', undefined, { annotations: { 'stubdom.io/paused': 'it is looked at' } });
  await aStubDomain('other');
  await kube.applyStatus(
    stubDomains,
    { metadata: inDefault('web'), status: { nodeName: 'xen-1' } },
    { fieldManager: 'stubdom-controller' },
  );
  const pinned = { nodeName: 'xen-1', address: theDevice };
  await anAttachment('nic', 'web');
  await kube.applyStatus(
    pciAttachments,
    { metadata: inDefault('nic'), status: pinned },
    { fieldManager: 'stubdom-controller', force: true },
  );
  await isClaim('nic', 'Claimed');
  await eventually(async () => expect(await hostOf('other')).toBe('xen-1'));
  await annotateHost('burnt down');
  clock.skip(41_000);
  await eventually(async () => expect(await hostOf('other')).toBeUndefined());
  await eventually(async () => {
    const { status } = await kube.get<PciAttachment>(pciAttachments, inDefault('nic'));
    expect(status?.conditions?.find(({ type }) => type === 'Ready')?.reason).toBe('HostUnreachable');
  });
  expect((await kube.get<PciAttachment>(pciAttachments, inDefault('nic'))).status).toMatchObject(pinned);
});
