import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { leaseNamespace } from '../../../operator/api/names.ts';
import type { Condition } from '../../../operator/api/conditions.ts';
import { createCentral } from '../../../operator/controllers/central.ts';
import { startApiServer } from '../../../operator/embedded/api-server/server.ts';
import { defaultTopology } from '../../../operator/embedded/simulated-host/topology.ts';
import { Closers } from '../../../operator/embedded/world/closers.ts';
import { guestsOf } from '../../../operator/embedded/world/fleet.ts';
import { type FabricChoice, startHost } from '../../../operator/embedded/world/host.ts';
import { loadCustomResourceDefinitions, loadSamples } from '../../../operator/embedded/world/manifests.ts';
import { applyManifests, namespaceManifest, waitForEstablished } from '../../../operator/embedded/world/objects.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { loadClusterConfig } from '../../../operator/kube/config.ts';
import { pciAttachments, stubDomains } from '../../../operator/kube/resources.ts';
import type { KubeClient, KubeObject, KubeWatcher, ResourceType } from '../../../operator/kube/types.ts';
import { silentLogger, systemClock } from '../../../operator/runtime/ports.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import { packageRoot } from '../../support/stubdom.ts';

interface Seen extends KubeObject {
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}

/** One host with its agent, the controller, and the samples' guests: against whichever servers are given. */
export interface World {
  readonly kube: KubeClient & KubeWatcher;
  readonly xenstore: XenStore;
  close(): Promise<void>;
}

export interface WorldParts {
  /** Kubeconfig of a cluster; an embedded API server if absent. */
  readonly kubeconfig?: string;
  readonly xenstoreSocket: string;
  readonly fabric: FabricChoice;
}

/** Starts controller, simulated host and agent, and applies the CRDs. */
export async function startParts(parts: WorldParts): Promise<World> {
  const closers = new Closers();
  const directory = await mkdtemp(join(tmpdir(), 'sd-'));
  closers.add(() => rm(directory, { recursive: true, force: true }));
  try {
    const kubeconfig = parts.kubeconfig ?? join(directory, 'kubeconfig');
    if (parts.kubeconfig === undefined) {
      const server = await startApiServer({ kubeconfigPath: kubeconfig });
      closers.add(() => server.close());
    }
    const cluster = await loadClusterConfig({ kubeconfig });
    const kube = createKubeClient(cluster);
    closers.add(() => kube.close());
    const { signal } = new AbortController();
    const definitions = await loadCustomResourceDefinitions(packageRoot);
    await applyManifests(kube, [...definitions, namespaceManifest(leaseNamespace)], { parallel: 4, signal });
    await waitForEstablished(kube, definitions, signal);
    const central = createCentral({ kube, clock: systemClock, random: Math.random, logger: silentLogger });
    closers.add(() => central.stop());
    await central.start();
    const host = await startHost({
      name: 'xen-1',
      xenstoreSocket: parts.xenstoreSocket,
      fabric: parts.fabric,
      guests: guestsOf(await loadSamples(packageRoot)),
      topology: defaultTopology(),
      quirks: [],
      cluster,
      version: 'test',
      hypervisorSocket: join(directory, 'hv'),
      logger: silentLogger,
    });
    closers.add(() => host.close());
    const xenstore = openXenStore({ transport: { kind: 'socket', path: parts.xenstoreSocket } });
    closers.add(() => xenstore.close());
    return { kube, xenstore, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

const patience = 30_000;
const inDefault = (name: string) => ({ namespace: 'default', name });

/** Looks until `check` holds; the last answer is in the error. */
async function until<T>(what: string, look: () => Promise<T>, check: (seen: T) => boolean): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    const seen = await look();
    if (check(seen)) return seen;
    if (performance.now() > end) throw new Error(`${what} did not come true; last seen: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const condition = (seen: Seen | undefined, type: string): string | undefined =>
  seen?.status?.conditions?.find((candidate) => candidate.type === type)?.status;

const becomes = (
  kube: KubeClient,
  type: ResourceType,
  name: string,
  conditionType: string,
): Promise<Seen | undefined> =>
  until(
    `${type.kind} ${name} ${conditionType}`,
    () => kube.tryGet<Seen>(type, inDefault(name)),
    (seen) => condition(seen, conditionType) === 'True',
  );

/** The whole life of the samples: Ready, paused, resumed, detached, deleted. The same against every server. */
export async function liveThroughSamples({ kube, xenstore }: World): Promise<void> {
  const { signal } = new AbortController();
  await applyManifests(kube, await loadSamples(packageRoot), { parallel: 4, signal });
  const web = await becomes(kube, stubDomains, 'web', 'Ready');
  const nic = await becomes(kube, pciAttachments, 'web-nic', 'Ready');
  await becomes(kube, stubDomains, 'db', 'Ready');
  await becomes(kube, pciAttachments, 'db-disk', 'Ready');
  expect(nic?.status).toMatchObject({ address: '0000:03:00.0', virtualDeviceFunction: '0x30', phase: 'Attached' });

  const [stub, target] = [web?.status?.['domid'], web?.status?.['targetDomid']].map(Number);
  const channel = `/local/domain/${stub}/device-model/${target}`;
  expect(await xenstore.readString(`${channel}/state`)).toBe('running');
  expect(await xenstore.readString('/libxl/pci/0000-03-00-0/domid')).toBe(String(target));

  await kube.mergePatch(stubDomains, inDefault('web'), { spec: { runState: 'Paused' } });
  const paused = await becomes(kube, stubDomains, 'web', 'Paused');
  expect(paused?.status).toMatchObject({ state: 'paused', savedState: { path: `/var/lib/xen/qemu-save.${target}` } });
  expect(await xenstore.readString(`${channel}/state`)).toBe('paused');

  await kube.mergePatch(stubDomains, inDefault('web'), { spec: { runState: 'Running' } });
  await until(
    'running again',
    () => xenstore.tryReadString(`${channel}/state`),
    (state) => state === 'running',
  );
  await until(
    'Ready again',
    () => kube.tryGet<Seen>(stubDomains, inDefault('web')),
    (seen) => condition(seen, 'Ready') === 'True' && seen?.status?.['phase'] === 'Running',
  );

  await kube.delete(pciAttachments, inDefault('web-nic'));
  await until(
    'the attachment is gone',
    () => kube.tryGet<Seen>(pciAttachments, inDefault('web-nic')),
    (seen) => seen === undefined,
  );
  expect(await xenstore.tryRead('/libxl/pci/0000-03-00-0/domid')).toBeUndefined();
  expect(await xenstore.tryRead(`/local/domain/0/backend/pci/${stub}/0/num_devs`)).toBeUndefined();

  for (const name of ['web', 'db']) await kube.delete(stubDomains, inDefault(name));
  for (const name of ['web', 'db']) {
    await until(
      'the stub domain is gone',
      () => kube.tryGet<Seen>(stubDomains, inDefault(name)),
      (seen) => seen === undefined,
    );
  }
  expect((await xenstore.tryList('/tool/stubdom')) ?? []).toEqual([]);
  expect(await xenstore.tryRead(`/local/domain/${stub}`)).toBeUndefined();
  expect(await xenstore.tryRead(`/local/domain/${target}/image/device-model-domid`)).toBeUndefined();
}
