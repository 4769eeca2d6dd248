import Pool from 'undici/lib/dispatcher/pool.js';
import type { Dispatcher } from 'undici';
import type { Clock, Logger } from '../runtime/ports.ts';
import type { ClusterConfig, TlsMaterial } from './config.ts';
import { type ApiError, apiErrorFromStatus, isUnauthorized, networkError, networkErrorFrom } from './errors.ts';
import { parseRetryAfter } from './retry-after.ts';

/** One request, ready for the wire. `path` begins with a slash and carries the query. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** For messages: `get StubDomain a/b`. */
  readonly what: string;
}

/** What a stream says. After `ended` or `failed` nothing more comes. */
export interface StreamSink {
  opened(): void;
  data(chunk: Buffer): void;
  ended(): void;
  failed(error: ApiError): void;
}

/** Keep-alive HTTP to one API server. */
export interface Transport {
  /** The body of a 2xx answer; everything else throws an `ApiError`. */
  request(request: ApiRequest): Promise<Buffer>;
  /** A GET whose answer is read as it comes. Gives back what ends it; the sink is not called after that. */
  stream(request: ApiRequest, idleTimeoutMs: number, sink: StreamSink): () => void;
  /** Ends everything that is under way with `ECLOSED`. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Requests at the same time, watches apart; more wait. Default 8. */
  readonly connections?: number;
  /** A request without a complete answer after this many milliseconds fails. Default 30 s. */
  readonly deadlineMs?: number;
  /** The longest answer that is read. Default 64 MiB. */
  readonly maxBodyBytes?: number;
  readonly userAgent?: string;
  /**
   * Asked in the moment in which a write goes out, however long it waited for its turn, and again when it is sent again; if it says no,
   * that fails with `EFENCED`.
   */
  readonly mayWrite?: () => boolean;
}

interface Pools {
  readonly requests: Dispatcher;
  readonly streams: Dispatcher;
  readonly tls: TlsMaterial;
}

const reloadPauseMs = 1_000;
const maxErrorBody = 256 * 1024;

const sameTls = (a: TlsMaterial, b: TlsMaterial): boolean =>
  a.ca === b.ca && a.cert === b.cert && a.key === b.key && a.servername === b.servername;

/** Connections are kept for 60 s; Go's server closes idle ones after 90 s, so that we are the ones who let go. */
async function openPools(config: ClusterConfig, origin: string, connections: number): Promise<Pools> {
  const tls = config.tls();
  const common = {
    allowH2: false,
    pipelining: 1,
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 60_000,
    keepAliveMaxTimeout: 60_000,
  };
  const material = {
    rejectUnauthorized: tls.rejectUnauthorized,
    ...(tls.ca === undefined ? {} : { ca: tls.ca }),
    ...(tls.cert === undefined ? {} : { cert: tls.cert }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.servername === undefined ? {} : { servername: tls.servername }),
  };
  if (config.proxyUrl !== undefined) {
    const { ProxyAgent } = await import('undici');
    const open = () => new ProxyAgent({ ...common, uri: config.proxyUrl ?? '', requestTls: material });
    return { requests: open(), streams: open(), tls };
  }
  // A connection whose other end is gone is found by TCP after 30 s + 9 probes; our own timers are shorter.
  const connect = { timeout: 10_000, keepAlive: true, keepAliveInitialDelay: 30_000, ...material };
  return {
    requests: new Pool(origin, { ...common, connections, connect }),
    // A watch takes a connection for itself.
    streams: new Pool(origin, { ...common, connect }),
    tls,
  };
}

/** Opens nothing yet: the first request connects. */
export function createTransport(config: ClusterConfig, options: TransportOptions): Transport {
  const { clock, logger } = options;
  const base = new URL(config.server);
  const prefix = base.pathname.replace(/\/+$/, '');
  const deadlineMs = options.deadlineMs ?? 30_000;
  const maxBodyBytes = options.maxBodyBytes ?? 64 * 1024 * 1024;
  const userAgent = options.userAgent ?? 'stubdom-operator';
  const open = () => openPools(config, base.origin, options.connections ?? 8);
  let closed = false;
  const isClosed = () => closed;
  let pools: Promise<Pools> | undefined;
  let retired: Pools[] = [];
  let generation = 0;
  let reloading: Promise<void> | undefined;
  let reloadedAt = Number.NEGATIVE_INFINITY;

  const currentPools = (): Promise<Pools> => {
    pools ??= open();
    return pools;
  };

  const reload = async (why: ApiError): Promise<void> => {
    logger.info('reading the credentials for the API server again', { reason: why.reason, source: config.source });
    await config.reload();
    generation += 1;
    const old = await currentPools();
    if (sameTls(old.tls, config.tls())) return;
    pools = open();
    retired = [...retired, old];
    // What is under way on the old certificates ends in its own time.
    const letGo = async () => {
      await Promise.allSettled([old.requests.close(), old.streams.close()]);
      retired = retired.filter((pair) => pair !== old);
    };
    void letGo();
  };

  /** True when other credentials than those of generation `used` are there to try. */
  const refresh = async (used: number, why: ApiError): Promise<boolean> => {
    if (generation !== used) return true;
    if (reloading === undefined) {
      if (clock.monotonic() - reloadedAt < reloadPauseMs) return false;
      reloadedAt = clock.monotonic();
      reloading = reload(why)
        .catch((error: unknown) => {
          logger.warn('the credentials for the API server cannot be read again', { error: String(error) });
        })
        .finally(() => (reloading = undefined));
    }
    await reloading;
    return generation !== used;
  };

  const headersFor = async (request: ApiRequest): Promise<Record<string, string>> => ({
    accept: 'application/json',
    'user-agent': userAgent,
    ...(request.body === undefined ? {} : { 'content-type': request.contentType ?? 'application/json' }),
    ...(await config.headers()),
  });

  const dispatchOptions = (request: ApiRequest, headers: Record<string, string>): Dispatcher.DispatchOptions => ({
    origin: base.origin,
    path: prefix + request.path,
    method: request.method,
    headers,
    body: request.body ?? null,
  });

  const send = (pool: Dispatcher, request: ApiRequest, headers: Record<string, string>): Promise<Buffer> =>
    new Promise((resolve, reject) => {
      let controller: Dispatcher.DispatchController | undefined;
      let settled = false;
      let status = 0;
      let retryAfter: number | undefined;
      let size = 0;
      const chunks: Buffer[] = [];
      const settle = (act: () => void) => {
        if (settled) return;
        settled = true;
        cancelTimer();
        request.signal?.removeEventListener('abort', onAbort);
        act();
      };
      const fail = (error: ApiError) => {
        settle(() => {
          reject(error);
          controller?.abort(error);
        });
      };
      const onAbort = () => {
        fail(networkError('EABORTED', `${request.what}: given up`, request.signal?.reason));
      };
      const cancelTimer = clock.setTimer(deadlineMs, () => {
        fail(networkError('EDEADLINE', `${request.what}: no answer within ${deadlineMs} ms`));
      });
      if (request.signal?.aborted === true) {
        onAbort();
        return;
      }
      request.signal?.addEventListener('abort', onAbort, { once: true });
      pool.dispatch(dispatchOptions(request, headers), {
        onRequestStart: (started) => {
          controller = started;
          if (settled) started.abort(new Error('given up before it was sent'));
          else if (request.method !== 'GET' && options.mayWrite?.() === false) {
            fail(networkError('EFENCED', `${request.what}: not sent, since another may decide by now`));
          }
        },
        onResponseStart: (_controller, code, responseHeaders) => {
          status = code;
          retryAfter = parseRetryAfter(responseHeaders['retry-after'], clock.now());
        },
        onResponseData: (_controller, chunk) => {
          size += chunk.length;
          if (size > maxBodyBytes)
            fail(networkError('ETOOLARGE', `${request.what}: the answer is over ${maxBodyBytes} bytes`));
          else chunks.push(chunk);
        },
        onResponseEnd: () => {
          const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, size);
          settle(() => {
            if (status >= 200 && status < 300) resolve(body);
            else reject(apiErrorFromStatus(status, parseJson(body), request.what, retryAfter));
          });
        },
        onResponseError: (_controller, error) => {
          settle(() => reject(networkErrorFrom(error, request.what)));
        },
      });
    });

  const request = async (wanted: ApiRequest): Promise<Buffer> => {
    for (let attempt = 0; ; attempt += 1) {
      if (closed) throw networkError('ECLOSED', `${wanted.what}: the client is closed`);
      const used = generation;
      try {
        const { requests } = await currentPools();
        return await send(requests, wanted, await headersFor(wanted));
      } catch (error) {
        const failure = networkErrorFrom(error, wanted.what);
        const credentials = isUnauthorized(failure) || failure.network === 'ETLS';
        if (isClosed() || attempt > 0 || !credentials || !(await refresh(used, failure))) throw failure;
      }
    }
  };

  const stream = (wanted: ApiRequest, idleTimeoutMs: number, sink: StreamSink): (() => void) => {
    let over = false;
    let controller: Dispatcher.DispatchController | undefined;
    let heardAt = clock.monotonic();
    let cancelTimer = () => {};
    const finish = (say: () => void) => {
      if (over) return;
      over = true;
      cancelTimer();
      say();
    };
    const fail = (error: ApiError) => {
      finish(() => {
        sink.failed(error);
      });
      controller?.abort(error);
    };
    // One timer that looks at the last byte, not one timer per chunk.
    const watchIdle = () => {
      const quiet = clock.monotonic() - heardAt;
      if (quiet >= idleTimeoutMs) fail(networkError('EIDLE', `${wanted.what}: silent for ${Math.round(quiet)} ms`));
      else cancelTimer = clock.setTimer(idleTimeoutMs - quiet, watchIdle);
    };
    watchIdle();
    const start = async () => {
      const used = generation;
      const { streams } = await currentPools();
      const headers = await headersFor(wanted);
      if (over) return;
      let refused: { readonly status: number; readonly retryAfter: number | undefined } | undefined;
      let refusal = '';
      streams.dispatch(dispatchOptions(wanted, headers), {
        onRequestStart: (started) => {
          controller = started;
          if (over) started.abort(new Error('ended before it was sent'));
        },
        onResponseStart: (_controller, status, responseHeaders) => {
          heardAt = clock.monotonic();
          if (status === 200) {
            if (!over) sink.opened();
          } else refused = { status, retryAfter: parseRetryAfter(responseHeaders['retry-after'], clock.now()) };
        },
        onResponseData: (_controller, chunk) => {
          heardAt = clock.monotonic();
          if (over) return;
          if (refused === undefined) sink.data(chunk);
          else if (refusal.length < maxErrorBody) refusal += chunk.toString('utf8');
        },
        onResponseEnd: () => {
          if (refused === undefined) {
            finish(() => {
              sink.ended();
            });
            return;
          }
          const error = apiErrorFromStatus(refused.status, parseJson(refusal), wanted.what, refused.retryAfter);
          if (isUnauthorized(error))
            void refresh(used, error).then(() => {
              fail(error);
            });
          else fail(error);
        },
        onResponseError: (_controller, cause) => {
          const error = networkErrorFrom(cause, wanted.what);
          if (error.network === 'ETLS')
            void refresh(used, error).then(() => {
              fail(error);
            });
          else fail(error);
        },
      });
    };
    if (closed)
      queueMicrotask(() => {
        fail(networkError('ECLOSED', `${wanted.what}: the client is closed`));
      });
    else
      start().catch((error: unknown) => {
        fail(networkErrorFrom(error, wanted.what));
      });
    return () => {
      finish(() => {});
      controller?.abort(new Error('no longer wanted'));
    };
  };

  const close = async (): Promise<void> => {
    closed = true;
    const all = [...retired, ...(pools === undefined ? [] : [await pools])];
    const reason = networkError('ECLOSED', 'the client was closed');
    await Promise.allSettled(all.flatMap((pair) => [pair.requests.destroy(reason), pair.streams.destroy(reason)]));
  };

  return { request, stream, close };
}

function parseJson(body: Buffer | string): unknown {
  try {
    return JSON.parse(typeof body === 'string' ? body : body.toString('utf8', 0, maxErrorBody));
  } catch {
    // An error page of a proxy, or nothing: the HTTP status says enough.
    return undefined;
  }
}
