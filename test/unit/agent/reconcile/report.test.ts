import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { StatusReporter } from '../../../../operator/agent/reconcile/report.ts';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import type { StubDomain } from '../../../../operator/api/generated/stub-domain.ts';
import type { DeviceModelState } from '../../../../operator/domain/untrusted.ts';
import type { ClusterClient } from '../../../../operator/kube/client.ts';
import { Overlay } from '../../../../operator/kube/overlay.ts';
import { pciAttachments, stubDomains } from '../../../../operator/kube/resources.ts';
import type { KubeClient } from '../../../../operator/kube/types.ts';
import { aSnapshot, aSpec, anAttachment } from '../../../support/builders.ts';
import { type TestCluster, startTestCluster } from '../../../support/test-cluster.ts';

let cluster: TestCluster;
let kube: ClusterClient;

beforeAll(async () => {
  cluster = await startTestCluster();
  ({ kube } = cluster);
});
afterAll(async () => {
  await cluster.close();
});

const make = (name: string) =>
  kube.create<StubDomain>(stubDomains, {
    metadata: { name, namespace: 'default', finalizers: ['stubdom.io/agent'] },
    spec: aSpec(),
  });

test('a stub domain that says something else all the time does not become a flood of writes', async () => {
  const made = await make('flapping');
  const overlay = new Overlay();
  const reporter = new StatusReporter(kube, overlay);
  const versions = new Set<string>();
  const report = async (state: DeviceModelState, now: number): Promise<number | undefined> => {
    const object = overlay.get(made);
    const channel = { ...aSnapshot().channel!, state };
    const wake = await reporter.report(
      aSnapshot({ object, now, channel, note: { ...aSnapshot().note!, owner: made.metadata.uid } }),
    );
    versions.add(overlay.get(made).metadata.resourceVersion);
    return wake;
  };
  const now = 1_000_000;
  for (let i = 0; i < 50; i += 1) await report(i % 2 === 0 ? 'Unrecognised' : 'running', now);
  expect(versions.size).toBeLessThan(25);
  // What is held back is written when it may be.
  const wake = await report('Unrecognised', now);
  expect(wake).toBeGreaterThan(now);
  await report('Unrecognised', wake ?? 0);
  expect(overlay.get(made).status).toMatchObject({ state: 'Unrecognised' });
});

test('an object whose status is refused does not keep the others from being reported', async () => {
  const object = await make('web');
  const attachment = (name: string) =>
    kube.create<PciAttachment>(pciAttachments, {
      metadata: { name, namespace: 'default', finalizers: ['stubdom.io/agent'] },
      spec: anAttachment().spec,
    });
  const [bad, good] = [await attachment('bad'), await attachment('good')];
  const applyStatus: typeof kube.applyStatus = (type, status, options) =>
    (status as PciAttachment).metadata.name === 'bad'
      ? Promise.reject(new Error('refused'))
      : kube.applyStatus(type, status, options);
  const reporter = new StatusReporter(Object.assign(Object.create(kube), { applyStatus }) as KubeClient, new Overlay());
  await expect(reporter.report(aSnapshot({ object, attachments: [bad, good] }))).rejects.toThrow();
  const seen = await kube.get<PciAttachment>(pciAttachments, { namespace: 'default', name: 'good' });
  expect(seen.status?.conditions?.map(({ type }) => type)).toContain('Inserted');
});
