import { describe } from '@jest/globals';
import { loadCustomResourceDefinitions } from '../../../operator/embedded/world/manifests.ts';
import { applyManifests, waitForEstablished } from '../../../operator/embedded/world/objects.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { loadClusterConfig } from '../../../operator/kube/config.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { setUpRealKubeApiserver, startRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { packageRoot } from '../../support/stubdom.ts';
import { hostLife } from '../operator/host-life.ts';

const setup = await setUpRealKubeApiserver();

/** The world of simulated hosts on a real kube-apiserver, which ends with it. */
async function startWorld(): Promise<OperatorWorld> {
  const server = await startRealKubeApiserver();
  const { kubeconfig } = server;
  const stop = (): Promise<void> => server.stop();
  try {
    const kube = createKubeClient(await loadClusterConfig({ kubeconfig }));
    try {
      const { signal } = new AbortController();
      const definitions = await loadCustomResourceDefinitions(packageRoot);
      await applyManifests(kube, definitions, { parallel: 4, signal });
      await waitForEstablished(kube, definitions, signal);
    } finally {
      await kube.close();
    }
    return await startOperatorWorld({ hosts: 2, kubeconfig, onClose: stop });
  } catch (error) {
    await stop();
    throw error;
  }
}

(setup.available ? describe : describe.skip)('on a real kube-apiserver', () => {
  hostLife(startWorld);
});
