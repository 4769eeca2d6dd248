import { Worker } from 'node:worker_threads';
import type { Logger } from '../../runtime/ports.ts';
import type { EmbeddedApiServer } from '../api-server/server.ts';
import { ApiServerStartError } from '../api-server/start-error.ts';
import type { FromThread, ThreadOptions, ToThread } from './api-server-messages.ts';

export interface ApiServerThreadOptions extends ThreadOptions {
  readonly logger: Logger;
}

// The source runs as it is in a checkout, and compiled in an installed package.
const program = new URL(`./api-server-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url);

/**
 * Starts the embedded API server in a thread of its own: in a large world it is a third of the work, and has a processor
 * to itself where there are two. Throws what `startApiServer` throws.
 */
export async function startApiServerThread(options: ApiServerThreadOptions): Promise<EmbeddedApiServer> {
  const { logger, ...workerData } = options;
  const worker = new Worker(program, { workerData, name: 'api-server' });
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      resolve();
    });
  });
  const { url, port } = await new Promise<{ url: string; port: number }>((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      switch (message.kind) {
        case 'ready':
          resolve(message);
          return;
        case 'failed':
          reject(new ApiServerStartError(message.code, message.message));
          return;
        case 'log':
          logger[message.level](message.message, message.facts);
      }
    });
    worker.once('error', (error) => {
      logger.error('the API server died', { error: String(error) });
      reject(error instanceof Error ? error : new Error(String(error)));
    });
    void ended.then(() => {
      reject(new Error('the API server ended before it was ready'));
    });
  });
  return {
    url,
    port,
    kubeconfigPath: options.kubeconfigPath,
    close: async () => {
      worker.postMessage({ kind: 'close' } satisfies ToThread);
      await ended;
    },
  };
}
