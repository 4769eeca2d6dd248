import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leaseNamespace } from '../../../operator/api/names.ts';
import { startWorld } from '../../../operator/embedded/world.ts';
import { watchConvergence } from '../../../operator/embedded/world/convergence.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { type ApiClient, apiClient } from '../../support/api-client.ts';
import { packageRoot } from '../../support/stubdom.ts';

interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly finalizers?: readonly string[] };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>>;
}

/** A host whose objects are all Ready, as an API server has them: the text of each. */
export interface Template {
  readonly name: string;
  readonly host: string;
  readonly objects: readonly string[];
}

const group = '/apis/stubdom.io/v1alpha1';
const inDefault = `${group}/namespaces/default`;

/** Lets a real fleet of one host become Ready, so that the objects are as large as they are in use. */
export async function convergedHost(stubDomains: number): Promise<Template> {
  const directory = await mkdtemp(join(tmpdir(), 'sdimg-'));
  const world = await startWorld({
    hosts: 1,
    stubDomains,
    pciPerDomain: 1,
    samples: false,
    guests: [],
    kubeconfigPath: join(directory, 'kubeconfig'),
    quirks: [],
    packageRoot,
    version: 'bench',
    logger: silentLogger,
    signal: new AbortController().signal,
  });
  const kube = createKubeClient(world.cluster);
  const convergence = watchConvergence(kube, world.manifests);
  const api = apiClient(world.kubeconfigPath);
  try {
    await convergence.allReady;
    const list = async (path: string): Promise<readonly ApiObject[]> => (await api.call('GET', path)).body.items;
    const kinds = [
      ['StubDomain', await list(`${inDefault}/stubdomains`)],
      ['PciAttachment', await list(`${inDefault}/pciattachments`)],
    ] as const;
    const [host] = await list(`${group}/xenhosts`);
    const objects = kinds.flatMap(([kind, items]) => items.map((item) => ({ ...item, kind })));
    return {
      name: 'xen-1',
      host: JSON.stringify({ ...host, kind: 'XenHost' }),
      objects: objects.map((object) => JSON.stringify(object)),
    };
  } finally {
    api.close();
    await convergence.close();
    await kube.close();
    await world.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Puts `hosts` copies of the template into an API server, under other names, with Leases that last. */
export async function fill(api: ApiClient, template: Template | undefined, hosts: number): Promise<void> {
  if (template === undefined) throw new Error('there is nothing to copy');
  for (let number = 1; number <= hosts; number += 1) {
    const name = `xen-${number}`;
    const copy = (text: string): ApiObject => {
      const object = JSON.parse(text.replaceAll(/\bxen-1\b/g, name)) as ApiObject;
      return ownUuids(object);
    };
    await put(api, `${group}/xenhosts`, copy(template.host));
    await api.call('POST', `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases`, {
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name, namespace: leaseNamespace },
      spec: {
        holderIdentity: name,
        leaseDurationSeconds: 86_400,
        renewTime: new Date().toISOString().replace('Z', '000Z'),
      },
    });
    await Promise.all(
      template.objects.map((text) => {
        const object = copy(text);
        return put(api, `${inDefault}/${object.kind === 'StubDomain' ? 'stubdomains' : 'pciattachments'}`, object);
      }),
    );
  }
}

/** Guests have the uuid that belongs to their name. */
function ownUuids(object: ApiObject): ApiObject {
  if (object.kind === 'StubDomain') {
    const target = { ...(object.spec?.['target'] as object), uuid: uuidOf(object.metadata.name) };
    return { ...object, spec: { ...object.spec, target } };
  }
  if (object.kind !== 'XenHost') return object;
  const guests = object.status?.['guests'] as readonly { readonly name: string }[];
  return { ...object, status: { ...object.status, guests: guests.map((g) => ({ ...g, uuid: uuidOf(g.name) })) } };
}

async function put(
  api: ApiClient,
  path: string,
  { apiVersion, kind, metadata, spec, status }: ApiObject,
): Promise<void> {
  const { name, namespace, finalizers } = metadata;
  const made = await api.call('POST', path, {
    apiVersion,
    kind,
    metadata: { name, ...(namespace === undefined ? {} : { namespace }), finalizers: finalizers ?? [] },
    ...(spec === undefined ? {} : { spec }),
  });
  const type = 'application/merge-patch+json';
  const reported = await api.call('PATCH', `${path}/${name}/status`, { status }, { type });
  for (const { code, text } of [made, reported]) {
    if (code >= 300) throw new Error(`${kind} ${name}: ${code} ${text.slice(0, 300)}`);
  }
}
