import { describe, expect, test } from '@jest/globals';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { createEventRecorder, type EventRecorder, type EventRecorderOptions } from '../../../operator/kube/events.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { type ScriptedApiServer, startScriptedApiServer } from '../../support/scripted-api-server.ts';

/** With `''`, a cluster-scoped object. */
const about = (name = 'a', namespace = 'ns'): KubeObject => ({
  apiVersion: 'stubdom.io/v1alpha1',
  kind: namespace === '' ? 'XenHost' : 'StubDomain',
  metadata: {
    name,
    uid: `uid-${name}`,
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...(namespace === '' ? {} : { namespace }),
  },
});
const started = { type: 'Normal', reason: 'Started', message: 'the device model answers' } as const;

interface World {
  readonly server: ScriptedApiServer;
  readonly recorder: EventRecorder;
  readonly clock: ManualClock;
}

const withRecorder = async (body: (world: World) => Promise<void>, more: Partial<EventRecorderOptions> = {}) => {
  const server = await startScriptedApiServer();
  const clock = manualClock();
  const client = createKubeClient(server.config, { clock });
  const recorder = createEventRecorder({
    client,
    clock,
    logger: silentLogger,
    component: 'stubdom-agent',
    instance: 'h1',
    ...more,
  });
  try {
    await body({ server, recorder, clock });
  } finally {
    await client.close();
    await recorder.stop();
    await server.close();
  }
};

/** Answers the next request as an API server that keeps what it gets. */
const accept = async (server: ScriptedApiServer) => {
  const request = await server.next();
  request.json({ metadata: { name: 'e', uid: 'e', resourceVersion: '1' } });
  return request;
};

describe('the event recorder', () => {
  test('writes what kubectl describe shows', () =>
    withRecorder(async ({ server, recorder }) => {
      recorder.record(about(), started);
      const request = await accept(server);
      expect([request.method, request.path]).toEqual(['POST', '/api/v1/namespaces/ns/events']);
      expect(request.body).toMatchObject({
        metadata: { namespace: 'ns', name: expect.stringMatching(/^a\.[0-9a-f]{16}$/) },
        involvedObject: { kind: 'StubDomain', namespace: 'ns', name: 'a', uid: 'uid-a' },
        type: 'Normal',
        reason: 'Started',
        message: 'the device model answers',
        count: 1,
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        source: { component: 'stubdom-agent', host: 'h1' },
      });
      await recorder.flush();
    }));

  test('of a cluster-scoped object goes where kubectl looks', () =>
    withRecorder(async ({ server, recorder }) => {
      recorder.record(about('h1', ''), started);
      const request = await accept(server);
      expect(request.path).toBe('/api/v1/namespaces/default/events');
      expect((request.body as { involvedObject: object }).involvedObject).not.toHaveProperty('namespace');
      await recorder.flush();
    }));

  test('counts the same words within the window, and writes them once at its end', () =>
    withRecorder(async ({ server, recorder, clock }) => {
      recorder.record(about(), started);
      const first = await accept(server);
      await recorder.flush();
      for (let round = 0; round < 50; round += 1) recorder.record(about(), started);
      clock.advance(9_999);
      expect(server.count).toBe(1);
      clock.advance(1);
      const second = await accept(server);
      expect(second.method).toBe('PATCH');
      expect(second.path.split('/').at(-1)).toBe((first.body as KubeObject).metadata.name);
      expect(second.body).toEqual({ count: 51, lastTimestamp: '2026-01-01T00:00:00Z' });
      await recorder.flush();
      expect(recorder.dropped).toEqual({ rate: 0, queue: 0, failed: 0 });
    }));

  test('goes on counting what an earlier process wrote', () =>
    withRecorder(async ({ server, recorder }) => {
      recorder.record(about(), started);
      (await server.next()).fail(409, 'AlreadyExists');
      (await server.next()).json({ metadata: { name: 'e', uid: 'e', resourceVersion: '1' }, count: 41 });
      expect((await accept(server)).body).toMatchObject({ count: 42 });
      await recorder.flush();
    }));

  test('begins again when the API server forgot the event', () =>
    withRecorder(async ({ server, recorder }) => {
      recorder.record(about(), started);
      await accept(server);
      await recorder.flush();
      recorder.record(about(), started);
      const flushed = recorder.flush();
      (await server.next()).fail(404, 'NotFound');
      const request = await accept(server);
      expect([request.method, (request.body as { count: number }).count]).toEqual(['POST', 1]);
      await flushed;
    }));

  test('limits what is told about one object, and not about others', () =>
    withRecorder(
      async ({ server, recorder, clock }) => {
        for (let round = 0; round < 5; round += 1) {
          recorder.record(about('noisy'), { ...started, message: `round ${String(round)}` });
        }
        recorder.record(about('quiet'), started);
        for (let round = 0; round < 3; round += 1) await accept(server);
        await recorder.flush();
        expect(recorder.dropped).toEqual({ rate: 3, queue: 0, failed: 0 });
        clock.advance(1_000);
        recorder.record(about('noisy'), { ...started, message: 'later' });
        await accept(server);
        await recorder.flush();
        expect(recorder.dropped.rate).toBe(3);
      },
      { burst: 2, refillMs: 1_000 },
    ));

  test('never holds more than its queue', async () => {
    const dropped: string[] = [];
    await withRecorder(
      async ({ server, recorder }) => {
        // The first is being written, three wait.
        for (let round = 0; round < 10; round += 1) recorder.record(about(`o${String(round)}`), started);
        for (let round = 0; round < 4; round += 1) await accept(server);
        await recorder.flush();
        expect(recorder.dropped.queue).toBe(6);
        expect(dropped).toEqual(Array(6).fill('queue'));
        expect(server.count).toBe(4);
      },
      { maxQueue: 3, onDrop: (why) => dropped.push(why) },
    );
  });

  test('a failure is counted and stops nothing', () =>
    withRecorder(async ({ server, recorder }) => {
      recorder.record(about(), started);
      (await server.next()).fail(403, 'Forbidden');
      recorder.record(about('b'), started);
      await accept(server);
      await recorder.flush();
      expect(recorder.dropped.failed).toBe(1);
    }));

  test('messages are cut to what the API allows, and are one clean line', () =>
    withRecorder(async ({ server, recorder }) => {
      recorder.record(about('x'.repeat(253)), { ...started, message: `a\n\u001b[31m${'é'.repeat(3_000)}` });
      const body = (await accept(server)).body as { message: string } & KubeObject;
      expect(body.message).toMatch(/^a \[31mé+…$/);
      expect(body.message.length).toBeLessThanOrEqual(1_024);
      expect(body.metadata.name.length).toBeLessThanOrEqual(253);
      await recorder.flush();
    }));
});
