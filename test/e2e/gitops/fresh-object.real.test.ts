import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Check } from '../../../operator/cli/commands/doctor-check.ts';
import { loadCustomResourceDefinitions } from '../../../operator/embedded/world/manifests.ts';
import { applyManifests, waitForEstablished } from '../../../operator/embedded/world/objects.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { type ClusterClient, createKubeClient } from '../../../operator/kube/client.ts';
import { loadClusterConfig } from '../../../operator/kube/config.ts';
import { pciAttachments, stubDomains } from '../../../operator/kube/resources.ts';
import { kstatusOf } from '../../support/kstatus.ts';
import {
  type RealKubeApiserver,
  setUpRealKubeApiserver,
  startRealKubeApiserver,
} from '../../support/real-kube-apiserver.ts';
import { packageRoot, stubdom } from '../../support/stubdom.ts';
import type { AnyObject } from '../../support/world-objects.ts';

let server: RealKubeApiserver | undefined;
let kube: ClusterClient | undefined;
beforeAll(async () => {
  if (!(await setUpRealKubeApiserver()).available) return;
  server = await startRealKubeApiserver();
  kube = createKubeClient(await loadClusterConfig({ kubeconfig: server.kubeconfig }));
  const { signal } = new AbortController();
  const definitions = await loadCustomResourceDefinitions(packageRoot);
  await applyManifests(kube, definitions, { parallel: 4, signal });
  await waitForEstablished(kube, definitions, signal);
}, 120_000);
afterAll(async () => {
  await kube?.close();
  await server?.stop();
}, 60_000);

test('an object that nobody has looked at is not finished for kstatus, and keeps what its status gets', async () => {
  if (kube === undefined) return;
  const spec = { target: { uuid: uuidOf('new') } };
  const metadata = { namespace: 'default', name: 'new' };
  const made = await kube.create<AnyObject>(stubDomains, { metadata, spec });
  expect([made.status, kstatusOf(made)]).toEqual([{ observedGeneration: -1 }, 'InProgress']);
  const read = await kube.get<AnyObject>(stubDomains, metadata);
  expect([read.status, kstatusOf(read)]).toEqual([{ observedGeneration: -1 }, 'InProgress']);
  const attachment = { stubDomainRef: { name: 'new' }, device: { address: '0000:03:00.0' } };
  const applied = await kube.apply<AnyObject>(pciAttachments, { metadata, spec: attachment }, { fieldManager: 'flux' });
  expect(kstatusOf(applied)).toBe('InProgress');
  const observed = await kube.applyStatus<AnyObject>(
    stubDomains,
    { metadata, status: { observedGeneration: 1 } },
    { fieldManager: 'stubdom-agent' },
  );
  expect(observed.status).toEqual({ observedGeneration: 1 });
});

test('the doctor finds the definitions on a real API server to be those of this version', async () => {
  if (server === undefined) return;
  const { stdout } = await stubdom(['doctor', '-k', server.kubeconfig, '-o', 'json']);
  const { checks } = JSON.parse(stdout) as { checks: readonly Check[] };
  expect(checks.slice(0, 3).map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
    'api-server ok',
    'crds ok',
    'permissions ok',
  ]);
});
