import { expect, test } from '@jest/globals';
import type { KubeClient, KubeObject } from '../../../operator/kube/types.ts';
import { WorldObjects } from '../../support/world-objects.ts';

/** An API server whose objects have changed at each look. */
function changing(versions: readonly object[]): KubeClient {
  let look = 0;
  const get = async <T extends KubeObject>(): Promise<T> => {
    const shown = versions[Math.min(look, versions.length - 1)];
    look += 1;
    return shown as T;
  };
  return { get } as Partial<KubeClient> as KubeClient;
}

const shown = (ready: string, targetDomid: number): object => ({
  metadata: { name: 'web', generation: 1 },
  status: { targetDomid, conditions: [{ type: 'Ready', status: ready, reason: 'Any', observedGeneration: 1 }] },
});

test('an object that is Ready is given as it was then, and not as it is a moment later', async () => {
  const objects = new WorldObjects(changing([shown('False', 1), shown('True', 2), shown('False', 3)]));
  expect((await objects.ready('StubDomain', 'web')).status?.targetDomid).toBe(2);
});
