import { type Clock, type Logger, type Random, silentLogger, systemClock } from '../runtime/ports.ts';
import { exponentialDelay, sleep } from './back-off.ts';
import type { ClusterConfig } from './config.ts';
import { isApiError, isGone, isNotFound, networkError } from './errors.ts';
import { withoutManagedFields } from './managed-fields.ts';
import { apiVersionOf, pathOf } from './resources.ts';
import { type ApiRequest, createTransport, type TransportOptions } from './transport.ts';
import type {
  ApplyOptions,
  KubeClient,
  KubeObject,
  KubeWatcher,
  ListOptions,
  ListPage,
  PageOptions,
  ResourceType,
} from './types.ts';
import { isKubeObject, watchStream } from './watch-stream.ts';

/** Options of `createKubeClient`; everything has a default. */
export interface KubeClientOptions extends Partial<TransportOptions> {
  readonly random?: Random;
  /** How often a request that the server did not take is sent again. Default 3. */
  readonly maxRetries?: number;
  /** Called once per request that ended, for metrics. `status` 0: no answer. */
  readonly onRequest?: (method: string, kind: string, status: number) => void;
}

/** The client of one cluster. `close` ends what is under way. */
export type ClusterClient = KubeClient & KubeWatcher & { close(): Promise<void> };

const pageSize = 500;
const maxRetryWaitSeconds = 30;

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

function queryOf(query: Query): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, String(value));
  return params.size === 0 ? '' : `?${params.toString()}`;
}

/** Speaks to the cluster of `config`. Raw JSON; managedFields are left out of what comes back. */
export function createKubeClient(config: ClusterConfig, options: KubeClientOptions = {}): ClusterClient {
  const clock: Clock = options.clock ?? systemClock;
  const logger: Logger = options.logger ?? silentLogger;
  const random = options.random ?? Math.random;
  const maxRetries = options.maxRetries ?? 3;
  const transport = createTransport(config, { ...options, clock, logger });

  /** Milliseconds until it may be sent again; undefined when it may not. */
  const retryDelay = (error: unknown, idempotent: boolean, attempt: number): number | undefined => {
    if (!isApiError(error) || attempt >= maxRetries) return undefined;
    const asked = error.retryAfterSeconds;
    // 429 means that nothing was done, so that any verb may come again; 5xx leaves that open.
    if (error.status === 429 || (error.status >= 500 && idempotent && asked !== undefined)) {
      if (asked !== undefined && asked > maxRetryWaitSeconds) return undefined;
      return (asked ?? 0) * 1000 + exponentialDelay(attempt, { baseMs: 200, maxMs: 5_000 }, random);
    }
    // A kept connection that the server closed just as we used it: once more, on another one.
    return error.network === 'ERESET' && idempotent && attempt === 0 ? 0 : undefined;
  };

  const send = async (request: ApiRequest, kind: string, idempotent: boolean): Promise<Buffer> => {
    for (let attempt = 0; ; attempt += 1) {
      try {
        const body = await transport.request(request);
        options.onRequest?.(request.method, kind, 200);
        return body;
      } catch (error) {
        options.onRequest?.(request.method, kind, isApiError(error) ? error.status : 0);
        const delay = retryDelay(error, idempotent, attempt);
        if (delay === undefined) throw error;
        if (delay > 0) await sleep(clock, delay, request.signal);
      }
    }
  };

  const json = (bytes: Buffer, what: string): unknown => {
    try {
      return JSON.parse(withoutManagedFields(bytes));
    } catch (error) {
      throw networkError('EBADANSWER', `${what}: the answer is not JSON`, error);
    }
  };

  const objectOf = <T extends KubeObject>(bytes: Buffer, what: string): T => {
    const parsed = json(bytes, what);
    if (!isKubeObject(parsed)) throw networkError('EBADANSWER', `${what}: the answer is not an object of the API`);
    return parsed as T;
  };

  const write = async <T extends KubeObject>(
    method: 'POST' | 'PUT' | 'PATCH',
    type: ResourceType,
    target: {
      readonly namespace?: string | undefined;
      readonly name?: string | undefined;
      readonly subresource?: string | undefined;
      readonly verb: string;
      readonly idempotent: boolean;
    },
    body: unknown,
    contentType: string,
    query: Query = {},
  ): Promise<T> => {
    const { namespace, name, subresource } = target;
    const place = [namespace, name].filter((part) => part !== undefined).join('/');
    const what = `${target.verb} ${type.kind} ${place}${subresource === undefined ? '' : `/${subresource}`}`;
    const path = pathOf(type, namespace, name, subresource) + queryOf(query);
    const request = { method, path, what, contentType, body: JSON.stringify(body) };
    return objectOf<T>(await send(request, type.kind, target.idempotent), what);
  };

  /** The reference within an object that is about to be sent. */
  const identityOf = (object: object): { readonly namespace?: string; readonly name?: string } => {
    const metadata: unknown = (object as { metadata?: unknown }).metadata;
    return typeof metadata === 'object' && metadata !== null ? metadata : {};
  };

  const apply = async <T extends KubeObject>(
    type: ResourceType,
    object: object,
    { fieldManager, force, dryRun }: ApplyOptions,
    subresource?: 'status',
  ): Promise<T> => {
    const { namespace, name } = identityOf(object);
    if (name === undefined) throw new TypeError(`apply of a ${type.kind} without metadata.name`);
    return write<T>(
      'PATCH',
      type,
      { namespace, name, subresource, verb: 'apply', idempotent: true },
      { apiVersion: apiVersionOf(type), kind: type.kind, ...object },
      'application/apply-patch+yaml',
      { fieldManager, force: force === true ? true : undefined, dryRun: dryRun === true ? 'All' : undefined },
    );
  };

  const listPage = async <T extends KubeObject>(
    type: ResourceType,
    page: PageOptions,
    signal?: AbortSignal,
  ): Promise<ListPage<T>> => {
    const { namespace, labelSelector, fieldSelector, limit, continueToken } = page;
    const what = `list ${type.kind}`;
    const path = pathOf(type, namespace) + queryOf({ labelSelector, fieldSelector, limit, continue: continueToken });
    const bytes = await send({ method: 'GET', path, what, signal }, type.kind, true);
    const list = json(bytes, what) as { items?: unknown; metadata?: { resourceVersion?: unknown; continue?: unknown } };
    const version = list.metadata?.resourceVersion;
    if (!Array.isArray(list.items) || typeof version !== 'string' || !list.items.every(isKubeObject)) {
      throw networkError('EBADANSWER', `${what}: the answer is not a list of the API`);
    }
    const next = list.metadata?.continue;
    const common = { apiVersion: apiVersionOf(type), kind: type.kind };
    return {
      // The items of a built-in kind's list come without their apiVersion and kind.
      items: list.items.map(
        (item) => ((item as Partial<KubeObject>).kind === undefined ? { ...common, ...item } : item) as T,
      ),
      resourceVersion: version,
      continueToken: typeof next === 'string' && next !== '' ? next : undefined,
    };
  };

  const listAll = async <T extends KubeObject>(type: ResourceType, wanted: ListOptions): Promise<T[]> => {
    const items: T[] = [];
    let continueToken: string | undefined;
    do {
      const page: ListPage<T> = await listPage<T>(type, { ...wanted, limit: pageSize, continueToken });
      items.push(...page.items);
      continueToken = page.continueToken;
    } while (continueToken !== undefined);
    return items;
  };

  const client: ClusterClient = {
    get: async (type, ref) => {
      const what = `get ${type.kind} ${ref.namespace === undefined ? '' : `${ref.namespace}/`}${ref.name}`;
      const request: ApiRequest = { method: 'GET', path: pathOf(type, ref.namespace, ref.name), what };
      return objectOf(await send(request, type.kind, true), what);
    },
    tryGet: async <T extends KubeObject>(type: ResourceType, ref: { namespace?: string | undefined; name: string }) => {
      try {
        return await client.get<T>(type, ref);
      } catch (error) {
        if (isNotFound(error)) return undefined;
        throw error;
      }
    },
    list: async <T extends KubeObject>(type: ResourceType, wanted: ListOptions = {}) => {
      try {
        return await listAll<T>(type, wanted);
      } catch (error) {
        // The continue token grew too old while we read.
        if (isGone(error)) return listAll<T>(type, wanted);
        throw error;
      }
    },
    create: async (type, object, createOptions = {}) => {
      const { namespace } = identityOf(object);
      if (type.namespaced && namespace === undefined)
        throw new TypeError(`create of a ${type.kind} without a namespace`);
      const body = { apiVersion: apiVersionOf(type), kind: type.kind, ...object };
      const target = { namespace: type.namespaced ? namespace : undefined, verb: 'create', idempotent: false };
      return write('POST', type, target, body, 'application/json', createOptions);
    },
    replace: (type, object, subresource) => {
      const { namespace, name } = object.metadata;
      const target = { namespace, name, subresource, verb: 'replace', idempotent: false };
      return write('PUT', type, target, object, 'application/json');
    },
    apply: (type, object, applyOptions) => apply(type, object, applyOptions),
    applyStatus: (type, object, applyOptions) => apply(type, object, applyOptions, 'status'),
    mergePatch: (type, ref, patch, subresource) => {
      const target = { namespace: ref.namespace, name: ref.name, subresource, verb: 'patch', idempotent: true };
      return write('PATCH', type, target, patch, 'application/merge-patch+json');
    },
    jsonPatch: (type, ref, patch, subresource) => {
      const target = { namespace: ref.namespace, name: ref.name, subresource, verb: 'patch', idempotent: false };
      return write('PATCH', type, target, patch, 'application/json-patch+json');
    },
    delete: async (type, ref, deleteOptions = {}) => {
      const { uid, resourceVersion, propagationPolicy } = deleteOptions;
      const what = `delete ${type.kind} ${ref.name}`;
      const preconditions = uid === undefined && resourceVersion === undefined ? undefined : { uid, resourceVersion };
      const body = JSON.stringify({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions, propagationPolicy });
      try {
        await send({ method: 'DELETE', path: pathOf(type, ref.namespace, ref.name), what, body }, type.kind, true);
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    },
    listPage,
    watch: (type, wanted, sink) => {
      const { namespace, labelSelector, fieldSelector, resourceVersion, initialEvents, timeoutSeconds } = wanted;
      const what = `watch ${type.kind}`;
      const query = queryOf({
        watch: true,
        allowWatchBookmarks: true,
        labelSelector,
        fieldSelector,
        resourceVersion,
        timeoutSeconds,
        sendInitialEvents: initialEvents === true ? true : undefined,
        resourceVersionMatch: initialEvents === true ? 'NotOlderThan' : undefined,
      });
      let stop = () => {};
      const stream = watchStream(what, sink, () => {
        stop();
      });
      const request: ApiRequest = { method: 'GET', path: pathOf(type, namespace) + query, what };
      stop = transport.stream(request, wanted.idleTimeoutMs, stream);
      return stop;
    },
    close: () => transport.close(),
  };
  return client;
}
