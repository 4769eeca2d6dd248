import { describe, expect, test } from '@jest/globals';
import { type ClusterClient, createKubeClient } from '../../../operator/kube/client.ts';
import { addFinalizer, removeFinalizer } from '../../../operator/kube/finalizer.ts';
import { stubDomains } from '../../../operator/kube/resources.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { type ScriptedApiServer, startScriptedApiServer } from '../../support/scripted-api-server.ts';

const ours = 'stubdom.io/agent';
const object = (finalizers: readonly string[] | undefined, more: object = {}): KubeObject => ({
  apiVersion: 'stubdom.io/v1alpha1',
  kind: 'StubDomain',
  metadata: {
    namespace: 'ns',
    name: 'a',
    uid: 'u1',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...(finalizers === undefined ? {} : { finalizers }),
    ...more,
  },
});
const uidGuard = { op: 'test', path: '/metadata/uid', value: 'u1' };

const withServer = async (body: (server: ScriptedApiServer, client: ClusterClient) => Promise<void>) => {
  const server = await startScriptedApiServer();
  const client = createKubeClient(server.config);
  try {
    await body(server, client);
    expect(server.unread).toEqual([]);
  } finally {
    await client.close();
    await server.close();
  }
};

describe('a finalizer', () => {
  test.each([
    {
      what: 'added to none: the version guards',
      from: undefined,
      act: addFinalizer,
      patch: [
        uidGuard,
        { op: 'test', path: '/metadata/resourceVersion', value: '7' },
        { op: 'add', path: '/metadata/finalizers', value: [ours] },
      ],
    },
    {
      what: 'added to others',
      from: ['x'],
      act: addFinalizer,
      patch: [
        uidGuard,
        { op: 'test', path: '/metadata/finalizers', value: ['x'] },
        { op: 'add', path: '/metadata/finalizers/-', value: ours },
      ],
    },
    {
      what: 'removed from among others, whose list is pinned',
      from: ['x', ours, 'y'],
      act: removeFinalizer,
      patch: [
        uidGuard,
        { op: 'test', path: '/metadata/finalizers', value: ['x', ours, 'y'] },
        { op: 'remove', path: '/metadata/finalizers/1' },
      ],
    },
  ])('$what', ({ from, act, patch }) =>
    withServer(async (server, client) => {
      const answer = act(client, stubDomains, object(from), ours);
      const request = await server.next();
      expect(request.body).toEqual(patch);
      request.json(object(['the answer']));
      expect((await answer)?.metadata.finalizers).toEqual(['the answer']);
    }),
  );

  test('that is there is not added, that is not there is not removed: no request', () =>
    withServer(async (server, client) => {
      await addFinalizer(client, stubDomains, object([ours]), ours);
      await removeFinalizer(client, stubDomains, object(['x']), ours);
      await addFinalizer(client, stubDomains, object(undefined, { deletionTimestamp: '2026-01-01T00:00:00Z' }), ours);
      expect(server.count).toBe(0);
    }));

  test('races with another’s: its change is read, and kept', () =>
    withServer(async (server, client) => {
      const answer = removeFinalizer(client, stubDomains, object(['x', ours]), ours);
      (await server.next()).fail(422, 'Invalid');
      (await server.next()).json(object([ours]));
      const again = await server.next();
      expect(again.body).toContainEqual({ op: 'remove', path: '/metadata/finalizers/0' });
      again.json(object([]));
      expect((await answer)?.metadata.finalizers).toEqual([]);
    }));

  test('of an object that is gone counts as removed', () =>
    withServer(async (server, client) => {
      const answer = removeFinalizer(client, stubDomains, object([ours]), ours);
      (await server.next()).fail(404, 'NotFound');
      expect(await answer).toBeUndefined();
    }));

  test('is not taken from the next object of that name', () =>
    withServer(async (server, client) => {
      const answer = removeFinalizer(client, stubDomains, object([ours]), ours);
      (await server.next()).fail(422, 'Invalid');
      (await server.next()).json(object([ours], { uid: 'u2' }));
      expect(await answer).toBeUndefined();
    }));

  test('a race without end is an error in the end', () =>
    withServer(async (server, client) => {
      const answer = addFinalizer(client, stubDomains, object(['x']), ours).catch((error: unknown) => error);
      for (let round = 0; round < 4; round += 1) {
        (await server.next()).fail(422, 'Invalid');
        (await server.next()).json(object(['x']));
      }
      (await server.next()).fail(422, 'Invalid');
      expect(await answer).toMatchObject({ status: 422 });
    }));
});
