import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { load } from 'js-yaml';

/** What TLS needs. PEM text. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly servername?: string | undefined;
  readonly rejectUnauthorized: boolean;
}

/** How to reach one cluster, with credentials that are read again when they may have changed. */
export interface ClusterConfig {
  /** `https://host:port`, perhaps with a path. */
  readonly server: string;
  /** The namespace of the context, or of the pod. */
  readonly namespace: string;
  readonly proxyUrl?: string | undefined;
  /** Where it came from, for messages. */
  readonly source: string;
  readonly tls: () => TlsMaterial;
  /** The Authorization header, if there is one. A token file is read again when it is older than 60 s. */
  readonly headers: () => Promise<Readonly<Record<string, string>>>;
  /** Reads credentials again, after a 401 or a TLS error. */
  readonly reload: () => Promise<void>;
}

/** A configuration that cannot be used: which file, what is wrong, what to do. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly code = 'ECONFIG';
  readonly file: string;

  constructor(file: string, problem: string, advice: string, cause?: unknown) {
    super(`${file}: ${problem}. ${advice}`, cause === undefined ? undefined : { cause });
    this.file = file;
  }
}

/** Options of `loadClusterConfig`. */
export interface LoadOptions {
  /** The kubeconfig file. Default: KUBECONFIG, in-cluster, ~/.kube/config, in this order. */
  readonly kubeconfig?: string;
  /** Default: the file's current-context. */
  readonly context?: string;
  /** Default: process.env. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where a pod finds its service account. */
  readonly serviceAccountDir?: string;
  /** Wall clock milliseconds, for the age of a token file. */
  readonly now?: () => number;
}

type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const tokenMaxAgeMs = 60_000;

function explain(error: unknown): string {
  const code = isFields(error) ? error['code'] : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES') return 'it may not be read by this user';
  if (code === 'EISDIR') return 'it is a directory';
  return error instanceof Error ? error.message : 'it cannot be read';
}

async function readText(file: string, advice: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigError(file, explain(error), advice, error);
  }
}

/** Finds the cluster: an explicit kubeconfig, KUBECONFIG, the pod's service account, or ~/.kube/config. */
export async function loadClusterConfig(options: LoadOptions = {}): Promise<ClusterConfig> {
  const env = options.env ?? process.env;
  if (options.kubeconfig !== undefined) return fromKubeconfig(options.kubeconfig, options);
  const named = env['KUBECONFIG'];
  if (named !== undefined && named !== '') {
    const files = named.split(delimiter).filter((file) => file !== '');
    const [only] = files;
    // Several files are merged by rules of kubectl's own that are not worth repeating here.
    if (files.length > 1) return fromClientNode(named, options);
    if (only !== undefined) return fromKubeconfig(only, options);
  }
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'];
  if (host !== undefined && host !== '' && port !== undefined && port !== '') return inCluster(host, port, options);
  return fromKubeconfig(join(homedir(), '.kube', 'config'), options);
}

async function inCluster(host: string, port: string, options: LoadOptions): Promise<ClusterConfig> {
  const dir = options.serviceAccountDir ?? '/var/run/secrets/kubernetes.io/serviceaccount';
  const advice = 'The pod needs a mounted service account token (automountServiceAccountToken), or --kubeconfig FILE';
  const caFile = join(dir, 'ca.crt');
  let ca = await readText(caFile, advice);
  const namespace = (await readFile(join(dir, 'namespace'), 'utf8').catch(() => 'default')).trim();
  const token = await tokenFile(join(dir, 'token'), advice, options.now ?? Date.now);
  return {
    server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
    namespace: namespace === '' ? 'default' : namespace,
    source: dir,
    tls: () => ({ ca, rejectUnauthorized: true }),
    headers: token.headers,
    reload: async () => {
      ca = await readText(caFile, advice);
      await token.reload();
    },
  };
}

/** A token that is kept in a file and replaced there while we run. */
async function tokenFile(file: string, advice: string, now: () => number) {
  const read = async (): Promise<Readonly<Record<string, string>>> => {
    const token = (await readText(file, advice)).trim();
    if (token === '') throw new ConfigError(file, 'it is empty', advice);
    return { authorization: `Bearer ${token}` };
  };
  let headers = await read();
  let readAt = now();
  const reload = async () => {
    headers = await read();
    readAt = now();
  };
  return {
    headers: async () => {
      // A token that cannot be read now may still be good: the server decides, and a 401 reloads.
      if (now() - readAt >= tokenMaxAgeMs) await reload().catch(() => (readAt = now()));
      return headers;
    },
    reload,
  };
}

const fixIt = 'Check it with `kubectl config view`, or name another file with --kubeconfig';

function findNamed(file: string, list: unknown, listName: string, name: string, field: string): Fields {
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  const found = entries.find((entry) => isFields(entry) && entry['name'] === name);
  const value = isFields(found) ? found[field] : undefined;
  if (!isFields(value)) throw new ConfigError(file, `it names ${field} '${name}', but ${listName} has none`, fixIt);
  return value;
}

const text = (fields: Fields, name: string): string | undefined => {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

async function fromKubeconfig(file: string, options: LoadOptions): Promise<ClusterConfig> {
  const source = await readText(
    file,
    'Name a kubeconfig with --kubeconfig FILE or KUBECONFIG, or run `stubdom up` for a cluster of its own',
  );
  let parsed: unknown;
  try {
    parsed = load(source);
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : 'unreadable').split('\n');
    throw new ConfigError(file, `it is not valid YAML: ${line ?? ''}`, fixIt, error);
  }
  if (!isFields(parsed)) throw new ConfigError(file, 'it is not a kubeconfig (no mapping at the top)', fixIt);
  const contextName = options.context ?? text(parsed, 'current-context');
  if (contextName === undefined) {
    throw new ConfigError(
      file,
      'it has no current-context',
      'Set one with `kubectl config use-context`, or pass --context',
    );
  }
  const context = findNamed(file, parsed['contexts'], 'contexts', contextName, 'context');
  const cluster = findNamed(file, parsed['clusters'], 'clusters', text(context, 'cluster') ?? '', 'cluster');
  const userName = text(context, 'user');
  const user: Fields = userName === undefined ? {} : findNamed(file, parsed['users'], 'users', userName, 'user');
  if (user['exec'] !== undefined || user['auth-provider'] !== undefined || user['as'] !== undefined) {
    return fromClientNode(file, options);
  }
  return plainConfig(file, cluster, user, text(context, 'namespace') ?? 'default', options);
}

function checkServer(file: string, server: string | undefined): string {
  if (server === undefined) throw new ConfigError(file, 'its cluster has no server', fixIt);
  if (!URL.canParse(server) || !/^https?:$/.test(new URL(server).protocol)) {
    throw new ConfigError(file, `server '${server}' is not an http(s) URL`, fixIt);
  }
  return server.replace(/\/+$/, '');
}

/** A server, a CA, a token or a client certificate: everything that needs no helper program. */
async function plainConfig(
  file: string,
  cluster: Fields,
  user: Fields,
  namespace: string,
  options: LoadOptions,
): Promise<ClusterConfig> {
  const server = checkServer(file, text(cluster, 'server'));
  const pem = async (fields: Fields, name: string): Promise<string | undefined> => {
    const data = text(fields, `${name}-data`);
    if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
    const path = text(fields, name);
    if (path === undefined) return undefined;
    return readText(isAbsolute(path) ? path : join(dirname(file), path), `${file} names it as ${name}`);
  };
  const readTls = async (): Promise<TlsMaterial> => {
    const ca = await pem(cluster, 'certificate-authority');
    const cert = await pem(user, 'client-certificate');
    const key = await pem(user, 'client-key');
    if ((cert === undefined) !== (key === undefined)) {
      throw new ConfigError(file, 'its user has a client certificate or key without the other', fixIt);
    }
    const servername = text(cluster, 'tls-server-name');
    return { ca, cert, key, servername, rejectUnauthorized: cluster['insecure-skip-tls-verify'] !== true };
  };
  let tls = await readTls();
  const path = text(user, 'tokenFile');
  const token =
    path === undefined
      ? undefined
      : await tokenFile(
          isAbsolute(path) ? path : join(dirname(file), path),
          `${file} names it as tokenFile`,
          options.now ?? Date.now,
        );
  const fixed = staticHeaders(user);
  return {
    server,
    namespace,
    proxyUrl: text(cluster, 'proxy-url'),
    source: file,
    tls: () => tls,
    headers: token?.headers ?? (() => Promise.resolve(fixed)),
    reload: async () => {
      tls = await readTls();
      await token?.reload();
    },
  };
}

function staticHeaders(user: Fields): Readonly<Record<string, string>> {
  const token = text(user, 'token');
  if (token !== undefined) return { authorization: `Bearer ${token}` };
  const name = text(user, 'username');
  const password = text(user, 'password') ?? '';
  if (name === undefined) return {};
  return { authorization: `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}` };
}

/** Helper programs, OIDC, merged files: client-node knows them. It costs 85 MB and 2 s, so only those pay who need it. */
async function fromClientNode(files: string, options: LoadOptions): Promise<ClusterConfig> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const build = () => {
    try {
      const config = new KubeConfig();
      const [first, ...rest] = files.split(delimiter);
      config.loadFromFile(first ?? files);
      for (const file of rest) {
        const more = new KubeConfig();
        more.loadFromFile(file);
        config.mergeConfig(more);
      }
      if (options.context !== undefined) config.setCurrentContext(options.context);
      return config;
    } catch (error) {
      throw new ConfigError(files, error instanceof Error ? error.message : 'it cannot be read', fixIt, error);
    }
  };
  let config = build();
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new ConfigError(files, 'its current context names no cluster', fixIt);
  const server = checkServer(files, cluster.server);
  const pemText = (value: unknown): string | undefined =>
    typeof value === 'string' ? value : Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
  let tls: TlsMaterial = { rejectUnauthorized: true };
  let headers: Readonly<Record<string, string>> = {};
  const read = async () => {
    const request: RequestOptions = {};
    try {
      await config.applyToHTTPSOptions(request);
    } catch (error) {
      throw new ConfigError(
        files,
        `its credentials failed: ${error instanceof Error ? error.message : ''}`,
        fixIt,
        error,
      );
    }
    const { ca, cert, key } = request;
    tls = {
      ca: pemText(ca),
      cert: pemText(cert),
      key: pemText(key),
      servername: cluster.tlsServerName,
      rejectUnauthorized: !cluster.skipTLSVerify,
    };
    headers = Object.fromEntries(
      Object.entries(request.headers ?? {}).flatMap(([name, value]) =>
        typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
      ),
    );
    if (typeof request.auth === 'string') {
      headers = { ...headers, authorization: `Basic ${Buffer.from(request.auth).toString('base64')}` };
    }
  };
  const now = options.now ?? Date.now;
  await read();
  let readAt = now();
  return {
    server,
    namespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    proxyUrl: cluster.proxyUrl,
    source: files,
    tls: () => tls,
    headers: async () => {
      // client-node keeps an exec plugin's or OIDC's token until it expires: asking again is cheap.
      if (now() - readAt >= tokenMaxAgeMs) {
        readAt = now();
        await read().catch(() => undefined);
      }
      return headers;
    },
    reload: async () => {
      config = build();
      await read();
      readAt = now();
    },
  };
}
