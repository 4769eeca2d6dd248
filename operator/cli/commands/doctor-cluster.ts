import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { leaseNamespace } from '../../api/names.ts';
import { createKubeClient } from '../../kube/client.ts';
import { type ClusterConfig, ConfigError, loadClusterConfig } from '../../kube/config.ts';
import { isApiError } from '../../kube/errors.ts';
import type { Lease } from '../../kube/lease.ts';
import { leases, pciAttachments, stubDomains, xenHosts } from '../../kube/resources.ts';
import { createTransport, type Transport } from '../../kube/transport.ts';
import type { KubeClient, KubeObject, ResourceType } from '../../kube/types.ts';
import { silentLogger, systemClock } from '../../runtime/ports.ts';
import { type Check, fail, ok } from './doctor-check.ts';
import { checkDefinitions } from './doctor-definitions.ts';
import { checkHosts, checkLeader } from './doctor-leases.ts';
import { checkObjects } from './doctor-objects.ts';
import { checkPermissions } from './doctor-permissions.ts';
import type { Role } from './doctor.ts';

/** The objects of the whole cluster. */
export interface ClusterObjects {
  readonly stubDomains: readonly StubDomain[];
  readonly attachments: readonly PciAttachment[];
  readonly hosts: readonly XenHost[];
  readonly leases: readonly Lease[];
}

/** What was found, and what a host's checks are compared with: undefined where it could not be had. */
export interface ClusterDiagnosis {
  readonly checks: readonly Check[];
  readonly objects: ClusterObjects | undefined;
}

export interface ClusterOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly role: Role;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const deadlineMs = 10_000;
/** Field selectors on custom resources are not there before. */
const oldestMinor = 31;

/** Checks a cluster. Whatever goes wrong is a check that failed. */
export async function checkCluster(options: ClusterOptions): Promise<ClusterDiagnosis> {
  let config: ClusterConfig;
  try {
    const { kubeconfig, context } = options;
    config = await loadClusterConfig({
      ...(kubeconfig === undefined ? {} : { kubeconfig }),
      ...(context === undefined ? {} : { context }),
    });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { checks: [fail('kubeconfig', error.message)], objects: undefined };
  }
  const common = { clock: systemClock, logger: silentLogger, deadlineMs };
  const transport = createTransport(config, common);
  const kube = createKubeClient(config, { ...common, maxRetries: 1 });
  try {
    const server = await checkServer(transport, config.server);
    if (server.verdict === 'fail') return { checks: [server], objects: undefined };
    const definitions = await guarded('crds', () => checkDefinitions(kube));
    const permissions = await guarded('permissions', async () => [await checkPermissions(transport, options.role)]);
    const { checks, objects } = await readObjects(kube);
    const state =
      objects === undefined
        ? []
        : [
            checkLeader(objects.leases, options.now),
            ...checkHosts(objects, options.now),
            ...checkObjects(objects, options.now),
          ];
    return { checks: [server, ...definitions, ...permissions, ...checks, ...state], objects };
  } finally {
    await Promise.allSettled([transport.close(), kube.close()]);
  }
}

/** Turns a request that failed into a check that failed. */
async function guarded(check: string, work: () => Promise<readonly Check[]>): Promise<readonly Check[]> {
  try {
    return await work();
  } catch (error) {
    if (!isApiError(error)) throw error;
    return [fail(check, error.message)];
  }
}

async function checkServer(transport: Transport, server: string): Promise<Check> {
  const check = 'api-server';
  try {
    const bytes = await transport.request({ method: 'GET', path: '/version', what: 'get the version' });
    const { major, minor } = JSON.parse(bytes.toString('utf8')) as { major?: unknown; minor?: unknown };
    const [one, two] = [Number.parseInt(String(major), 10), Number.parseInt(String(minor), 10)];
    if (!Number.isInteger(one) || !Number.isInteger(two)) return fail(check, `${server} does not say its version.`);
    const version = `Kubernetes ${String(one)}.${String(two)}`;
    if (one === 1 && two < oldestMinor) {
      return fail(
        check,
        `${server} is ${version}.`,
        `Upgrade the cluster to Kubernetes 1.${String(oldestMinor)} or later.`,
      );
    }
    return ok(check, `${server} answers: ${version}.`);
  } catch (error) {
    if (!isApiError(error)) return fail(check, `${server} answers what is no version.`, 'See what listens there.');
    const next = 'See whether it runs and can be reached from here, and whether the kubeconfig is still good.';
    return fail(check, `${server}: ${error.message}`, next);
  }
}

async function readObjects(
  kube: KubeClient,
): Promise<{ readonly checks: readonly Check[]; readonly objects: ClusterObjects | undefined }> {
  const checks: Check[] = [];
  const list = async <T extends KubeObject>(type: ResourceType, namespace?: string): Promise<T[] | undefined> => {
    try {
      return await kube.list<T>(type, namespace === undefined ? {} : { namespace });
    } catch (error) {
      if (!isApiError(error)) throw error;
      checks.push(fail('read', `${type.plural} cannot be read: ${error.message}`));
      return undefined;
    }
  };
  const [domains, attachments, hosts, held] = await Promise.all([
    list<StubDomain>(stubDomains),
    list<PciAttachment>(pciAttachments),
    list<XenHost>(xenHosts),
    list<Lease>(leases, leaseNamespace),
  ]);
  if (domains === undefined || attachments === undefined || hosts === undefined || held === undefined) {
    return { checks, objects: undefined };
  }
  return { checks, objects: { stubDomains: domains, attachments, hosts, leases: held } };
}
