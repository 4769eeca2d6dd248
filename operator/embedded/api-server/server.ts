import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { silentLogger, systemClock, type Clock, type Logger } from '../../runtime/ports.ts';
import type { ApiContext } from './api-context.ts';
import { makeCertificates, type ServerCertificates } from './certificates.ts';
import { createRequestHandler } from './http/request-handler.ts';
import { isObject } from './json.ts';
import { writeKubeconfig } from './kubeconfig.ts';
import { startLifecycle } from './lifecycle/lifecycle.ts';
import { Continuations } from './objects/continuations.ts';
import { builtinResources } from './resources/builtin-resources.ts';
import { ResourceRegistry } from './resources/resource-registry.ts';
import { SchemaCache } from './resources/schema-cache.ts';
import { seedObjects } from './seed-objects.ts';
import { ApiServerStartError } from './start-error.ts';
import { takeDataLock, type DataLock } from './store/data-lock.ts';
import { openJournal, type Journal } from './store/journal.ts';
import { ObjectStore } from './store/store.ts';

/** How an embedded API server is started. */
export interface ApiServerOptions {
  /** Where the kubeconfig for clients is written. */
  readonly kubeconfigPath: string;
  /** Keeps everything across restarts; without it data lives in memory. */
  readonly dataDir?: string;
  /** On 127.0.0.1; 0 or absent for any free port. */
  readonly port?: number;
  /** CustomResourceDefinitions that are created (or updated) before the server is ready. */
  readonly crds?: readonly object[];
  /** Changes per kind that watches can start in the past from. */
  readonly historySize?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** A running embedded API server. */
export interface EmbeddedApiServer {
  readonly url: string;
  readonly kubeconfigPath: string;
  readonly port: number;
  /** Ends watches and connections, and closes the data directory. */
  close(): Promise<void>;
}

interface Identity extends ServerCertificates {
  readonly token: string;
}

/** Starts a Kubernetes API server on loopback. Throws ApiServerStartError when it cannot start. */
export async function startApiServer(options: ApiServerOptions): Promise<EmbeddedApiServer> {
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? silentLogger;
  const store = new ObjectStore({
    ...(options.historySize === undefined ? {} : { historySize: options.historySize }),
    onSnapshotError: (error) => {
      logger.warn('API server snapshot failed', { code: (error as NodeJS.ErrnoException).code ?? 'unknown' });
    },
  });
  for (const resource of builtinResources) store.define(resource.collection, resource.selectableFields);
  const data = options.dataDir === undefined ? undefined : await openData(options.dataDir, store);
  if (store.revision === emptyRevision) store.begin(firstRevision(systemClock.now()));
  let lifecycle: { stop(): void } | undefined;
  try {
    const identity = await identityFor(options.dataDir, systemClock.now());
    const resources = new ResourceRegistry();
    resources.replace('', builtinResources);
    const context: ApiContext = {
      store,
      resources,
      schemas: new SchemaCache(),
      continuations: new Continuations(),
      clock,
      random: Math.random,
      logger,
      version: 'v1.36.0-stubdom',
    };
    const housekeeping = startLifecycle(context);
    lifecycle = housekeeping;
    seedObjects(context, options.crds ?? []);
    await store.durable();
    const server = createServer(
      {
        cert: identity.cert,
        key: identity.key,
        ALPNProtocols: ['http/1.1'],
        keepAliveTimeout: 120_000,
        requestTimeout: 60_000,
      },
      createRequestHandler(context, identity.token),
    );
    const port = await listen(server, options.port ?? 0);
    const url = `https://127.0.0.1:${String(port)}`;
    const close = async (): Promise<void> => {
      housekeeping.stop();
      await closeServer(server);
      await data?.journal.close();
      await data?.lock.release();
    };
    try {
      await writeKubeconfig(options.kubeconfigPath, { url, ca: identity.ca, token: identity.token });
    } catch (error) {
      await close();
      throw error;
    }
    return { url, kubeconfigPath: options.kubeconfigPath, port, close };
  } catch (error) {
    lifecycle?.stop();
    await data?.journal.close().catch(() => undefined);
    await data?.lock.release();
    throw error;
  }
}

/** The revision of a store that never held anything. */
const emptyRevision = 1;

/**
 * Where a store that starts from nothing begins to count: above all that an earlier one has given out, unless it wrote
 * more than 10,000 times a second ever since it started. Who watched that one hears that its version is too old and
 * lists anew, instead of waiting for a version that seems to lie in the future.
 */
function firstRevision(nowMs: number): number {
  return Math.max(emptyRevision, (nowMs - Date.UTC(2025)) * 10);
}

async function openData(dataDir: string, store: ObjectStore): Promise<{ journal: Journal; lock: DataLock }> {
  let lock: DataLock | undefined;
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    lock = await takeDataLock(dataDir);
    const journal = await openJournal(dataDir, store);
    store.attach(journal);
    return { journal, lock };
  } catch (error) {
    await lock?.release();
    if (error instanceof ApiServerStartError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ApiServerStartError(
      'EDATADIR',
      `the data directory ${dataDir} cannot be used (${code}): choose a --data-dir that you may write to`,
      { cause: error },
    );
  }
}

/** Certificates and token; kept with the data, so that a kubeconfig outlives a restart. */
async function identityFor(dataDir: string | undefined, nowMs: number): Promise<Identity> {
  const path = dataDir === undefined ? undefined : join(dataDir, 'identity.json');
  if (path !== undefined) {
    const known = parseIdentity(await readFile(path, 'utf8').catch(() => ''));
    if (known !== undefined) return known;
  }
  const identity = { ...(await makeCertificates(nowMs)), token: randomBytes(24).toString('base64url') };
  if (path !== undefined) {
    await writeFile(`${path}.tmp`, JSON.stringify(identity), { mode: 0o600 });
    await rename(`${path}.tmp`, path);
  }
  return identity;
}

function parseIdentity(text: string): Identity | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    if (!isObject(value)) return undefined;
    const { ca, cert, key, token } = value;
    if (typeof ca !== 'string' || typeof cert !== 'string') return undefined;
    return typeof key === 'string' && typeof token === 'string' ? { ca, cert, key, token } : undefined;
  } catch {
    return undefined;
  }
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      const what = inUse ? 'is in use' : `cannot be listened on (${error.code ?? 'unknown error'})`;
      reject(
        new ApiServerStartError(
          inUse ? 'EPORTINUSE' : 'ELISTEN',
          `port ${String(port)} of 127.0.0.1 ${what}: stop what uses it, or choose another --port (0 for any)`,
          { cause: error },
        ),
      );
    });
    server.listen(port, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeAllConnections();
  });
}
