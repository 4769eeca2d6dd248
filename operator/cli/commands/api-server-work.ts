import { resolve } from 'node:path';
import { startApiServer } from '../../embedded/api-server/server.ts';
import { leaseNamespace } from '../../api/names.ts';
import { loadCustomResourceDefinitions } from '../../embedded/world/manifests.ts';
import { applyManifests, namespaceManifest } from '../../embedded/world/objects.ts';
import { createKubeClient } from '../../kube/client.ts';
import { loadClusterConfig } from '../../kube/config.ts';
import type { CommandContext } from '../context.ts';
import { createLogger } from '../../runtime/logger.ts';
import { packageInfo } from '../package-root.ts';
import type { ApiServerOptions } from './embedded.ts';

/** Runs the embedded API server until it is told to stop. */
export async function runApiServer({ terminal, shutdown }: CommandContext, options: ApiServerOptions): Promise<void> {
  const logger = await createLogger({ level: options.logLevel, format: 'auto' });
  const server = await startApiServer({
    kubeconfigPath: resolve(options.kubeconfig),
    crds: options.crds ? await loadCustomResourceDefinitions(packageInfo().root) : [],
    logger,
    ...(options.dataDir === undefined ? {} : { dataDir: resolve(options.dataDir) }),
    ...(options.port === undefined ? {} : { port: options.port }),
  });
  if (options.crds) await applyLeaseNamespace(server.kubeconfigPath, shutdown.signal);
  terminal.out(`api-server ready url=${server.url} kubeconfig=${server.kubeconfigPath}`);
  await shutdown.requested;
  await server.close();
}

/** The namespace of the hosts' Leases, without which agents cannot say that they live. */
async function applyLeaseNamespace(kubeconfig: string, signal: AbortSignal): Promise<void> {
  const kube = createKubeClient(await loadClusterConfig({ kubeconfig }));
  try {
    await applyManifests(kube, [namespaceManifest(leaseNamespace)], { parallel: 1, signal });
  } finally {
    await kube.close();
  }
}
