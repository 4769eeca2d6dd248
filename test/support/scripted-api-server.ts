import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { ClusterConfig } from '../../operator/kube/config.ts';

/** A watch that the test speaks in. */
export interface ScriptedStream {
  /** One event, as the API server writes it. */
  event(type: string, object: unknown): void;
  /** Bytes as they are. */
  raw(bytes: string | Buffer): void;
  /** The server ends it properly. */
  end(): void;
  /** The connection breaks. */
  cut(): void;
  /** Resolves when the client let go. */
  readonly closed: Promise<void>;
}

/** A request that waits for the test to answer it. Not answering is a server that hangs. */
export interface ScriptedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
  /** Counts connections: requests with one number came over one. */
  readonly connection: number;
  json(object: unknown, status?: number, headers?: Record<string, string>): void;
  /** A Status object. */
  fail(status: number, reason: string, headers?: Record<string, string>): void;
  raw(status: number, body: string | Buffer, headers?: Record<string, string>): void;
  stream(): ScriptedStream;
  cut(): void;
  readonly closed: Promise<void>;
}

/** An HTTP server on loopback that does what the test says, one request at a time. */
export interface ScriptedApiServer {
  readonly url: string;
  readonly config: ClusterConfig;
  /** Requests so far. */
  readonly count: number;
  readonly connections: number;
  /** The next request, in the order in which they come. */
  next(): Promise<ScriptedRequest>;
  /** Requests that came and that no test took. */
  readonly unread: readonly ScriptedRequest[];
  close(): Promise<void>;
}

/** What a cluster that needs no credentials looks like. */
export function plainConfig(server: string, more: Partial<ClusterConfig> = {}): ClusterConfig {
  return {
    server,
    namespace: 'default',
    source: 'a test',
    tls: () => ({ rejectUnauthorized: true }),
    headers: async () => ({}),
    reload: async () => {},
    ...more,
  };
}

function wrap(request: IncomingMessage, response: ServerResponse, text: string, connection: number): ScriptedRequest {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const closed = new Promise<void>((resolve) => {
    response.once('close', () => {
      resolve();
    });
  });
  const raw = (status: number, body: string | Buffer, headers: Record<string, string> = {}) => {
    response.writeHead(status, headers).end(body);
  };
  const json = (object: unknown, status = 200, headers: Record<string, string> = {}) => {
    raw(status, JSON.stringify(object), { 'content-type': 'application/json', ...headers });
  };
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: request.headers,
    body: text === '' ? undefined : (JSON.parse(text) as unknown),
    connection,
    json,
    raw,
    fail: (status, reason, headers) => {
      const message = `the script says ${reason}`;
      json({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message, reason, code: status }, status, headers);
    },
    stream: () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      return {
        event: (type, object) => {
          response.write(`${JSON.stringify({ type, object })}\n`);
        },
        raw: (bytes) => {
          response.write(bytes);
        },
        end: () => {
          response.end();
        },
        cut: () => {
          response.destroy();
        },
        closed,
      };
    },
    cut: () => {
      response.destroy();
    },
    closed,
  };
}

/** With `tls`, speaks HTTPS with that certificate. */
export async function startScriptedApiServer(tls?: { cert: string; key: string }): Promise<ScriptedApiServer> {
  const unread: ScriptedRequest[] = [];
  const waiters: ((request: ScriptedRequest) => void)[] = [];
  const numbers = new WeakMap<Socket, number>();
  let connections = 0;
  let count = 0;
  const serve = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      count += 1;
      const number = numbers.get(request.socket) ?? (connections += 1);
      numbers.set(request.socket, number);
      const scripted = wrap(request, response, Buffer.concat(chunks).toString('utf8'), number);
      const waiter = waiters.shift();
      if (waiter === undefined) unread.push(scripted);
      else waiter(scripted);
    });
  };
  const server = tls === undefined ? createServer(serve) : createTlsServer(tls, serve);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const url = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${String(port)}`;
  return {
    url,
    config: plainConfig(url),
    get count() {
      return count;
    },
    get connections() {
      return connections;
    },
    unread,
    next: () => {
      const request = unread.shift();
      return request === undefined ? new Promise((resolve) => waiters.push(resolve)) : Promise.resolve(request);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
