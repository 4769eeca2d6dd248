/** The thread of the embedded API server; started by api-server-thread.ts alone. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Logger } from '../../runtime/ports.ts';
import { type EmbeddedApiServer, startApiServer } from '../api-server/server.ts';
import { ApiServerStartError } from '../api-server/start-error.ts';
import type { FromThread, ThreadOptions, ToThread } from './api-server-messages.ts';

const say = (message: FromThread): void => {
  parentPort?.postMessage(message);
};

/** Facts are plain data by contract; what is none is told as text, so that no word is lost with it. */
function plain(facts: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return JSON.parse(
    JSON.stringify(facts, (_, value: unknown) => (value instanceof Error ? value.stack : value)),
  ) as Record<string, unknown>;
}

function loggerWith(bound: Readonly<Record<string, unknown>>): Logger {
  const at =
    (level: 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, facts: Readonly<Record<string, unknown>> = {}): void => {
      say({ kind: 'log', level, message, facts: plain({ ...bound, ...facts }) });
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (facts) => loggerWith({ ...bound, ...facts }),
  };
}

async function start(): Promise<EmbeddedApiServer | undefined> {
  try {
    const server = await startApiServer({ ...(workerData as ThreadOptions), logger: loggerWith({}) });
    say({ kind: 'ready', url: server.url, port: server.port });
    return server;
  } catch (error) {
    if (!(error instanceof ApiServerStartError)) throw error;
    say({ kind: 'failed', code: error.code, message: error.message });
    return undefined;
  }
}

const server = await start();
if (server === undefined) parentPort?.close();
// There is one thing to be told: to end.
parentPort?.once('message', (_message: ToThread) => {
  void server?.close().finally(() => parentPort?.close());
});
