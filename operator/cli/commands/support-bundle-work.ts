import { randomBytes } from 'node:crypto';
import { open, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import {
  customResourceDefinitions,
  events,
  leases,
  pciAttachments,
  stubDomains,
  xenHosts,
} from '../../kube/resources.ts';
import { group, leaseNamespace } from '../../api/names.ts';
import { createKubeClient } from '../../kube/client.ts';
import { type ClusterConfig, ConfigError, loadClusterConfig } from '../../kube/config.ts';
import { isApiError } from '../../kube/errors.ts';
import type { KubeClient, KubeObject, ResourceType } from '../../kube/types.ts';
import type { CommandContext } from '../context.ts';
import { CliError, usageError } from '../failure.ts';
import { packageInfo } from '../package-root.ts';
import { diagnose } from './doctor-work.ts';
import { type ArchiveFile, tarOf } from './support-bundle-tar.ts';
import { createRedactor, type Redactor } from './support-bundle-redact.ts';
import type { SupportBundleOptions } from './support-bundle.ts';

const maxLogBytes = 32 * 1024 * 1024;
const metricsMs = 10_000;

const readme = `What this is: what stubdom support-bundle gathered. No secret shall be in it; look through it before you give it away.

Kept: names and uuids of objects, guests, hosts and namespaces; PCI addresses and ids; versions; conditions.
Hashed, as <0123456789> (equal values have equal hashes in this bundle, and in no other): labels, annotations, arguments of device
models, paths of disks, kernels and saved states, MAC addresses, bridges, addresses of hosts.
Left out: kubeconfigs, credentials, Secrets and ConfigMaps, values of XenStore, managedFields.
In logs and messages, what looks like a credential is replaced, and so is every value that is hashed elsewhere.
`;

interface Event extends KubeObject {
  readonly involvedObject?: { readonly apiVersion?: string };
}

interface Collected {
  readonly name: string;
  readonly value: unknown;
}

/** `support-bundle`: writes one file that its owner alone can read, and says where it is. */
export async function runSupportBundle(context: CommandContext, options: SupportBundleOptions): Promise<void> {
  for (const url of options.metrics ?? []) if (!URL.canParse(url)) throw usageError(`--metrics: ${url} is no URL.`);
  const now = new Date();
  const redactor = createRedactor(randomBytes(32));
  const stamp = now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '');
  const folder = `stubdom-support-${stamp}`;
  const path = options.output ?? `${folder}.tar.gz`;

  const cluster = await readCluster(options, redactor);
  // Once for nothing: what is hashed in any object is known before the first message is scrubbed.
  for (const { value } of cluster) redactor.object(value);
  const checks = await diagnose(context, { ...options, for: 'viewer', output: 'json' });
  const files = [
    text('README.txt', readme),
    json('versions.json', versions(now)),
    json('doctor.json', redactor.object(checks)),
    ...cluster.map(({ name, value }) => json(name, redactor.object(value))),
    ...(await readMetrics(options.metrics ?? [], redactor)),
    ...(await readLogs(options.logs ?? [], redactor)),
  ].map((file) => ({ ...file, name: `${folder}/${file.name}` }));

  const bytes = await promisify(gzip)(tarOf(files, Math.floor(now.getTime() / 1000)));
  await writeNew(path, bytes);
  context.terminal.out(`${path}: ${String(files.length)} files. Look through it before you give it away.`);
}

const text = (name: string, content: string): ArchiveFile => ({ name, content: Buffer.from(content) });
const json = (name: string, value: unknown): ArchiveFile => text(name, `${JSON.stringify(value, null, 1)}\n`);

function versions(now: Date): object {
  const { version } = packageInfo();
  return {
    stubdom: version,
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    madeAt: now.toISOString(),
  };
}

/** What the cluster has of ours. What cannot be read is named in the file of its own. */
async function readCluster(options: SupportBundleOptions, redactor: Redactor): Promise<readonly Collected[]> {
  let config: ClusterConfig;
  try {
    config = await loadClusterConfig({
      ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
      ...(options.context === undefined ? {} : { context: options.context }),
    });
  } catch (error) {
    if (error instanceof ConfigError) return [];
    throw error;
  }
  const { authorization = '' } = await config.headers();
  redactor.remember(authorization.replace(/^(?:Bearer|Basic) /, ''));
  const { hostname } = new URL(config.server);
  if (!/^(?:127\.|localhost$|\[::1\]$)/.test(hostname)) redactor.remember(hostname);
  const kube = createKubeClient(config, { deadlineMs: 30_000, maxRetries: 1 });
  try {
    return await Promise.all([
      read(kube, 'stubdomains', stubDomains),
      read(kube, 'pciattachments', pciAttachments),
      read(kube, 'xenhosts', xenHosts),
      read(kube, 'leases', leases, { namespace: leaseNamespace }),
      read<Event>(kube, 'events', events, {
        keep: ({ involvedObject }) => involvedObject?.apiVersion?.startsWith(`${group}/`) === true,
      }),
      read(kube, 'definitions', customResourceDefinitions, {
        keep: ({ metadata }) => metadata.name.endsWith(`.${group}`),
        shorten: (object) => ({ metadata: object.metadata, status: (object as { status?: unknown }).status }),
      }),
    ]);
  } finally {
    await kube.close();
  }
}

interface ReadOptions<T> {
  readonly namespace?: string;
  readonly keep?: (object: T) => boolean;
  readonly shorten?: (object: T) => unknown;
}

async function read<T extends KubeObject>(
  kube: KubeClient,
  name: string,
  type: ResourceType,
  options: ReadOptions<T> = {},
): Promise<Collected> {
  const { namespace, keep = () => true, shorten = (object: T): unknown => object } = options;
  try {
    const all = await kube.list<T>(type, namespace === undefined ? {} : { namespace });
    return { name: `objects/${name}.json`, value: all.filter(keep).map(shorten) };
  } catch (error) {
    if (!isApiError(error)) throw error;
    return { name: `objects/${name}.json`, value: { message: `They could not be read: ${error.message}` } };
  }
}

async function readMetrics(urls: readonly string[], redactor: Redactor): Promise<ArchiveFile[]> {
  return Promise.all(
    urls.map(async (url, index) => {
      const name = `metrics/${String(index)}.txt`;
      try {
        const answer = await fetch(new URL('/metrics', url), {
          signal: AbortSignal.timeout(metricsMs),
          redirect: 'error',
        });
        return text(name, redactor.text(`# ${String(answer.status)}\n${(await answer.text()).slice(0, maxLogBytes)}`));
      } catch (error) {
        return text(name, `# not read: ${error instanceof Error ? redactor.text(error.message) : 'no answer'}\n`);
      }
    }),
  );
}

/** The end of each log: a cut line at its beginning goes. */
async function readLogs(paths: readonly string[], redactor: Redactor): Promise<ArchiveFile[]> {
  return Promise.all(
    paths.map(async (path, index) => {
      const content = await readFile(path);
      const end = content.subarray(Math.max(0, content.length - maxLogBytes)).toString('utf8');
      const whole = content.length > maxLogBytes ? end.slice(end.indexOf('\n') + 1) : end;
      return text(`logs/${String(index)}.log`, redactor.text(whole));
    }),
  );
}

async function writeNew(path: string, bytes: Uint8Array): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(bytes);
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new CliError(`${path} is there already. Remove it, or give another --output`);
  }
}
