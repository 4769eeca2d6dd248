import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { startApiServer } from '../../../operator/embedded/api-server/server.ts';
import { setUpRealKubeApiserver, startRealKubeApiserver } from '../../support/real-kube-apiserver.ts';

/** A server under test. */
export interface RunningServer {
  readonly kubeconfig: string;
  close(): Promise<void>;
}

export interface ServerKind {
  readonly name: string;
  /** Why it cannot be had here; undefined when it can. */
  readonly missing: string | undefined;
  /** Starts it. It need not know our CRDs yet. */
  start(): Promise<RunningServer>;
}

/** Our CRDs, as the files say them. */
export async function readCrds(): Promise<object[]> {
  const names = ['stubdomains', 'pciattachments', 'xenhosts'];
  const folder = join(import.meta.dirname, '../../../crds');
  return Promise.all(
    names.map(async (name) => load(await readFile(join(folder, `${name}.stubdom.io.yaml`), 'utf8')) as object),
  );
}

async function startEmbedded(): Promise<RunningServer> {
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

const real = await setUpRealKubeApiserver();

/** One suite, several servers. */
export const serverKinds: readonly ServerKind[] = [
  { name: 'the embedded API server', missing: undefined, start: startEmbedded },
  {
    name: 'a real kube-apiserver',
    missing: real.available ? undefined : real.reason,
    start: async () => {
      const server = await startRealKubeApiserver();
      return { kubeconfig: server.kubeconfig, close: () => server.stop() };
    },
  },
];
