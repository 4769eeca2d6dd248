import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request as requestUpstream } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { ServerCertificates } from '../../operator/embedded/api-server/certificates.ts';
import { writeKubeconfig } from '../../operator/embedded/api-server/kubeconfig.ts';
import { type ApiCall, describeCall } from './api-calls.ts';

/** The API server behind the proxies of a drill: another one after it was killed. */
export interface Upstream {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

/** What becomes of a request. */
export type Verdict =
  | { readonly kind: 'pass' }
  /** Answered here, and not passed on. */
  | {
      readonly kind: 'answer';
      readonly code: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body: object;
    }
  /** Not passed on, never answered, and its connection is not closed. */
  | { readonly kind: 'silence' }
  /** The API server does it, and the answer does not come: `then` runs instead. */
  | { readonly kind: 'swallow'; readonly then: () => void };

/** Looks at a request before it is passed on. */
export type Judge = (call: ApiCall) => Verdict;

export const pass: Verdict = { kind: 'pass' };

/** The way of one program to the API server: it counts, and breaks as a drill says. */
export interface DrillProxy {
  readonly kubeconfigPath: string;
  /** All requests so far, those that nobody answered with them. */
  readonly calls: readonly ApiCall[];
  /** Decides from now on. */
  judge(judge: Judge): void;
  /** Watches that are open hear no more, and are not closed. Gives how many there are. */
  freezeWatches(): number;
  /** Watches that are open end, as when a server shuts down. Gives how many there were. */
  endWatches(): number;
  /** Nothing comes through in either direction and nothing is closed, until `heal`. */
  partition(): void;
  /** Ends what hangs. */
  heal(): void;
  close(): Promise<void>;
}

export interface DrillProxyOptions {
  readonly kubeconfigPath: string;
  readonly certificates: ServerCertificates;
  readonly upstream: () => Upstream;
}

/** Starts one on a free port of loopback, and writes a kubeconfig for it. */
export async function startDrillProxy(options: DrillProxyOptions): Promise<DrillProxy> {
  const { certificates, kubeconfigPath } = options;
  const { cert, key, ca } = certificates;
  const proxy = new Proxy(options.upstream);
  const server = createServer({ cert, key, ALPNProtocols: ['http/1.1'] }, (request, response) => {
    void proxy.serve(request, response);
  });
  server.on('connection', (socket: Socket) => {
    proxy.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  await writeKubeconfig(kubeconfigPath, { url, ca, token: options.upstream().token });
  return {
    kubeconfigPath,
    calls: proxy.calls,
    judge: (judge) => {
      proxy.judge = judge;
    },
    freezeWatches: () => proxy.eachWatch((watch) => watch.freeze()),
    endWatches: () => proxy.eachWatch((watch) => watch.end()),
    partition: () => {
      proxy.isCut = true;
      proxy.eachWatch((watch) => watch.freeze());
    },
    heal: () => {
      proxy.isCut = false;
      proxy.dropSockets();
    },
    close: async () => {
      proxy.close();
      server.close();
      await once(server, 'close');
    },
  };
}

interface OpenWatch {
  freeze(): void;
  end(): void;
}

class Proxy {
  readonly calls: ApiCall[] = [];
  judge: Judge = () => pass;
  isCut = false;
  readonly #upstream: () => Upstream;
  readonly #sockets = new Set<Socket>();
  readonly #watches = new Set<OpenWatch>();
  readonly #agents = new Map<string, Agent>();

  constructor(upstream: () => Upstream) {
    this.#upstream = upstream;
  }

  accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }

  dropSockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  eachWatch(act: (watch: OpenWatch) => void): number {
    const watches = [...this.#watches];
    for (const watch of watches) act(watch);
    return watches.length;
  }

  close(): void {
    this.dropSockets();
    for (const agent of this.#agents.values()) agent.destroy();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = describeCall(request);
    try {
      const body = await buffer(request);
      this.calls.push(call);
      const verdict: Verdict = this.isCut ? { kind: 'silence' } : this.judge(call);
      switch (verdict.kind) {
        case 'silence':
          return;
        case 'answer':
          call.status = verdict.code;
          response.writeHead(verdict.code, { 'content-type': 'application/json', ...verdict.headers });
          response.end(`${JSON.stringify(verdict.body)}\n`);
          return;
        case 'swallow':
          await buffer(await this.#forward(request, body, response));
          verdict.then();
          request.socket.destroy();
          return;
        case 'pass':
          this.#answer(call, await this.#forward(request, body, response), response);
      }
    } catch {
      // Nobody behind us: what the client sees is a connection that ends.
      request.socket.destroy();
    }
  }

  #answer(call: ApiCall, answer: IncomingMessage, response: ServerResponse): void {
    // Cut off while it was under way.
    if (this.isCut) {
      answer.resume();
      return;
    }
    call.status = answer.statusCode;
    response.writeHead(answer.statusCode ?? 502, withoutHops(answer.headers));
    response.flushHeaders();
    answer.on('error', () => response.destroy());
    answer.pipe(response);
    if (call.verb !== 'watch') return;
    const watch: OpenWatch = {
      freeze: () => {
        answer.unpipe(response);
        answer.resume();
        this.#watches.delete(watch);
      },
      end: () => {
        answer.unpipe(response);
        response.end();
        answer.destroy();
      },
    };
    this.#watches.add(watch);
    response.once('close', () => this.#watches.delete(watch));
  }

  /** Resolves at the head of the answer. */
  async #forward(request: IncomingMessage, body: Buffer, response: ServerResponse): Promise<IncomingMessage> {
    const { url, ca } = this.#upstream();
    const sent = requestUpstream(new URL(request.url ?? '/', url), {
      agent: this.#agentFor(url, ca),
      method: request.method,
      headers: { ...withoutHops(request.headers), ...(body.length > 0 ? { 'content-length': body.length } : {}) },
    });
    response.once('close', () => sent.destroy());
    sent.end(body);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    sent.on('error', () => {});
    return answer;
  }

  #agentFor(url: string, ca: string): Agent {
    const known = this.#agents.get(url);
    if (known !== undefined) return known;
    const agent = new Agent({ keepAlive: true, ca });
    this.#agents.set(url, agent);
    return agent;
  }
}

type Headers = IncomingMessage['headers'];

/** What is between two ends of one connection and is not passed on. */
function withoutHops(headers: Headers): Headers {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, host: ____, ...rest } = headers;
  return rest;
}
