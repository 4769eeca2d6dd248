import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { decide, stampConditions } from '../../../operator/api/conditions.ts';
import type { StubDomain } from '../../../operator/api/generated/stub-domain.ts';
import { agentManager, leaseNamespace } from '../../../operator/api/names.ts';
import { conditionTypes } from '../../../operator/api/reasons.ts';
import { type Central, createCentral } from '../../../operator/controllers/central.ts';
import { Closers } from '../../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { leases, stubDomains, xenHosts } from '../../../operator/kube/resources.ts';
import type { KubeClient, KubeObject, KubeWatcher } from '../../../operator/kube/types.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { eventually } from '../../support/eventually.ts';
import { type SkippingClock, skippingClock } from '../../support/skipping-clock.ts';
import { startTestCluster } from '../../support/test-cluster.ts';

const count = 200;
const closers = new Closers();
const clock: SkippingClock = skippingClock();
/** Status writes of the controller. */
const writes = { total: 0, underWay: 0, most: 0, at: [] as number[], names: new Set<string>() };
let kube: KubeClient & KubeWatcher;
let central: Central;

beforeAll(async () => {
  const cluster = await startTestCluster();
  closers.add(() => cluster.close());
  ({ kube } = cluster);
  await kube.create(xenHosts, { metadata: { name: 'xen-1' } });
  await renew('1');
  for (let index = 0; index < count; index += 1) await aRunningOne(`d-${String(index)}`);
});
afterAll(() => closers.close());

/** The agent of xen-1, as far as the API server sees it. */
async function renew(renewTime: string): Promise<void> {
  const spec = {
    holderIdentity: 'xen-1',
    leaseDurationSeconds: 40,
    renewTime: `2026-01-01T00:00:0${renewTime}.000000Z`,
  };
  const metadata = { name: 'xen-1', namespace: leaseNamespace };
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec };
  await kube.apply(leases, lease, { fieldManager: agentManager, force: true });
}

async function aRunningOne(name: string): Promise<void> {
  const metadata = { name, namespace: 'default' };
  await kube.create(stubDomains, { metadata, spec: { target: { uuid: uuidOf(name) }, nodeName: 'xen-1' } });
  await speak(name);
}

async function speak(name: string): Promise<void> {
  const types = Object.entries(conditionTypes.StubDomain).filter(([, { writer }]) => writer === 'agent');
  const decisions = types.map(([type]) => decide(type, 'True', 'AsDesired', 'as the agent says'));
  const conditions = stampConditions('StubDomain', decisions, undefined, 1, '2026-01-01T00:00:00Z');
  const object = { metadata: { name, namespace: 'default' }, status: { phase: 'Running', domid: 7, conditions } };
  await kube.applyStatus(stubDomains, object, { fieldManager: agentManager, force: true });
}

function counting(client: KubeClient & KubeWatcher): KubeClient & KubeWatcher {
  const applyStatus: KubeClient['applyStatus'] = async <T extends KubeObject>(
    ...args: Parameters<KubeClient['applyStatus']>
  ): Promise<T> => {
    writes.total += 1;
    writes.underWay += 1;
    writes.most = Math.max(writes.most, writes.underWay);
    writes.at.push(clock.monotonic());
    writes.names.add((args[1] as KubeObject).metadata.name);
    try {
      return await client.applyStatus<T>(...args);
    } finally {
      writes.underWay -= 1;
    }
  };
  return { ...client, applyStatus };
}

async function startCentral(): Promise<void> {
  central = createCentral({ kube: counting(kube), clock, random: Math.random, logger: silentLogger });
  closers.add(() => central.stop());
  await central.start();
}

const reasonsOf = async (type: string): Promise<(string | undefined)[]> => {
  const all = await kube.list<StubDomain>(stubDomains, { namespace: 'default' });
  return all.map(({ status }) => status?.conditions?.find((one) => one.type === type)?.reason);
};
const all = (reason: string) => Array.from({ length: count }, () => reason);

describe('a host with 200 stub domains', () => {
  test('is bound: one write each', async () => {
    await startCentral();
    await eventually(async () => {
      expect(await reasonsOf('HostReachable')).toEqual(all('LeaseFresh'));
    });
    expect(writes.total).toBe(count + 1);
  });

  test('is lost: one write each, at a pace, and nothing is False', async () => {
    Object.assign(writes, { total: 0, most: 0, at: [], names: new Set() });
    const lost = clock.monotonic() + 41_000;
    clock.skip(41_000);
    await eventually(async () => {
      expect(await reasonsOf('Ready')).toEqual(all('HostUnreachable'));
    });
    // The host itself, and each stub domain.
    expect(writes.total).toBe(count + 1);
    expect(writes.most).toBeLessThanOrEqual(9);
    // The host and 20 of its objects at once, then one each 20 ms, however fast the API server is.
    const tooSoon = writes.at.filter((at, index) => at < lost + (index - 21) * 20);
    expect(tooSoon).toEqual([]);
    const objects = await kube.list<StubDomain>(stubDomains, { namespace: 'default' });
    const values = objects.flatMap(({ status }) => status?.conditions?.map((one) => one.status) ?? []);
    expect(values).not.toContain('False');
  });

  test('and a controller that starts anew writes nothing before the agent proves that it lives', async () => {
    await central.stop();
    Object.assign(writes, { total: 0, most: 0, at: [], names: new Set() });
    await startCentral();
    // Something that comes after all that the start has to do.
    await aRunningOne('last');
    await eventually(async () => {
      const last = await kube.get<StubDomain>(stubDomains, { namespace: 'default', name: 'last' });
      expect(last.status?.nodeName).toBe('xen-1');
    });
    expect([...writes.names]).toEqual(['last']);
    await kube.delete(stubDomains, { namespace: 'default', name: 'last' });
    expect(await reasonsOf('HostReachable')).toEqual(all('LeaseExpired'));
  });

  test('is back: one write each again, and the agent takes its word back', async () => {
    writes.total = 0;
    await renew('2');
    await eventually(async () => {
      expect(await reasonsOf('HostReachable')).toEqual(all('LeaseFresh'));
    });
    expect(writes.total).toBe(count + 1);
    for (let index = 0; index < count; index += 1) await speak(`d-${String(index)}`);
    expect(await reasonsOf('Ready')).toEqual(all('AsDesired'));
    const [object] = await kube.list<StubDomain>(stubDomains, { namespace: 'default' });
    expect(object?.status?.conditions).toHaveLength(9);
  });
});
