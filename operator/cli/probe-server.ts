import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CliError, errnoOf } from './failure.ts';

/** Whether a program does its work, and if not, why. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** The server of /livez and /readyz. */
export interface ProbeServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Metrics in the text format of Prometheus, and its content type. */
export interface MetricsText {
  readonly contentType: string;
  metrics(): Promise<string>;
}

/** Serves liveness, readiness and metrics over plain HTTP, on all addresses: kubelet asks from outside the pod. */
export async function startProbeServer(
  port: number,
  readiness: () => Readiness,
  metrics?: MetricsText,
): Promise<ProbeServer> {
  const server = createServer((request, response) => {
    switch (request.url?.split('?')[0]) {
      case '/livez':
        answer(response, 200, 'ok\n');
        return;
      case '/readyz': {
        const { ready, reasons } = readiness();
        answer(response, ready ? 200 : 503, ready ? 'ok\n' : `${['not ready', ...reasons].join('\n')}\n`);
        return;
      }
      case '/metrics':
        if (metrics === undefined) break;
        metrics.metrics().then(
          (text) => answer(response, 200, text, metrics.contentType),
          () => answer(response, 500, 'no metrics\n'),
        );
        return;
      case undefined:
      default:
        break;
    }
    answer(response, 404, 'not found\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        errnoOf(error) === 'EADDRINUSE'
          ? new CliError(`port ${port} is in use. Stop what uses it, or give another --probe-port`)
          : error,
      );
    });
    server.listen(port, resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(response: ServerResponse, status: number, body: string, contentType = 'text/plain'): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
  response.end(body);
}
