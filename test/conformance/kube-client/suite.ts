import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { applyStatusIfChanged } from '../../../operator/kube/apply-status.ts';
import { type ClusterClient, createKubeClient } from '../../../operator/kube/client.ts';
import { loadClusterConfig } from '../../../operator/kube/config.ts';
import { isAlreadyExists, isConflict, isGone, isInvalid, isNotFound } from '../../../operator/kube/errors.ts';
import { createEventRecorder } from '../../../operator/kube/events.ts';
import { addFinalizer, removeFinalizer } from '../../../operator/kube/finalizer.ts';
import { createInformer, type InformerOptions, type RunningInformer } from '../../../operator/kube/informer.ts';
import { createElection } from '../../../operator/kube/leader-election.ts';
import { createHeartbeat, createLeaseKeeper, type Lease } from '../../../operator/kube/lease.ts';
import {
  configMaps,
  customResourceDefinitions,
  events,
  keyOf,
  leases,
  stubDomains,
  xenHosts,
} from '../../../operator/kube/resources.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { silentLogger, systemClock } from '../../../operator/runtime/ports.ts';
import { readCrds, type RunningServer } from './servers.ts';

interface Domain extends KubeObject {
  readonly spec: { readonly target: object; readonly memoryMiB?: number };
  readonly status?: { readonly phase?: string; readonly nodeName?: string; readonly conditions?: readonly object[] };
}
interface Crd extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

const namespace = 'default';
const spec = { target: { uuid: '11111111-2222-3333-4444-555555555555' } };
const domain = (name: string, more: object = {}) => ({ metadata: { namespace, name, ...more }, spec });

/** Resolves when an informer's cache fits. */
const until = async <T extends KubeObject>(
  informer: RunningInformer<T>,
  fits: (objects: readonly T[]) => boolean,
): Promise<void> => {
  await new Promise<void>((resolve) => {
    const look = () => {
      if (!fits(informer.list())) return;
      unsubscribe();
      resolve();
    };
    const unsubscribe = informer.onChange(look);
    look();
  });
};

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no error',
    (error: unknown) => error,
  );

/** The cases, against one kind of server. */
export function testKubeClient(startServer: () => Promise<RunningServer>): void {
  let server: RunningServer;
  let client: ClusterClient;
  const informers: { stop(): Promise<void> }[] = [];

  const informerOf = async <T extends KubeObject>(options: Omit<InformerOptions<T>, 'client'>) => {
    const informer = createInformer<T>({ client, freeze: true, ...options });
    informers.push(informer);
    informer.start();
    await informer.synced();
    return informer;
  };

  beforeAll(async () => {
    server = await startServer();
    client = createKubeClient(await loadClusterConfig({ kubeconfig: server.kubeconfig }));
    const crds = createInformer<Crd>({ client, type: customResourceDefinitions });
    crds.start();
    await crds.synced();
    for (const crd of await readCrds()) await client.apply(customResourceDefinitions, crd, { fieldManager: 'test' });
    const established = (crd: Crd) =>
      crd.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True') === true;
    await until(crds, (all) => all.filter(established).length >= 3);
    await crds.stop();
    // Established is said before every path is served: the first list that works says so.
    for (const type of [stubDomains, xenHosts]) {
      for (;;) {
        if ((await rejection(client.list(type))) === 'no error') break;
      }
    }
  }, 120_000);

  afterAll(async () => {
    for (const informer of informers) await informer.stop();
    await client.close();
    await server.close();
  }, 60_000);

  test('create, get, replace, patch, delete', async () => {
    const created = await client.create<Domain>(stubDomains, domain('verbs'), { fieldManager: 'user' });
    expect(created.metadata).not.toHaveProperty('managedFields');
    expect(isAlreadyExists(await rejection(client.create(stubDomains, domain('verbs'))))).toBe(true);
    const labels = { a: 'b' };
    const patched = await client.mergePatch<Domain>(stubDomains, created.metadata, { metadata: { labels } });
    expect(patched.metadata.labels).toEqual(labels);
    const stale = rejection(client.replace(stubDomains, { ...created, metadata: { ...created.metadata, labels: {} } }));
    expect(isConflict(await stale)).toBe(true);
    const replaced = await client.replace<Domain>(stubDomains, patched);
    expect(await client.get<Domain>(stubDomains, created.metadata)).toEqual(replaced);
    expect(await client.list(stubDomains, { namespace, labelSelector: 'a=b' })).toEqual([replaced]);
    expect(isConflict(await rejection(client.delete(stubDomains, created.metadata, { uid: 'another' })))).toBe(true);
    await client.delete(stubDomains, created.metadata, { uid: created.metadata.uid });
    await client.delete(stubDomains, created.metadata);
    expect(await client.tryGet(stubDomains, created.metadata)).toBeUndefined();
    expect(isNotFound(await rejection(client.get(stubDomains, created.metadata)))).toBe(true);
  });

  test('what the schema refuses is Invalid, with the field', async () => {
    const wrong = { ...domain('wrong'), spec: { ...spec, memoryMiB: 'much' } };
    const error = await rejection(client.create(stubDomains, wrong));
    expect(isInvalid(error)).toBe(true);
    expect((error as Error).message).toContain('memoryMiB');
  });

  test('T11: apply owns, conflicts, and takes by force', async () => {
    const first = { metadata: { namespace, name: 'applied' }, data: { a: '1' } };
    await client.apply(configMaps, first, { fieldManager: 'one' });
    const second = { ...first, data: { a: '2' } };
    const error = await rejection(client.apply(configMaps, second, { fieldManager: 'two' }));
    expect(isConflict(error)).toBe(true);
    expect((error as { details?: { causes?: object[] } }).details?.causes?.[0]).toMatchObject({ field: '.data.a' });
    await client.apply(configMaps, second, { fieldManager: 'two', force: true, dryRun: true });
    expect(await client.get(configMaps, first.metadata)).toMatchObject({ data: { a: '1' } });
    expect(await client.apply(configMaps, second, { fieldManager: 'two', force: true })).toMatchObject(second);
  });

  test('a status has several writers, and is written only when it changed', async () => {
    const created = await client.create<Domain>(stubDomains, domain('status'));
    const condition = (type: string, status: string) => ({
      type,
      status,
      reason: 'Because',
      message: '',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
    const central = {
      metadata: { namespace, name: 'status' },
      status: { nodeName: 'h1', conditions: [condition('Scheduled', 'True')] },
    };
    await client.applyStatus(stubDomains, central, { fieldManager: 'stubdom-controller' });
    const options = (current: Domain, ready: string) => ({
      client,
      type: stubDomains,
      current,
      status: { conditions: [condition('Ready', ready)] },
      owned: { fields: ['phase'], conditions: ['Ready'] },
      fieldManager: 'stubdom-agent',
    });
    const written = await applyStatusIfChanged<Domain>(options(created, 'False'));
    expect(written?.status).toMatchObject({ nodeName: 'h1' });
    expect(written?.status?.conditions).toHaveLength(2);
    expect(written?.metadata.generation).toBe(created.metadata.generation);
    if (written === undefined) throw new Error('nothing was written');
    expect(await applyStatusIfChanged<Domain>(options(written, 'False'))).toBeUndefined();
    await client.delete(stubDomains, created.metadata);
    const again = await client.create<Domain>(stubDomains, domain('status'));
    const exact = { ...options(written, 'True'), exact: true };
    expect(isConflict(await rejection(applyStatusIfChanged<Domain>(exact)))).toBe(true);
    expect(await client.get<Domain>(stubDomains, again.metadata)).not.toHaveProperty('status.conditions');
    expect(isConflict(await rejection(applyStatusIfChanged<Domain>(options(written, 'True'))))).toBe(true);
  });

  test('an apply with a uid reaches that object or none', async () => {
    const { metadata } = await client.create(configMaps, { metadata: { namespace, name: 'with-uid' } });
    const config = (uid: string) => ({ metadata: { namespace, name: 'with-uid', uid }, data: { uid } });
    const apply = (uid: string) => client.apply(configMaps, config(uid), { fieldManager: 'me' });
    expect(isConflict(await rejection(apply('11111111-2222-3333-4444-555555555555')))).toBe(true);
    expect(await apply(metadata.uid)).toMatchObject({ data: { uid: metadata.uid } });
    await client.delete(configMaps, metadata);
    expect(isConflict(await rejection(apply(metadata.uid)))).toBe(true);
    expect(await client.tryGet(configMaps, metadata)).toBeUndefined();
  });

  test.each([true, false])('an informer follows, with selectors (streamed list: %s)', async (streamedLists) => {
    const [mine, other] = [`mine-${String(streamedLists)}`, `other-${String(streamedLists)}`];
    const nodeName = `node-${String(streamedLists)}`;
    const place = async (name: string, node: string) => {
      await client.create(stubDomains, domain(name));
      await client.applyStatus(
        stubDomains,
        { metadata: { namespace, name }, status: { nodeName: node } },
        { fieldManager: 'c' },
      );
    };
    await place(mine, nodeName);
    await place(other, 'elsewhere');
    const informer = await informerOf<Domain>({
      type: stubDomains,
      fieldSelector: `status.nodeName=${nodeName}`,
      streamedLists,
      indexes: { phase: (object) => [object.status?.phase ?? ''] },
    });
    expect(informer.list().map(keyOf)).toEqual([`${namespace}/${mine}`]);
    const status = (phase: string) => ({ metadata: { namespace, name: mine }, status: { phase } });
    await client.applyStatus(stubDomains, status('Running'), { fieldManager: 'agent' });
    await until(informer, (all) => all[0]?.status?.phase === 'Running');
    expect(informer.byIndex('phase', 'Running')).toHaveLength(1);
    // Out of the selection and back again: the informer sees it go and come.
    await client.applyStatus(
      stubDomains,
      { metadata: { namespace, name: other }, status: { nodeName } },
      { fieldManager: 'c' },
    );
    await until(informer, (all) => all.length === 2);
    await client.delete(stubDomains, { namespace, name: mine });
    await until(informer, (all) => all.length === 1);
    expect(informer.get(`${namespace}/${other}`)?.metadata).not.toHaveProperty('managedFields');
  });

  test('T17: any text comes back as it was sent', async () => {
    const informer = await informerOf<KubeObject & { data?: Record<string, string> }>({ type: configMaps, namespace });
    const text = 'one\u2028two\u2029\n"three"\\ü€😀,"managedFields":[{';
    await client.apply(configMaps, { metadata: { namespace, name: 'text' }, data: { text } }, { fieldManager: 'me' });
    await until(informer, (all) => all.some((object) => object.metadata.name === 'text'));
    expect(informer.get(`${namespace}/text`)?.data).toEqual({ text });
  });

  test('lists longer than a page, as a stream and in pages', async () => {
    const names = Array.from({ length: 520 }, (_, index) => `page-${String(index).padStart(3, '0')}`);
    const metadata = { namespace, labels: { pages: 'yes' } };
    await Promise.all(names.map((name) => client.create(configMaps, { metadata: { ...metadata, name } })));
    const labelSelector = 'pages=yes';
    expect((await client.list(configMaps, { namespace, labelSelector })).map((one) => one.metadata.name)).toEqual(
      names,
    );
    for (const streamedLists of [true, false]) {
      const informer = await informerOf({ type: configMaps, namespace, labelSelector, streamedLists });
      expect(informer.list()).toHaveLength(names.length);
    }
  });

  test('a version that is too old or makes no sense is said as a failure that the machine knows', async () => {
    const answer = await new Promise<unknown>((resolve) => {
      const stop = client.watch(
        configMaps,
        { namespace, resourceVersion: '1', timeoutSeconds: 2, idleTimeoutMs: 5_000 },
        {
          opened: () => {},
          event: () => {},
          bookmark: () => {},
          malformed: resolve,
          ended: () => resolve('ended'),
          failed: (error) => {
            stop();
            resolve(isGone(error) ? 'gone' : error);
          },
        },
      );
    });
    // A server that still remembers everything just goes on.
    expect(['gone', 'ended']).toContain(answer);
  });

  test('finalizers hold a deletion until they are off, and leave others’ alone', async () => {
    const [ours, theirs] = ['stubdom.io/agent', 'example.com/other'];
    const created = await client.create<Domain>(stubDomains, domain('final'));
    const held = await addFinalizer(client, stubDomains, created, ours);
    expect(held?.metadata.finalizers).toEqual([ours]);
    // Another's change that our copy does not know.
    await client.mergePatch(stubDomains, created.metadata, { metadata: { finalizers: [theirs, ours] } });
    await client.delete(stubDomains, created.metadata);
    const removed = held === undefined ? undefined : await removeFinalizer(client, stubDomains, held, ours);
    expect(removed?.metadata.finalizers).toEqual([theirs]);
    expect(removed?.metadata.deletionTimestamp).toBeDefined();
    if (removed !== undefined) await removeFinalizer(client, stubDomains, removed, theirs);
    expect(await client.tryGet(stubDomains, created.metadata)).toBeUndefined();
    expect(await removeFinalizer(client, stubDomains, created, ours)).toEqual(created);
  });

  test('T13: a Lease is created, renewed, respected, and taken when it is given up', async () => {
    const claim = { namespace, name: 'keeper', holder: 'one', durationSeconds: 30 };
    const options = { client, clock: systemClock, take: 'expired' as const };
    const one = createLeaseKeeper({ ...options, claim });
    const two = createLeaseKeeper({ ...options, claim: { ...claim, holder: 'two' } });
    expect(await one.attempt()).toMatchObject({ kind: 'renewed' });
    expect(await one.attempt()).toMatchObject({ kind: 'renewed' });
    expect(await two.attempt()).toMatchObject({ kind: 'held', by: 'one' });
    await one.release();
    expect(await two.attempt()).toMatchObject({ kind: 'renewed' });
    expect(await one.attempt()).toMatchObject({ kind: 'held', by: 'two' });
    const lease = await client.get<Lease>(leases, { namespace, name: 'keeper' });
    expect(lease.spec).toMatchObject({ holderIdentity: 'two', leaseTransitions: 1 });
  });

  test('a heartbeat and an election use one', async () => {
    const common = { client, clock: systemClock, random: Math.random, logger: silentLogger };
    const renewed = new Promise<void>((resolve) => {
      const claim = { namespace, name: 'host-1', holder: 'h1', durationSeconds: 40 };
      const heartbeat = createHeartbeat({ ...common, claim, onRenewed: () => resolve(heartbeat.stop()) });
      heartbeat.start();
    });
    await renewed;
    const claim = { namespace, name: 'leader', holder: 'p1', durationSeconds: 15 };
    const first = createElection({ ...common, claim });
    const signal = await first.lead();
    await first.stop(true);
    expect(signal.aborted).toBe(true);
    const second = createElection({ ...common, claim: { ...claim, holder: 'p2' } });
    await second.lead();
    await second.stop(true);
  });

  test('events of both scopes are accepted and counted', async () => {
    const about = await client.create<Domain>(stubDomains, domain('told'));
    const host = await client.create(xenHosts, { metadata: { name: 'h1' }, spec: {} });
    const recorder = () =>
      createEventRecorder({
        client,
        clock: systemClock,
        logger: silentLogger,
        component: 'stubdom-agent',
        instance: 'h1',
      });
    const words = { type: 'Warning', reason: 'NoFreeSlot', message: 'no free slot' } as const;
    // The second process goes on counting what the first wrote.
    for (const process of [recorder(), recorder()]) {
      process.record(about, words);
      process.record(about, words);
      process.record(host, words);
      await process.flush();
      await process.stop();
      expect(process.dropped).toEqual({ rate: 0, queue: 0, failed: 0 });
    }
    const told = await client.list<KubeObject & { count?: number }>(events, {
      namespace,
      fieldSelector: 'involvedObject.name=told',
    });
    expect(told).toMatchObject([{ reason: 'NoFreeSlot', count: 4, source: { component: 'stubdom-agent' } }]);
    const ofHost = await client.list(events, { fieldSelector: `involvedObject.uid=${host.metadata.uid}` });
    expect(ofHost).toMatchObject([{ count: 2, metadata: { namespace: 'default' } }]);
  });
}
