import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from './ports.ts';

/** Whether to send work here, and if not, why. Reasons are short words of our own. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** What `/metrics` shows: prom-client's Registry fits. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

export interface ProbesOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Default: all addresses. */
  readonly host?: string;
  readonly readiness: () => Readiness;
  /** False makes the kubelet restart us: only for what a restart heals. Default: always alive. */
  readonly alive?: () => Readiness;
  readonly metrics?: MetricsSource | undefined;
  readonly logger: Logger;
}

export interface Probes {
  readonly port: number;
  close(): Promise<void>;
}

/** A port that cannot be listened on, in one line that says what to do. */
export class ProbesError extends Error {
  override readonly name = 'ProbesError';
  readonly code: string;

  constructor(code: string, message: string, cause: unknown) {
    super(message, { cause });
    this.code = code;
  }
}

function explain(error: Error, place: string): ProbesError {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : 'EUNKNOWN';
  const reason =
    code === 'EADDRINUSE'
      ? 'something else listens there'
      : code === 'EACCES'
        ? 'this user may not listen there'
        : code === 'EADDRNOTAVAIL'
          ? 'this machine does not have that address'
          : error.message;
  return new ProbesError(code, `probes cannot listen on ${place}: ${reason}. Name another port, or 0 for any`, error);
}

/** Serves /healthz, /readyz (with reasons) and /metrics until closed. Listens when it resolves. */
export async function startProbes(options: ProbesOptions): Promise<Probes> {
  const answer = (response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8') => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(text);
  };
  const verdict = (response: ServerResponse, ask: () => Readiness) => {
    const { ready, reasons } = ask();
    answer(
      response,
      ready ? 200 : 503,
      ready ? 'ok\n' : `not ready\n${reasons.map((reason) => `- ${reason}\n`).join('')}`,
    );
  };
  const serve = async (path: string, response: ServerResponse): Promise<void> => {
    switch (path) {
      case '/healthz':
      case '/livez':
        verdict(response, options.alive ?? (() => ({ ready: true, reasons: [] })));
        return;
      case '/readyz':
        verdict(response, options.readiness);
        return;
      case '/metrics':
        if (options.metrics === undefined) break;
        answer(response, 200, await options.metrics.metrics(), options.metrics.contentType);
        return;
    }
    answer(response, 404, 'there are /healthz, /readyz and /metrics\n');
  };

  const server = createServer((request, response) => {
    request.resume();
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      answer(response, 405, 'GET only\n');
      return;
    }
    serve((request.url ?? '/').split('?', 1)[0] ?? '/', response).catch((error: unknown) => {
      options.logger.error('a probe failed', { error: String(error) });
      if (response.headersSent) response.destroy();
      else answer(response, 500, 'the probe itself failed; the log says how\n');
    });
  });
  // Anybody on the network can connect: no header or body may take long, and connections are few.
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  server.maxConnections = 128;

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(explain(error, `${options.host ?? '*'}:${options.port}`));
    });
    try {
      server.listen({ port: options.port, ...(options.host === undefined ? {} : { host: options.host }) }, resolve);
    } catch (error) {
      reject(explain(error instanceof Error ? error : new Error(String(error)), String(options.port)));
    }
  });
  server.on('error', (error) => {
    options.logger.error('the probe server failed', { error: error.message });
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
