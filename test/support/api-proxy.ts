import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as requestUpstream } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { ServerCertificates } from '../../operator/embedded/api-server/certificates.ts';
import { writeKubeconfig } from '../../operator/embedded/api-server/kubeconfig.ts';
import type { ClusterConfig } from '../../operator/kube/config.ts';
import type { FaultLine, MutatingRequest } from './fault-line.ts';

/** An API server's stand-in for one client: passes everything on, and breaks where a fault line says so. */
export interface ApiProxy {
  /** Leads a client here. */
  readonly kubeconfigPath: string;
  /** How many connections found no API server so far. */
  readonly refusals: number;
  /** Ends all connections, and refuses new ones. */
  leave(): void;
  comeBack(): void;
  close(): Promise<void>;
}

export interface ApiProxyOptions {
  readonly kubeconfigPath: string;
  /** What the proxy proves itself with. */
  readonly certificates: ServerCertificates;
  readonly upstream: ClusterConfig;
  readonly line: FaultLine;
}

/** Starts one on a free port of loopback, and writes a kubeconfig for it. */
export async function startApiProxy(options: ApiProxyOptions): Promise<ApiProxy> {
  const { certificates, upstream, kubeconfigPath } = options;
  const { authorization = '' } = await upstream.headers();
  const token = authorization.replace(/^Bearer /, '');
  const agent = new Agent({ keepAlive: true, ca: upstream.tls().ca });
  const proxy = new Proxy(options, agent);
  const { cert, key, ca } = certificates;
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (request, response) => {
    void proxy.serve(request, response);
  });
  server.on('connection', (socket: Socket) => {
    proxy.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  await writeKubeconfig(kubeconfigPath, { url, ca, token });
  return {
    kubeconfigPath,
    get refusals() {
      return proxy.refusals;
    },
    leave: () => {
      proxy.leave();
    },
    comeBack: () => {
      proxy.comeBack();
    },
    close: async () => {
      proxy.leave();
      agent.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

class Proxy {
  refusals = 0;
  readonly #line: FaultLine;
  readonly #upstream: ClusterConfig;
  readonly #agent: Agent;
  readonly #sockets = new Set<Socket>();
  #away = false;

  constructor({ line, upstream }: ApiProxyOptions, agent: Agent) {
    this.#line = line;
    this.#upstream = upstream;
    this.#agent = agent;
  }

  leave(): void {
    this.#away = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  comeBack(): void {
    this.#away = false;
  }

  accept(socket: Socket): void {
    if (this.#away) {
      this.refusals += 1;
      socket.resetAndDestroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }

  /** What a client sent while it was cut off is not passed on: nothing is begun while we are away. */
  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    try {
      const body = await buffer(request);
      if (this.#away) return;
      const change = describe(request);
      const verdict = change === undefined ? 'pass' : this.#line.decide(change);
      if (verdict === 'break before') {
        this.#line.strike();
        socket.destroy();
        return;
      }
      const answer = await this.#forward(request, body, response);
      if (verdict === 'break after') {
        await buffer(answer);
        this.#line.strike();
        socket.destroy();
        return;
      }
      response.writeHead(answer.statusCode ?? 502, withoutHops(answer.headers));
      // The head of a watch is news by itself.
      response.flushHeaders();
      answer.on('error', () => socket.destroy());
      answer.pipe(response);
    } catch {
      this.refusals += 1;
      socket.destroy();
    }
  }

  /** Resolves at the head of the answer. */
  async #forward(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<IncomingMessage> {
    const { method, url, headers } = request;
    const { server } = this.#upstream;
    const sent = requestUpstream(new URL(url ?? '/', server), {
      agent: this.#agent,
      method,
      headers: { ...withoutHops(headers), ...(body.length > 0 ? { 'content-length': body.length } : {}) },
    });
    response.once('close', () => sent.destroy());
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    sent.on('error', () => {});
    return answer;
  }
}

type Headers = IncomingMessage['headers'];

/** What is between two ends of one connection and is not passed on. */
function withoutHops(headers: Headers): Headers {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, host: ____, ...rest } = headers;
  return rest;
}

/** `/api/v1` or `/apis/GROUP/VERSION`, perhaps a namespace, the resource, a name, a subresource. */
const resourcePath =
  /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+)?\/([^/?]+)(?:\/([^/?]+))?(?:\/([^/?]+))?/;

/** Beats and words for people: lost, they are made up for by the next, and nothing is decided by them. */
const notPoints: ReadonlySet<string> = new Set(['leases', 'events']);

function describe({ method = '', url = '' }: IncomingMessage): MutatingRequest | undefined {
  if (method === 'GET') return undefined;
  const [, resource = '', object = '', part] = resourcePath.exec(url) ?? [];
  if (notPoints.has(resource)) return undefined;
  const text = `${method} ${resource}${part === undefined ? '' : `/${part}`}`;
  if (resource === 'xenhosts') return { link: 'host object', text, effective: true };
  return { link: 'API', text, effective: true, object };
}
