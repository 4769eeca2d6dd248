import { resolve } from 'node:path';
import { startApiServer } from '../../embedded/api-server/server.ts';
import { loadCustomResourceDefinitions } from '../../embedded/world/manifests.ts';
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
  terminal.out(`api-server ready url=${server.url} kubeconfig=${server.kubeconfigPath}`);
  await shutdown.requested;
  await server.close();
}
