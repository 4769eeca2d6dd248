import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseNamespace } from '../../operator/api/names.ts';
import { startApiServer } from '../../operator/embedded/api-server/server.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { type ClusterClient, createKubeClient } from '../../operator/kube/client.ts';
import { loadClusterConfig } from '../../operator/kube/config.ts';
import { namespaces } from '../../operator/kube/resources.ts';
import { projectCrds } from './sample-crds.ts';

/** A cluster of an API server alone. */
export interface TestCluster {
  /** An administrator's. */
  readonly kube: ClusterClient;
  readonly kubeconfigPath: string;
  close(): Promise<void>;
}

/** Starts an embedded API server with the project's CRDs and the namespace of the Leases; its files go with it. */
export async function startTestCluster(): Promise<TestCluster> {
  const closers = new Closers();
  try {
    const home = await mkdtemp(join(tmpdir(), 'tc-'));
    closers.add(() => rm(home, { recursive: true, force: true }));
    const kubeconfigPath = join(home, 'kubeconfig');
    const server = await startApiServer({ kubeconfigPath, crds: projectCrds() });
    closers.add(() => server.close());
    const kube = createKubeClient(await loadClusterConfig({ kubeconfig: kubeconfigPath }));
    closers.add(() => kube.close());
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: leaseNamespace } };
    await kube.apply(namespaces, namespace, { fieldManager: 'test' });
    return { kube, kubeconfigPath, close: () => closers.close() };
  } catch (error) {
    await closers.close();
    throw error;
  }
}
