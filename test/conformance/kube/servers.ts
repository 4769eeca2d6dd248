/** The servers that the suite runs against. */
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { load } from 'js-yaml';
import { startApiServer } from '../../../operator/embedded/api-server/server.ts';
import { startRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { ApiConnection } from './api-connection.ts';
import { inLaterWords } from './words-of-1-31.ts';

/** Which server. `real` is of the newest release. */
export type ServerName = 'embedded' | 'real' | 'real 1.31';

/** A server that runs, with our CRDs. */
export interface RunningServer {
  readonly api: ApiConnection;
  stop(): Promise<void>;
}

const crdFolder = fileURLToPath(new URL('../../../crds/', import.meta.url));

async function readCrds(): Promise<object[]> {
  const files = (await readdir(crdFolder)).filter((file) => file.endsWith('.yaml'));
  return await Promise.all(
    files.map(async (file) => withoutStatusDefault(load(await readFile(join(crdFolder, file), 'utf8')) as Definition)),
  );
}

interface Definition {
  readonly spec: {
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: { properties: { status: object } } } }[];
  };
}

/** The cases are about servers; that our kinds begin with a status is tried with the statuses themselves. */
function withoutStatusDefault(definition: Definition): object {
  for (const { schema } of definition.spec.versions) {
    const { properties } = schema.openAPIV3Schema;
    const { default: _, ...status } = properties.status as { default?: unknown };
    properties.status = status;
  }
  return definition;
}

async function startEmbedded(): Promise<RunningServer> {
  const dir = await mkdtemp(join(tmpdir(), 'ek-'));
  const kubeconfigPath = join(dir, 'kubeconfig');
  const server = await startApiServer({ kubeconfigPath, crds: await readCrds() });
  const api = await ApiConnection.open(server.url, kubeconfigPath);
  return {
    api,
    stop: async () => {
      api.close();
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

async function startReal(told?: (body: unknown) => unknown): Promise<RunningServer> {
  const server = await startRealKubeApiserver();
  const api = await ApiConnection.open(server.url, server.kubeconfig, told);
  const created: string[] = [];
  for (const crd of await readCrds()) {
    const answer = await api.request('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      body: JSON.stringify(crd),
    });
    if (answer.status !== 201) throw new Error(`a CRD was refused: ${JSON.stringify(answer.body)}`);
    const { spec } = crd as { spec: { names: { plural: string } } };
    created.push(spec.names.plural);
  }
  // A new kind is served a moment after its definition is there.
  for (const plural of created) {
    for (;;) {
      const answer = await api.request('GET', `/apis/stubdom.io/v1alpha1/${plural}`);
      if (answer.status === 200) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    api,
    stop: async () => {
      api.close();
      await server.stop();
    },
  };
}

/** Starts a server. */
export function startServer(name: ServerName): Promise<RunningServer> {
  switch (name) {
    case 'embedded':
      return startEmbedded();
    case 'real':
      return startReal();
    case 'real 1.31':
      return startReal(inLaterWords);
  }
}
