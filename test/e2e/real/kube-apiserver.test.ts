import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from '@jest/globals';
import { startXenstored } from '../../../operator/embedded/xenstored/server.ts';
import { setUpRealKubeApiserver, startRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { setUpRealXenstored, startRealXenstored } from '../../support/real-xenstored.ts';
import { liveThroughSamples, startParts, type WorldParts } from './scenario.ts';

const kubeSetup = await setUpRealKubeApiserver();
const xenstoreSetup = await setUpRealXenstored();

async function onRealApiServer(parts: Omit<WorldParts, 'kubeconfig'>): Promise<void> {
  const server = await startRealKubeApiserver();
  try {
    const world = await startParts({ ...parts, kubeconfig: server.kubeconfig });
    try {
      await liveThroughSamples(world);
    } finally {
      await world.close();
    }
  } finally {
    await server.stop();
  }
}

(kubeSetup.available ? describe : describe.skip)('controller and agent on a real kube-apiserver', () => {
  test('with the embedded xenstored', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'xs-'));
    const daemon = await startXenstored({ socketPath: join(dir, 'xs') });
    try {
      await onRealApiServer({
        xenstoreSocket: daemon.socketPath,
        fabric: { kind: 'embedded', guestDir: daemon.guestDir },
      });
    } finally {
      await daemon.close();
      await rm(dir, { recursive: true, force: true });
    }
  }, 180_000);

  (xenstoreSetup.available ? test : test.skip)(
    'with C xenstored of Xen 4.17: nothing is simulated but the hardware',
    async () => {
      const cache = xenstoreSetup.available ? xenstoreSetup.cache : '';
      const dir = await mkdtemp(join(tmpdir(), 'xs-'));
      const daemon = await startRealXenstored({ flavor: 'c', version: '4.17', dir });
      try {
        const fabric = { kind: 'fakexen', fakexen: join(cache, 'bin', 'fakexen'), directory: dir } as const;
        await onRealApiServer({ xenstoreSocket: daemon.socket, fabric });
      } finally {
        await daemon.stop();
        await rm(dir, { recursive: true, force: true });
      }
    },
    180_000,
  );
});
