import { describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { type ClusterClient, createKubeClient, type KubeClientOptions } from '../../../operator/kube/client.ts';
import type { ClusterConfig, TlsMaterial } from '../../../operator/kube/config.ts';
import { isAlreadyExists, isConflict, isNotFound, isRetryable } from '../../../operator/kube/errors.ts';
import { configMaps, stubDomains, xenHosts } from '../../../operator/kube/resources.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import { plainConfig, type ScriptedApiServer, startScriptedApiServer } from '../../support/scripted-api-server.ts';

const ref = { namespace: 'ns', name: 'a' };
const object = {
  apiVersion: 'stubdom.io/v1alpha1',
  kind: 'StubDomain',
  metadata: { ...ref, uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' },
};
const path = '/apis/stubdom.io/v1alpha1/namespaces/ns/stubdomains/a';

interface World {
  readonly server: ScriptedApiServer;
  readonly client: ClusterClient;
  readonly clock: ManualClock;
}

const withServer =
  (body: (world: World) => Promise<void>, options: KubeClientOptions = {}, more: Partial<ClusterConfig> = {}) =>
  async (): Promise<void> => {
    const server = await startScriptedApiServer();
    const clock = manualClock();
    const client = createKubeClient(plainConfig(server.url, more), { clock, random: () => 0.5, ...options });
    try {
      await body({ server, client, clock });
    } finally {
      await client.close();
      await server.close();
    }
  };

describe('a client that may not write any more', () => {
  let may = true;
  const fenced = { mayWrite: () => may };

  test(
    'sends no write, and still reads',
    withServer(async ({ server, client }) => {
      may = false;
      const refused = { network: 'EFENCED', message: expect.stringMatching(/another may decide/) };
      await expect(client.create(stubDomains, object)).rejects.toMatchObject(refused);
      await expect(client.delete(stubDomains, ref)).rejects.toMatchObject(refused);
      await expect(client.mergePatch(stubDomains, ref, {})).rejects.toMatchObject(refused);
      const reading = client.get(stubDomains, ref);
      const first = await server.next();
      expect(first.method).toBe('GET');
      first.json(object);
      await reading;
    }, fenced),
  );

  test(
    'does not send one that still waits for its turn',
    withServer(
      async ({ server, client }) => {
        may = true;
        const first = client.mergePatch(stubDomains, ref, {});
        const underWay = await server.next();
        const second = client.mergePatch(stubDomains, { ...ref, name: 'b' }, {});
        may = false;
        underWay.json(object);
        await first;
        await expect(second).rejects.toMatchObject({ network: 'EFENCED' });
      },
      { ...fenced, connections: 1 },
    ),
  );

  test(
    'does not send one again that was put off',
    withServer(async ({ server, client, clock }) => {
      may = true;
      const writing = client.mergePatch(stubDomains, ref, {});
      (await server.next()).fail(429, 'TooManyRequests');
      const delay = await clock.timerSet((ms) => ms >= 100 && ms <= 400);
      may = false;
      clock.advance(delay);
      await expect(writing).rejects.toMatchObject({ network: 'EFENCED' });
    }, fenced),
  );
});

describe('requests', () => {
  test(
    'T10: 50 requests in a row do not open 50 connections',
    withServer(async ({ server, client }) => {
      for (let round = 0; round < 50; round += 1) {
        const answer = client.get(stubDomains, ref);
        (await server.next()).json(object);
        await answer;
      }
      // The next request may come before the pool knows that the connection is free again.
      expect(server.connections).toBeLessThanOrEqual(2);
    }),
  );

  test(
    'at most as many connections as are allowed',
    withServer(
      async ({ server, client }) => {
        const answers = Array.from({ length: 20 }, () => client.get(stubDomains, ref));
        for (let round = 0; round < 20; round += 1) (await server.next()).json(object);
        await Promise.all(answers);
        expect(server.connections).toBeLessThanOrEqual(3);
      },
      { connections: 3 },
    ),
  );

  test(
    'T11: each way to write says what it is',
    withServer(async ({ server, client }) => {
      const expectations: [() => Promise<unknown>, string, string, string, Record<string, string>][] = [
        [
          () => client.apply(stubDomains, { metadata: ref, spec: {} }, { fieldManager: 'me', force: true }),
          'PATCH',
          path,
          'application/apply-patch+yaml',
          { fieldManager: 'me', force: 'true' },
        ],
        [
          () => client.applyStatus(stubDomains, { metadata: ref }, { fieldManager: 'me', dryRun: true }),
          'PATCH',
          `${path}/status`,
          'application/apply-patch+yaml',
          { fieldManager: 'me', dryRun: 'All' },
        ],
        [() => client.mergePatch(stubDomains, ref, {}), 'PATCH', path, 'application/merge-patch+json', {}],
        [() => client.jsonPatch(stubDomains, ref, []), 'PATCH', path, 'application/json-patch+json', {}],
        [() => client.replace(stubDomains, object, 'status'), 'PUT', `${path}/status`, 'application/json', {}],
        [
          () => client.create(stubDomains, object, { fieldManager: 'me' }),
          'POST',
          path.slice(0, -2),
          'application/json',
          { fieldManager: 'me' },
        ],
      ];
      for (const [act, method, at, contentType, query] of expectations) {
        const answer = act();
        const request = await server.next();
        expect([request.method, request.path, request.headers['content-type'], request.query]).toEqual([
          method,
          at,
          contentType,
          query,
        ]);
        request.json(object);
        await answer;
      }
    }),
  );

  test(
    'apply fills in apiVersion and kind, and needs a name',
    withServer(async ({ server, client }) => {
      const answer = client.apply(stubDomains, { metadata: ref }, { fieldManager: 'me' });
      const request = await server.next();
      expect(request.body).toEqual({ apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', metadata: ref });
      request.json(object);
      await answer;
      await expect(client.apply(stubDomains, {}, { fieldManager: 'me' })).rejects.toThrow(TypeError);
      await expect(client.get(stubDomains, { name: 'a' })).rejects.toThrow(/namespace/);
      await expect(client.create(stubDomains, {})).rejects.toThrow(/namespace/);
    }),
  );

  test(
    'names cannot leave their place in the path',
    withServer(async ({ server, client }) => {
      const answer = client.tryGet(xenHosts, { name: 'a/../../b?x' });
      const request = await server.next();
      expect(request.path).toBe('/apis/stubdom.io/v1alpha1/xenhosts/a%2F..%2F..%2Fb%3Fx');
      request.fail(404, 'NotFound');
      expect(await answer).toBeUndefined();
      await expect(client.get(xenHosts, { name: '..' })).rejects.toThrow(TypeError);
    }),
  );

  test(
    'T14: unknown fields stay, T12: dates stay strings',
    withServer(async ({ server, client }) => {
      const answer = client.get(configMaps, ref);
      const newer = { ...object, spec: { fieldOfTomorrow: [1, { deep: true }] } };
      (await server.next()).json(newer);
      expect(await answer).toEqual(newer);
    }),
  );

  test(
    'a delete says its preconditions, and gone is no error',
    withServer(async ({ server, client }) => {
      const answer = client.delete(stubDomains, ref, { uid: 'u' });
      const request = await server.next();
      expect(request.body).toMatchObject({ preconditions: { uid: 'u' } });
      request.fail(404, 'NotFound');
      await answer;
    }),
  );

  test(
    'a list reads all pages, and begins again when its token is too old',
    withServer(async ({ server, client }) => {
      const answer = client.list(configMaps, { namespace: 'ns', labelSelector: 'a=b' });
      const bare = { metadata: object.metadata };
      (await server.next()).json({ metadata: { resourceVersion: '1', continue: 'c' }, items: [bare] });
      (await server.next()).fail(410, 'Expired');
      (await server.next()).json({ metadata: { resourceVersion: '2', continue: 'd' }, items: [bare] });
      const last = await server.next();
      expect(last.query).toEqual({ labelSelector: 'a=b', limit: '500', continue: 'd' });
      last.json({ metadata: { resourceVersion: '2' }, items: [] });
      expect(await answer).toEqual([{ apiVersion: 'v1', kind: 'ConfigMap', ...bare }]);
    }),
  );
});

describe('failures', () => {
  test(
    'T19: are typed',
    withServer(async ({ server, client }) => {
      const answer = client.create(stubDomains, object).catch((error: unknown) => error);
      const details = { name: 'a', kind: 'stubdomains', causes: [{ field: 'spec.memoryMiB', message: 'too small' }] };
      (await server.next()).json(
        { kind: 'Status', code: 422, reason: 'Invalid', message: 'no\u001b[31m', details },
        422,
      );
      const error = await answer;
      expect(error).toMatchObject({ status: 422, reason: 'Invalid', details });
      expect((error as Error).message).toBe('create StubDomain ns: no [31m');
      expect([isConflict(error), isNotFound(error), isRetryable(error)]).toEqual([false, false, false]);
    }),
  );

  test.each([
    { status: 409, reason: 'Conflict', conflict: true, exists: false },
    { status: 409, reason: 'AlreadyExists', conflict: false, exists: true },
  ])('$status $reason', ({ status, reason, conflict, exists }) =>
    withServer(async ({ server, client }) => {
      const answer = client.create(stubDomains, object).catch((error: unknown) => error);
      (await server.next()).fail(status, reason);
      const error = await answer;
      expect([isConflict(error), isAlreadyExists(error)]).toEqual([conflict, exists]);
    })(),
  );

  test.each([
    ['an error page', 502, '<html>Bad gateway</html>', { status: 502, reason: 'Unknown' }],
    ['no JSON', 200, 'garbage', { network: 'EBADANSWER' }],
    ['an empty answer', 200, '', { network: 'EBADANSWER' }],
    ['an answer that is no object', 200, '{"kind":"Status"}', { network: 'EBADANSWER' }],
  ])('%s', (_what, status, body, expected) =>
    withServer(async ({ server, client }) => {
      const answer = client.get(stubDomains, ref).catch((error: unknown) => error);
      (await server.next()).raw(status, body);
      expect(await answer).toMatchObject(expected);
    })(),
  );

  test(
    'a server that hangs: the deadline, and the connection is not used again',
    withServer(async ({ server, client, clock }) => {
      const answer = client.get(stubDomains, ref).catch((error: unknown) => error);
      const hanging = await server.next();
      clock.advance(30_000);
      expect(await answer).toMatchObject({ network: 'EDEADLINE' });
      await hanging.closed;
      const again = client.get(stubDomains, ref);
      const request = await server.next();
      expect(request.connection).not.toBe(hanging.connection);
      request.json(object);
      await again;
      expect(clock.timers).toEqual([]);
    }),
  );

  test(
    'an answer that is too large is not read to its end',
    withServer(
      async ({ server, client }) => {
        const answer = client.get(stubDomains, ref).catch((error: unknown) => error);
        (await server.next()).raw(200, 'x'.repeat(5_000));
        expect(await answer).toMatchObject({ network: 'ETOOLARGE' });
      },
      { maxBodyBytes: 1_000 },
    ),
  );

  test(
    'a cut connection: reads and applies once more, creates not',
    withServer(async ({ server, client }) => {
      const read = client.get(stubDomains, ref);
      (await server.next()).cut();
      (await server.next()).json(object);
      await read;
      const applied = client
        .apply(stubDomains, { metadata: ref }, { fieldManager: 'me' })
        .catch((error: unknown) => error);
      (await server.next()).cut();
      (await server.next()).cut();
      expect(await applied).toMatchObject({ network: 'ERESET' });
      const created = client.create(stubDomains, object).catch((error: unknown) => error);
      (await server.next()).cut();
      expect(await created).toMatchObject({ network: 'ERESET' });
      expect(server.count).toBe(5);
    }),
  );

  test(
    'T5: 429 waits as long as it is told, then the same request comes again',
    withServer(async ({ server, client, clock }) => {
      const answer = client.create(stubDomains, object);
      (await server.next()).fail(429, 'TooManyRequests', { 'retry-after': '2' });
      const delay = await clock.timerSet((ms) => ms >= 2_000 && ms < 30_000);
      expect(delay).toBe(2_100);
      clock.advance(delay);
      (await server.next()).json(object);
      await answer;
    }),
  );

  test(
    'retries have an end',
    withServer(async ({ server, client, clock }) => {
      const answer = client.get(stubDomains, ref).catch((error: unknown) => error);
      for (let round = 0; round < 3; round += 1) {
        (await server.next()).fail(503, 'ServiceUnavailable', { 'retry-after': '1' });
        clock.advance(await clock.timerSet((ms) => ms >= 1_000 && ms < 30_000));
      }
      (await server.next()).fail(503, 'ServiceUnavailable', { 'retry-after': '1' });
      expect(await answer).toMatchObject({ status: 503, retryAfterSeconds: 1 });
      expect(server.count).toBe(4);
    }),
  );

  test(
    'a create that may have been done is not sent again',
    withServer(async ({ server, client }) => {
      const answer = client.create(stubDomains, object).catch((error: unknown) => error);
      (await server.next()).fail(504, 'Timeout', { 'retry-after': '1' });
      expect(await answer).toMatchObject({ status: 504 });
      expect(server.count).toBe(1);
    }),
  );

  test(
    'an hour is not waited for',
    withServer(async ({ server, client }) => {
      const answer = client.get(stubDomains, ref).catch((error: unknown) => error);
      (await server.next()).fail(429, 'TooManyRequests', { 'retry-after': '3600' });
      expect(await answer).toMatchObject({ status: 429 });
    }),
  );

  test('nobody listens', async () => {
    const server = await startScriptedApiServer();
    await server.close();
    const client = createKubeClient(server.config);
    await expect(client.get(stubDomains, ref)).rejects.toMatchObject({ network: 'ECONNECT', status: 0 });
    await client.close();
  });

  test(
    'close ends what is under way, and nothing starts after it',
    withServer(async ({ server, client, clock }) => {
      const answer = client.get(stubDomains, ref).catch((error: unknown) => error);
      await server.next();
      await client.close();
      expect(await answer).toMatchObject({ network: 'ECLOSED' });
      await expect(client.get(stubDomains, ref)).rejects.toMatchObject({ network: 'ECLOSED' });
      expect(clock.timers).toEqual([]);
    }),
  );
});

describe('credentials', () => {
  test('T24: are read again on 401, once for all requests that it met, and not in a loop', async () => {
    let token = 'old';
    let reloads = 0;
    const more: Partial<ClusterConfig> = {
      headers: async () => ({ authorization: `Bearer ${token}` }),
      reload: async () => {
        reloads += 1;
        token = 'new';
      },
    };
    await withServer(
      async ({ server, client }) => {
        const answers = [client.get(stubDomains, ref), client.get(stubDomains, ref)];
        const first = [await server.next(), await server.next()];
        for (const request of first) {
          expect(request.headers.authorization).toBe('Bearer old');
          request.fail(401, 'Unauthorized');
        }
        for (let round = 0; round < 2; round += 1) {
          const request = await server.next();
          expect(request.headers.authorization).toBe('Bearer new');
          request.json(object);
        }
        await Promise.all(answers);
        expect(reloads).toBe(1);
        const refused = client.get(stubDomains, ref).catch((error: unknown) => error);
        (await server.next()).fail(401, 'Unauthorized');
        expect(await refused).toMatchObject({ status: 401 });
        expect(reloads).toBe(1);
      },
      {},
      more,
    )();
  });

  test('a server that shows a new certificate: the CA is read again', async () => {
    const pems = await Promise.all(
      ['one', 'two'].map((value) =>
        generate([{ name: 'commonName', value }], {
          extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
        }),
      ),
    );
    const [old, current] = pems;
    if (old === undefined || current === undefined) throw new Error('no certificates');
    const server = await startScriptedApiServer({ cert: current.cert, key: current.private });
    let tls: TlsMaterial = { ca: old.cert, rejectUnauthorized: true };
    const config = plainConfig(server.url, {
      tls: () => tls,
      reload: async () => {
        tls = { ca: current.cert, rejectUnauthorized: true };
      },
    });
    const client = createKubeClient(config);
    const answer = client.get(stubDomains, ref);
    (await server.next()).json(object);
    expect(await answer).toEqual(object);
    await client.close();

    const stubborn = createKubeClient(
      plainConfig(server.url, { tls: () => ({ ca: old.cert, rejectUnauthorized: true }) }),
    );
    await expect(stubborn.get(stubDomains, ref)).rejects.toMatchObject({ network: 'ETLS' });
    await stubborn.close();
    await server.close();
  });
});
