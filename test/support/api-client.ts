import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { Agent, request as send } from 'node:https';
import { createInterface } from 'node:readline';
import { load } from 'js-yaml';

/** What tests look into: an object, a list, a Table or a Status. Nothing of it is checked: a test says what it expects. */
export interface Answered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation: number;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly object[];
    readonly continue: string;
    readonly remainingItemCount?: number;
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status: { readonly phase?: string; readonly nodeName?: string };
  readonly items: readonly Answered[];
  readonly rows: readonly unknown[];
  readonly code: number;
  readonly reason: string;
  readonly message: string;
  readonly details: { readonly uid: string; readonly causes: readonly { readonly reason: string }[] };
}

/** An answer, with its JSON parsed. */
export interface ApiAnswer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Answered;
}

/** An event of a watch. */
export interface WatchEvent {
  readonly type: string;
  readonly object: Answered;
}

/** A watch that is read event by event. */
export interface TestWatch {
  /** The next event; undefined when the stream has ended. */
  next(): Promise<WatchEvent | undefined>;
  close(): void;
}

/** A bare client that does nothing a test did not ask for. */
export interface ApiClient {
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<ApiAnswer>;
  watch(path: string, headers?: Record<string, string>): Promise<TestWatch>;
  close(): void;
}

interface CallOptions {
  readonly type?: string;
  readonly headers?: Record<string, string>;
  /** Sent instead of the token of the kubeconfig; '' for none. */
  readonly token?: string;
}

interface Kubeconfig {
  readonly clusters: readonly [
    { readonly cluster: { readonly server: string; readonly 'certificate-authority-data': string } },
  ];
  readonly users: readonly [{ readonly user: { readonly token: string } }];
}

/** A client for the cluster of a kubeconfig; it checks the server's certificate. */
export function apiClient(kubeconfigPath: string): ApiClient {
  const config = load(readFileSync(kubeconfigPath, 'utf8')) as Kubeconfig;
  const { server, 'certificate-authority-data': ca } = config.clusters[0].cluster;
  const token = config.users[0].user.token;
  const agent = new Agent({ keepAlive: true, ca: Buffer.from(ca, 'base64') });
  const open = new Set<() => void>();

  const call: ApiClient['call'] = (method, path, body, options = {}) =>
    new Promise((resolve, reject) => {
      const bearer = options.token ?? token;
      const payload = body === undefined ? undefined : payloadOf(body);
      const headers: Record<string, string | number> = {
        ...(bearer === '' ? {} : { authorization: `Bearer ${bearer}` }),
        // Without a length Node sends the body of a DELETE bare.
        ...(payload === undefined
          ? {}
          : { 'content-type': options.type ?? 'application/json', 'content-length': payload.length }),
        ...options.headers,
      };
      const outgoing = send(`${server}${path}`, { method, agent, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          resolve({ code: response.statusCode ?? 0, headers: response.headers, text, body: parsed(text) as Answered });
        });
      });
      outgoing.on('error', reject);
      outgoing.end(payload);
    });

  const watch: ApiClient['watch'] = (path, headers = {}) =>
    new Promise((resolve, reject) => {
      const outgoing = send(
        `${server}${path}`,
        { agent: false, ca: Buffer.from(ca, 'base64'), headers: { authorization: `Bearer ${token}`, ...headers } },
        (response) => {
          response.on('error', () => undefined);
          const lines = createInterface({ input: response })[Symbol.asyncIterator]();
          const close = (): void => {
            open.delete(close);
            outgoing.destroy();
          };
          open.add(close);
          resolve({
            next: async () => {
              const line = await lines.next();
              return line.done === true ? undefined : (JSON.parse(line.value) as WatchEvent);
            },
            close,
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end();
    });

  return {
    call,
    watch,
    close: () => {
      for (const close of open) close();
      agent.destroy();
    },
  };
}

function payloadOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
