import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { startApiServer } from '../../../operator/embedded/api-server/server.ts';
import { startRealKubeApiserver } from '../../support/real-kube-apiserver.ts';

/** A server under test. */
export interface RunningServer {
  readonly kubeconfig: string;
  close(): Promise<void>;
}

/** Our CRDs, as the files say them. */
export async function readCrds(): Promise<object[]> {
  const names = ['stubdomains', 'pciattachments', 'xenhosts'];
  const folder = join(import.meta.dirname, '../../../crds');
  return Promise.all(
    names.map(async (name) => load(await readFile(join(folder, `${name}.stubdom.io.yaml`), 'utf8')) as object),
  );
}

export async function startEmbedded(): Promise<RunningServer> {
  const dir = await mkdtemp(join(tmpdir(), 'kc-emb-'));
  const server = await startApiServer({ kubeconfigPath: join(dir, 'kubeconfig') });
  return {
    kubeconfig: server.kubeconfigPath,
    close: async () => {
      await server.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export async function startReal(): Promise<RunningServer> {
  const server = await startRealKubeApiserver();
  return { kubeconfig: server.kubeconfig, close: () => server.stop() };
}
