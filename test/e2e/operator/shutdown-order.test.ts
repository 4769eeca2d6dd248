import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createCentral } from '../../../operator/controllers/central.ts';
import { Closers } from '../../../operator/embedded/world/closers.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { stubDomains } from '../../../operator/kube/resources.ts';
import type { KubeClient, KubeObject, KubeWatcher } from '../../../operator/kube/types.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { skippingClock } from '../../support/skipping-clock.ts';
import { startTestCluster } from '../../support/test-cluster.ts';

const closers = new Closers();
const clock = skippingClock();
let kube: KubeClient & KubeWatcher;

beforeAll(async () => {
  const cluster = await startTestCluster();
  closers.add(() => cluster.close());
  ({ kube } = cluster);
});
afterAll(() => closers.close());

/** A client whose next status write waits for `release`, and what happened to it, in order. */
function slowWrites(): {
  readonly client: KubeClient & KubeWatcher;
  readonly happened: string[];
  readonly begun: Promise<void>;
  readonly release: () => void;
} {
  const happened: string[] = [];
  const begun = Promise.withResolvers<undefined>();
  const released = Promise.withResolvers<undefined>();
  const applyStatus: KubeClient['applyStatus'] = async <T extends KubeObject>(
    ...args: Parameters<KubeClient['applyStatus']>
  ): Promise<T> => {
    begun.resolve(undefined);
    await released.promise;
    const written = await kube.applyStatus<T>(...args);
    happened.push('write');
    return written;
  };
  const watch: KubeWatcher['watch'] = (type, options, sink) => {
    const end = kube.watch(type, options, sink);
    return () => {
      happened.push(`watch of ${type.plural} ends`);
      end();
    };
  };
  return {
    client: { ...kube, applyStatus, watch },
    happened,
    begun: begun.promise,
    release: () => {
      released.resolve(undefined);
    },
  };
}

async function placing(name: string): Promise<ReturnType<typeof slowWrites> & { readonly stop: () => Promise<void> }> {
  const slow = slowWrites();
  const central = createCentral({ kube: slow.client, clock, random: Math.random, logger: silentLogger });
  closers.add(() => central.stop());
  await central.start();
  await kube.create(stubDomains, {
    metadata: { name, namespace: 'default' },
    spec: { target: { uuid: uuidOf(name) } },
  });
  await slow.begun;
  return { ...slow, stop: () => central.stop() };
}

test('the pass that is under way ends before the caches do', async () => {
  const { happened, release, stop } = await placing('one');
  const stopped = stop();
  expect(happened).toEqual([]);
  release();
  await stopped;
  expect(happened[0]).toBe('write');
  expect([...new Set(happened.slice(1))].sort()).toEqual([
    'watch of leases ends',
    'watch of pciattachments ends',
    'watch of stubdomains ends',
    'watch of xenhosts ends',
  ]);
});

test('one that does not end is given up at the deadline, and the rest is stopped', async () => {
  const { happened, release, stop } = await placing('two');
  const stopped = stop();
  clock.skip(8000);
  await stopped;
  expect(new Set(happened).size).toBe(4);
  expect(happened).not.toContain('write');
  release();
});
