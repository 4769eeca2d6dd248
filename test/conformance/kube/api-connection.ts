/** Plain HTTP requests to an API server, and watches as lists of events. Knows nothing of the client under test elsewhere. */
import { Agent, request } from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createInterface } from 'node:readline';
import { tokenOf } from '../../support/real-kube-apiserver.ts';
import type { Answer } from './expect-answer.ts';

/** How long an event of a watch is waited for, in milliseconds. */
const EVENT_DEADLINE_MS = 15_000;

interface RequestOptions {
  readonly body?: string | undefined;
  readonly type?: string | undefined;
  readonly accept?: string | undefined;
}

/** A watch that runs. */
export interface Watch {
  /** The next event; undefined when the watch has ended. */
  next(): Promise<{ readonly type: string; readonly object: unknown } | undefined>;
  close(): void;
}

/** A server to talk to. */
export class ApiConnection {
  readonly #url: string;
  readonly #token: string;
  readonly #told: (body: unknown) => unknown;
  readonly #agent = new Agent({ keepAlive: true, rejectUnauthorized: false });

  constructor(url: string, token: string, told: (body: unknown) => unknown = (body) => body) {
    this.#url = url;
    this.#token = token;
    this.#told = told;
  }

  /** A connection with the rights of a kubeconfig. What comes back of a request is read through `told`. */
  static async open(url: string, kubeconfig: string, told?: (body: unknown) => unknown): Promise<ApiConnection> {
    return new ApiConnection(url, await tokenOf(kubeconfig), told);
  }

  #send(method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
    const { body, type } = options;
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = {
        authorization: `Bearer ${this.#token}`,
        accept: options.accept ?? 'application/json',
        'user-agent': 'conformance/1.0',
        ...(body === undefined
          ? {}
          : { 'content-type': type ?? 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      };
      const outgoing = request(`${this.#url}${path}`, { method, headers, agent: this.#agent }, resolve);
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }

  /** One request. The body is parsed if it is JSON. */
  async request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const response = await this.#send(method, path, options);
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString();
    const warnings = response.headersDistinct['warning'] ?? [];
    return { status: response.statusCode ?? 0, body: this.#told(parse(text)), warnings };
  }

  /** Starts a watch. An answer that is no stream comes back as an Answer. */
  async watch(path: string, accept?: string): Promise<Watch | Answer> {
    const response = await this.#send('GET', path, { accept });
    if (response.statusCode !== 200) {
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk as Buffer);
      return { status: response.statusCode ?? 0, body: parse(Buffer.concat(chunks).toString()), warnings: [] };
    }
    const lines = createInterface({ input: response })[Symbol.asyncIterator]();
    return {
      next: async () => {
        const line = await withDeadline(lines.next());
        if (line.done === true) return undefined;
        return JSON.parse(line.value) as { type: string; object: unknown };
      },
      close: () => response.destroy(),
    };
  }

  /** Closes idle connections. */
  close(): void {
    this.#agent.destroy();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

async function withDeadline<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error('no further event came'));
    }, EVENT_DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
