import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ClusterClient, createKubeClient } from '../../../operator/kube/client.ts';
import { createInformer, type InformerOptions, type RunningInformer } from '../../../operator/kube/informer.ts';
import { stubDomains } from '../../../operator/kube/resources.ts';
import type { KubeObject, KubeWatcher } from '../../../operator/kube/types.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import {
  type ScriptedApiServer,
  type ScriptedRequest,
  type ScriptedStream,
  startScriptedApiServer,
} from '../../support/scripted-api-server.ts';

interface Thing extends KubeObject {
  readonly spec?: { readonly text?: string; readonly node?: string };
}

const thing = (name: string, resourceVersion: string, more: object = {}, uid = `uid-${name}`) => ({
  apiVersion: 'stubdom.io/v1alpha1',
  kind: 'StubDomain',
  metadata: { namespace: 'ns', name, uid, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
  ...more,
});
const bookmark = (resourceVersion: string, end = false) => ({
  kind: 'StubDomain',
  metadata: { resourceVersion, ...(end ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}) },
});
const list = (items: object[], resourceVersion: string, next?: string) => ({
  kind: 'StubDomainList',
  metadata: { resourceVersion, ...(next === undefined ? {} : { continue: next }) },
  items,
});

describe('an informer', () => {
  let server: ScriptedApiServer;
  let clock: ManualClock;
  let client: ClusterClient;
  let informer: RunningInformer<Thing>;
  let seen: string[];
  let changed: () => void;
  let counts: Record<string, number>;

  const start = (more: Partial<InformerOptions<Thing>> = {}) => {
    const count = (name: string, by = 1) => {
      counts[name] = (counts[name] ?? 0) + by;
    };
    informer = createInformer<Thing>({
      client,
      type: stubDomains,
      clock,
      random: () => 0.5,
      freeze: true,
      metrics: {
        relisted: (_kind, reason) => count(`relist ${reason}`),
        failed: () => count('failed'),
        handlerFailed: () => count('handler'),
        missed: (_kind, by) => count('missed', by),
        observe: () => {},
      },
      ...more,
    });
    informer.onChange((key, before, after) => {
      seen.push(`${key} ${before?.metadata.resourceVersion ?? '-'}>${after?.metadata.resourceVersion ?? '-'}`);
      changed();
    });
    informer.start();
  };

  /** Resolves when `count` changes in all were said. */
  const changes = (count: number) =>
    new Promise<void>((resolve) => {
      changed = () => {
        if (seen.length >= count) resolve();
      };
      changed();
    });

  /** Starts, answers the streamed list with `items`, and gives the stream that is then watched. */
  const startWith = async (items: object[], more: Partial<InformerOptions<Thing>> = {}): Promise<ScriptedStream> => {
    start(more);
    const stream = (await server.next()).stream();
    for (const item of items) stream.event('ADDED', item);
    stream.event('BOOKMARK', bookmark('10', true));
    await informer.synced();
    return stream;
  };

  /** The back-off's timer is set: lets it pass, and takes the request that follows. */
  const afterBackOff = async (): Promise<ScriptedRequest> => {
    const delay = await clock.timerSet((ms) => ms <= 40_000);
    clock.advance(delay);
    return server.next();
  };

  beforeEach(async () => {
    server = await startScriptedApiServer();
    clock = manualClock();
    client = createKubeClient(server.config, { clock, random: () => 0.5 });
    seen = [];
    counts = {};
    changed = () => {};
  });

  afterEach(async () => {
    await informer.stop();
    await client.close();
    await server.close();
  });

  describe('the first list', () => {
    test('comes as a stream, and is shown when it is whole', async () => {
      start({ fieldSelector: 'status.nodeName=h1', indexes: { node: (object) => [object.spec?.node ?? ''] } });
      const request = await server.next();
      expect(request.path).toBe('/apis/stubdom.io/v1alpha1/stubdomains');
      expect(request.query).toMatchObject({
        watch: 'true',
        allowWatchBookmarks: 'true',
        sendInitialEvents: 'true',
        resourceVersionMatch: 'NotOlderThan',
        fieldSelector: 'status.nodeName=h1',
      });
      expect(Number(request.query['timeoutSeconds'])).toBeGreaterThanOrEqual(240);
      expect(Number(request.query['timeoutSeconds'])).toBeLessThanOrEqual(300);
      expect(informer.hasSynced).toBe(false);
      const stream = request.stream();
      stream.event('ADDED', thing('a', '1', { spec: { node: 'h1' } }));
      stream.event('ADDED', thing('b', '2', { spec: { node: 'h2' } }));
      stream.event('DELETED', thing('b', '3'));
      stream.event('BOOKMARK', bookmark('10', true));
      await informer.synced();
      expect(informer.list().map((object) => object.metadata.name)).toEqual(['a']);
      expect(informer.byIndex('node', 'h1')).toHaveLength(1);
      expect(informer.byIndex('node', 'h2')).toHaveLength(0);
      expect(seen).toEqual(['ns/a ->1']);
    });

    test('T16: comes in pages of 500 where the server does not stream', async () => {
      start();
      (await server.next()).fail(422, 'Invalid');
      const first = await server.next();
      expect(first.query).toEqual({ limit: '500' });
      first.json(list([thing('a', '1')], '10', 'token'));
      const second = await server.next();
      expect(second.query).toEqual({ limit: '500', continue: 'token' });
      expect(informer.hasSynced).toBe(false);
      second.json(list([thing('b', '2')], '10'));
      await informer.synced();
      expect((await server.next()).query).toMatchObject({ watch: 'true', resourceVersion: '10' });
      expect(seen).toEqual(['ns/a ->1', 'ns/b ->2']);
    });

    test('fails for ever without ever giving up (T5)', async () => {
      start();
      (await server.next()).fail(500, 'InternalError');
      for (let round = 0; round < 8; round += 1) (await afterBackOff()).fail(503, 'ServiceUnavailable');
      const stream = (await afterBackOff()).stream();
      stream.event('BOOKMARK', bookmark('1', true));
      await informer.synced();
      expect(counts['failed']).toBe(9);
      expect(informer.lastError).toMatchObject({ status: 503 });
    });
  });

  describe('the watch', () => {
    test('says what changes, and indexes follow', async () => {
      const stream = await startWith([thing('a', '1', { spec: { node: 'h1' } })], {
        indexes: { node: (object) => [object.spec?.node ?? ''] },
      });
      stream.event('MODIFIED', thing('a', '11', { spec: { node: 'h2' } }));
      stream.event('ADDED', thing('b', '12', { spec: { node: 'h2' } }));
      stream.event('DELETED', thing('a', '13'));
      await changes(4);
      expect(seen).toEqual(['ns/a ->1', 'ns/a 1>11', 'ns/b ->12', 'ns/a 11>-']);
      expect(informer.byIndex('node', 'h1')).toEqual([]);
      expect(informer.byIndex('node', 'h2').map((object) => object.metadata.name)).toEqual(['b']);
    });

    test('T1: a connection that is only half there is found by its silence', async () => {
      const stream = await startWith([]);
      clock.advance(149_000);
      expect(server.unread).toHaveLength(0);
      clock.advance(1_000);
      await stream.closed;
      expect(informer.lastError).toMatchObject({ network: 'EIDLE' });
      const again = await afterBackOff();
      expect(again.query).toMatchObject({ resourceVersion: '10' });
      expect(again.query['sendInitialEvents']).toBeUndefined();
    });

    test('T3: bookmarks keep a quiet watch alive', async () => {
      const stream = await startWith([thing('a', '1')]);
      for (let minute = 1; minute <= 10; minute += 1) {
        const heard = clock.monotonic() + 60_000;
        clock.advance(60_000);
        stream.event('BOOKMARK', bookmark(String(100 + minute)));
        stream.event('MODIFIED', thing('a', String(200 + minute)));
        await changes(1 + minute);
        expect(clock.monotonic() - informer.lastContactAgeMs()).toBe(heard);
      }
      expect(server.count).toBe(1);
    });

    test('T7: goes on from the last bookmark', async () => {
      const stream = await startWith([]);
      stream.event('BOOKMARK', bookmark('500'));
      stream.end();
      expect((await afterBackOff()).query).toMatchObject({ resourceVersion: '500' });
    });

    test('T4: a server that closes at once is not hammered', async () => {
      const stream = await startWith([]);
      stream.end();
      const delays: number[] = [];
      for (let round = 0; round < 7; round += 1) {
        const delay = await clock.timerSet((ms) => ms <= 40_000);
        delays.push(delay);
        clock.advance(delay);
        (await server.next()).stream().end();
      }
      expect(delays).toEqual([400, 800, 1_600, 3_200, 6_400, 12_800, 15_000]);
    });

    test('T5: 429 with Retry-After is waited out', async () => {
      const stream = await startWith([]);
      stream.cut();
      (await afterBackOff()).fail(429, 'TooManyRequests', { 'retry-after': '9' });
      expect(await clock.timerSet((ms) => ms >= 9_000 && ms <= 40_000)).toBe(9_000 + 800);
    });

    test.each([
      ['as a status', (request: ScriptedRequest) => request.fail(410, 'Expired')],
      [
        'as an event',
        (request: ScriptedRequest) => request.stream().event('ERROR', { kind: 'Status', code: 410, reason: 'Expired' }),
      ],
    ])('T6: 410 %s reads everything again', async (_how, answer) => {
      const stream = await startWith([thing('a', '1'), thing('b', '2')]);
      stream.cut();
      answer(await afterBackOff());
      const again = await afterBackOff();
      expect(again.query).toMatchObject({ sendInitialEvents: 'true' });
      const second = again.stream();
      second.event('ADDED', thing('b', '20'));
      second.event('ADDED', thing('c', '21'));
      second.event('BOOKMARK', bookmark('30', true));
      await changes(5);
      expect(seen).toEqual(['ns/a ->1', 'ns/b ->2', 'ns/a 1>-', 'ns/b 2>20', 'ns/c ->21']);
      expect(counts).toMatchObject({ missed: 3 });
    });

    test('other ERROR events go on from the same version', async () => {
      const stream = await startWith([]);
      stream.event('ERROR', { kind: 'Status', code: 500, reason: 'InternalError' });
      expect((await afterBackOff()).query).toMatchObject({ resourceVersion: '10' });
    });

    test.each([
      ['no JSON', 'garbage\n'],
      ['an unknown type', '{"type":"EXPLODED","object":{}}\n'],
      ['an object without a name', '{"type":"ADDED","object":{"metadata":{}}}\n'],
      ['null', 'null\n'],
      ['a bookmark without a version', '{"type":"BOOKMARK","object":{}}\n'],
    ])('T9: %s forces a relist, and what was shown stays', async (_what, bytes) => {
      const stream = await startWith([thing('a', '1')]);
      stream.raw(bytes);
      expect((await afterBackOff()).query).toMatchObject({ sendInitialEvents: 'true' });
      expect(counts['failed']).toBe(1);
      expect(informer.get('ns/a')).toBeDefined();
    });

    test('T8: a handler that throws is counted, and the others hear', async () => {
      const stream = await startWith([]);
      informer.onChange(() => {
        throw new Error('a bug');
      });
      const heard: string[] = [];
      informer.onChange((key) => heard.push(key));
      stream.event('ADDED', thing('a', '1'));
      stream.event('ADDED', thing('b', '2'));
      await changes(2);
      expect(counts['handler']).toBe(2);
      expect(heard).toEqual(['ns/a', 'ns/b']);
    });

    test('T17: U+2028 within a string is no end of a line', async () => {
      const stream = await startWith([]);
      const text = 'one\u2028two\u2029three';
      stream.raw(`{"type":"ADDED","object":${JSON.stringify(thing('a', '1', { spec: { text } }))}}\n`);
      await changes(1);
      expect(informer.get('ns/a')?.spec?.text).toBe(text);
    });

    test('reads events however the bytes are cut', async () => {
      const stream = await startWith([]);
      const line = Buffer.from(
        `${JSON.stringify({ type: 'ADDED', object: thing('a', '1', { spec: { text: 'ü€😀' } }) })}\n`,
      );
      for (const byte of line) stream.raw(Buffer.of(byte));
      await changes(1);
      expect(informer.get('ns/a')?.spec?.text).toBe('ü€😀');
    });

    test('T15: deleted and made again is said as two changes', async () => {
      const stream = await startWith([thing('a', '1')]);
      stream.event('MODIFIED', thing('a', '5', {}, 'another-uid'));
      await changes(3);
      expect(seen).toEqual(['ns/a ->1', 'ns/a 1>-', 'ns/a ->5']);
    });

    test('T15: also when only a relist shows it; what did not change is not said', async () => {
      const stream = await startWith([thing('a', '1'), thing('b', '2')]);
      stream.raw('garbage\n');
      const second = (await afterBackOff()).stream();
      second.event('ADDED', thing('b', '2'));
      second.event('ADDED', thing('a', '9', {}, 'another-uid'));
      second.event('BOOKMARK', bookmark('30', true));
      await changes(4);
      expect(seen.slice(2)).toEqual(['ns/a 1>-', 'ns/a ->9']);
    });

    test('a late deletion of the earlier object does not remove the one that is there', async () => {
      const stream = await startWith([thing('a', '5', {}, 'new-uid')]);
      stream.event('DELETED', thing('a', '4', {}, 'old-uid'));
      stream.event('ADDED', thing('b', '6'));
      await changes(2);
      expect(informer.get('ns/a')?.metadata.uid).toBe('new-uid');
    });

    test('managedFields are not kept, and what is kept is frozen', async () => {
      const managedFields = [{ manager: 'kubectl', fieldsV1: { 'f:spec': { 'k:{"type":"[Ready]"}': {} } } }];
      const object = thing('a', '1', { spec: { text: '"managedFields":[' } });
      const stream = await startWith([]);
      stream.event('ADDED', { ...object, metadata: { ...object.metadata, managedFields } });
      await changes(1);
      expect(informer.get('ns/a')).toEqual(object);
      expect(() => {
        (informer.get('ns/a') as { spec: unknown }).spec = {};
      }).toThrow(TypeError);
    });

    test('a stop ends the stream, and nothing is said after it', async () => {
      const stream = await startWith([]);
      await informer.stop();
      await stream.closed;
      clock.advance(1_000_000);
      expect(seen).toEqual([]);
      expect(server.count).toBe(1);
    });

    test('a stop within a handler, in the middle of a page, opens no watch', async () => {
      const opened: unknown[] = [];
      const watching: KubeWatcher = {
        listPage: (...args) => client.listPage(...args),
        watch: (type, options, sink) => {
          opened.push(options);
          return client.watch(type, options, sink);
        },
      };
      start({ streamedLists: false, client: watching });
      informer.onChange(() => void informer.stop());
      (await server.next()).json(list([thing('a', '1')], '10'));
      await informer.synced();
      expect(seen).toEqual(['ns/a ->1']);
      expect(opened).toEqual([]);
    });

    test('a resync says every key again, without a request', async () => {
      await startWith([thing('a', '1')], { resyncMs: 600_000, idleTimeoutMs: 10_000_000 });
      clock.advance(660_000);
      expect(seen).toEqual(['ns/a ->1', 'ns/a 1>1']);
      expect(server.count).toBe(1);
    });
  });
});
