import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { StubDomain } from '../../../operator/api/generated/stub-domain.ts';
import { agentManager } from '../../../operator/api/names.ts';
import { createCentral } from '../../../operator/controllers/central.ts';
import { Closers } from '../../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { stubDomains, xenHosts } from '../../../operator/kube/resources.ts';
import type { ClusterClient } from '../../../operator/kube/client.ts';
import { silentLogger, systemClock } from '../../../operator/runtime/ports.ts';
import { eventually } from '../../support/eventually.ts';
import { startTestCluster } from '../../support/test-cluster.ts';

const closers = new Closers();
const hosts = 10;
/** Two stub domains of MiniOS' 28 MiB fit. */
const freeMiB = 60;
let kube: ClusterClient;

beforeAll(async () => {
  const cluster = await startTestCluster();
  closers.add(() => cluster.close());
  ({ kube } = cluster);
  for (let index = 0; index < hosts; index += 1) await aHost(`xen-${String(index)}`);
  const central = createCentral({ kube, clock: systemClock, random: Math.random, logger: silentLogger });
  closers.add(() => central.stop());
  await central.start();
});
afterAll(() => closers.close());

async function aHost(name: string): Promise<void> {
  await kube.create(xenHosts, { metadata: { name } });
  const ready = { type: 'Ready', status: 'True', reason: 'AsDesired', message: '' };
  const conditions = [{ ...ready, lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const status = { memory: { totalMiB: 4096, freeMiB }, conditions };
  await kube.applyStatus(xenHosts, { metadata: { name }, status }, { fieldManager: agentManager });
}

async function aGuestToCome(name: string): Promise<void> {
  const spec = { target: { uuid: uuidOf(name) }, placement: 'ChooseHost' };
  await kube.create(stubDomains, { metadata: { name, namespace: 'default' }, spec });
}

test('stub domains that come all at once are spread, and no host is promised more memory than it has', async () => {
  const names = Array.from({ length: 2 * hosts + 1 }, (_, index) => `d-${String(index)}`);
  await Promise.all(names.map(aGuestToCome));
  await eventually(async () => {
    const all = await kube.list<StubDomain>(stubDomains, { namespace: 'default' });
    const perHost = new Map<string, number>();
    for (const { status } of all) {
      const host = status?.nodeName ?? 'none';
      perHost.set(host, (perHost.get(host) ?? 0) + 1);
    }
    const expected = Array.from({ length: hosts }, (_, index): [string, number] => [`xen-${String(index)}`, 2]);
    expect(Object.fromEntries(perHost)).toEqual({ ...Object.fromEntries(expected), none: 1 });
    const left = all.find(({ status }) => status?.nodeName === undefined);
    expect(left?.status?.conditions?.find(({ type }) => type === 'Scheduled')).toMatchObject({
      reason: 'NoMatchingHost',
      message: 'No host reports the guest, and none fits it: 10 with less than 28 MiB free.',
    });
  });
});

test('what is deleted makes room for one that waits', async () => {
  const all = await kube.list<StubDomain>(stubDomains, { namespace: 'default' });
  const left = all.find(({ status }) => status?.nodeName === undefined)?.metadata.name ?? '';
  const gone = all.find(({ status }) => status?.nodeName === 'xen-4')?.metadata.name ?? '';
  await kube.delete(stubDomains, { namespace: 'default', name: gone });
  await eventually(async () => {
    const object = await kube.get<StubDomain>(stubDomains, { namespace: 'default', name: left });
    expect(object.status?.nodeName).toBe('xen-4');
  });
});
