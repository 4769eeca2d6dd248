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
  /** The API server does it, and the answer does not come: `then` runs instead, and the connection is not closed. */
  | { readonly kind: 'swallow'; readonly then: () => void };

/** Looks at a request before it is passed on. */
export type Judge = (call: ApiCall) => Verdict;

export const pass: Verdict = { kind: 'pass' };

/** The way of one program to the API server: it counts, and breaks as a drill says. */
export interface DrillProxy {
  readonly kubeconfigPath: string;
  /** All requests so far, those that nobody answered with them. */
  readonly calls: readonly ApiCall[];
  /** Watches that hear what happens. */
  readonly openWatches: number;
  /** Decides from now on. */
  judge(judge: Judge): void;
  /** Watches that are open hear no more, and are not closed. Gives how many there are. */
  freezeWatches(): number;
  /** Watches that are open end, as when a server shuts down, with `last` as their last event. Gives how many there were. */
  endWatches(last?: object): number;
  /** Nothing comes through in either direction and nothing is closed, until `heal`. */
  partition(): void;
  /** Passes everything on from now on, and closes connections on which something is still waited for in vain. */
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
    get openWatches() {
      return proxy.openWatches;
    },
    judge: (judge) => {
      proxy.judge = judge;
    },
    freezeWatches: () => proxy.eachWatch((watch) => watch.freeze()),
    endWatches: (last) => proxy.eachWatch((watch) => watch.end(last)),
    partition: () => {
      proxy.isCut = true;
      proxy.eachWatch((watch) => watch.freeze());
    },
    heal: () => {
      proxy.isCut = false;
      proxy.judge = () => pass;
      proxy.dropHanging();
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
  end(last: object | undefined): void;
}

class Proxy {
  readonly calls: ApiCall[] = [];
  judge: Judge = () => pass;
  isCut = false;
  readonly #upstream: () => Upstream;
  readonly #sockets = new Set<Socket>();
  /** Those on which an answer, or more of one, will never come. */
  readonly #hanging = new Set<Socket>();
  readonly #watches = new Set<OpenWatch>();
  readonly #agents = new Map<string, Agent>();

  constructor(upstream: () => Upstream) {
    this.#upstream = upstream;
  }

  accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#hanging.delete(socket);
    });
  }

  get openWatches(): number {
    return this.#watches.size;
  }

  dropHanging(): void {
    for (const socket of this.#hanging) socket.destroy();
  }

  eachWatch(act: (watch: OpenWatch) => void): number {
    const watches = [...this.#watches];
    for (const watch of watches) act(watch);
    return watches.length;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    for (const agent of this.#agents.values()) agent.destroy();
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { socket } = request;
    try {
      const body = await buffer(request);
      const call = describeCall(request, body.toString());
      this.calls.push(call);
      const verdict: Verdict = this.isCut ? { kind: 'silence' } : this.judge(call);
      switch (verdict.kind) {
        case 'silence':
          this.#hanging.add(socket);
          return;
        case 'answer':
          call.status = verdict.code;
          response.writeHead(verdict.code, { 'content-type': 'application/json', ...verdict.headers });
          response.end(`${JSON.stringify(verdict.body)}\n`);
          return;
        case 'swallow':
          this.#hanging.add(socket);
          call.lost = true;
          call.status = await this.#swallow(await this.#forward(request, body, response));
          verdict.then();
          return;
        case 'pass':
          this.#answer(call, await this.#forward(request, body, response), response, socket);
      }
    } catch {
      // Nobody behind us: what the client sees is a connection that ends.
      socket.destroy();
    }
  }

  #answer(call: ApiCall, answer: IncomingMessage, response: ServerResponse, socket: Socket): void {
    // Cut off while it was under way.
    if (this.isCut) {
      this.#hanging.add(socket);
      answer.resume();
      return;
    }
    call.status = answer.statusCode;
    response.writeHead(answer.statusCode ?? 502, withoutHops(answer.headers));
    response.flushHeaders();
    answer.on('error', () => response.destroy());
    answer.pipe(response);
    if (call.verb !== 'watch' || call.status !== 200) return;
    const watch: OpenWatch = {
      freeze: () => {
        this.#hanging.add(socket);
        answer.unpipe(response);
        answer.resume();
        this.#watches.delete(watch);
      },
      end: (last) => {
        this.#watches.delete(watch);
        answer.unpipe(response);
        response.end(last === undefined ? '' : `${JSON.stringify(last)}\n`);
        answer.destroy();
      },
    };
    this.#watches.add(watch);
    response.once('close', () => this.#watches.delete(watch));
  }

  async #swallow(answer: IncomingMessage): Promise<number | undefined> {
    await buffer(answer);
    return answer.statusCode;
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
