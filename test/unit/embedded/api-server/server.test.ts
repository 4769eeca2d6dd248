import { mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApiServer, type EmbeddedApiServer } from '../../../../operator/embedded/api-server/server.ts';
import { apiClient, type ApiAnswer, type ApiClient, type TestWatch } from '../../../support/api-client.ts';
import { projectCrds } from '../../../support/sample-crds.ts';

const base = '/apis/stubdom.io/v1alpha1/namespaces';
const uuid = '11111111-2222-3333-4444-555555555555';
const mergePatch = { type: 'application/merge-patch+json' };

let directory: string;
let server: EmbeddedApiServer;
let api: ApiClient;
let count = 0;
let space = '';
let path = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'api-server-'));
  server = await startApiServer({ kubeconfigPath: join(directory, 'kc'), crds: projectCrds(), historySize: 20 });
  api = apiClient(server.kubeconfigPath);
});

afterAll(async () => {
  api.close();
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

beforeEach(async () => {
  space = `space-${String(++count)}`;
  path = `${base}/${space}/stubdomains`;
  const made = await api.call('POST', '/api/v1/namespaces', namespace(space));
  expect(made.code).toBe(201);
});

let watches: TestWatch[] = [];
afterEach(() => {
  for (const opened of watches) opened.close();
  watches = [];
});

async function watch(query: string): Promise<TestWatch> {
  const opened = await api.watch(query);
  watches.push(opened);
  return opened;
}

const namespace = (name: string): object => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });

function stubDomain(name: string, metadata: object = {}, spec: object = {}): object {
  return {
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'StubDomain',
    metadata: { name, ...metadata },
    spec: { target: { uuid }, ...spec },
  };
}

const create = (name: string, metadata: object = {}, spec: object = {}): Promise<ApiAnswer> =>
  api.call('POST', path, stubDomain(name, metadata, spec));
const status = (name: string, value: object): Promise<ApiAnswer> =>
  api.call('PATCH', `${path}/${name}/status`, { status: value }, mergePatch);
const itemNames = (answer: ApiAnswer): string[] => answer.body.items.map((item) => item.metadata.name);

async function events(stream: TestWatch, wanted: number): Promise<string[]> {
  const seen: string[] = [];
  while (seen.length < wanted) {
    const event = await stream.next();
    if (event === undefined) break;
    seen.push(`${event.type} ${event.object.metadata.name}`);
  }
  return seen;
}

describe('writes', () => {
  test('system fields are the server’s', async () => {
    const sent = {
      uid: 'mine',
      generation: 9,
      creationTimestamp: '2001-01-01T00:00:00Z',
      deletionTimestamp: '2001-01-01T00:00:00Z',
    };
    const { body } = await create('a', sent);
    expect(body.metadata.uid).toMatch(/^[0-9a-f-]{36}$/);
    expect(body.metadata.generation).toBe(1);
    expect(body.metadata.creationTimestamp).not.toBe(sent.creationTimestamp);
    expect(body.metadata.deletionTimestamp).toBeUndefined();
    expect(body.metadata.namespace).toBe(space);
  });

  test('generation follows the spec, not labels and not status', async () => {
    await create('a');
    const patch = (body: object): Promise<ApiAnswer> => api.call('PATCH', `${path}/a`, body, mergePatch);
    expect((await patch({ metadata: { labels: { x: 'y' } } })).body.metadata.generation).toBe(1);
    expect((await status('a', { phase: 'Running' })).body.metadata.generation).toBe(1);
    expect((await patch({ spec: { memoryMiB: 64 } })).body.metadata.generation).toBe(2);
  });

  test('a write that changes nothing makes no new version and no event', async () => {
    const first = await create('a');
    const stream = await watch(`${path}?watch=1&resourceVersion=${first.body.metadata.resourceVersion}`);
    const again = await api.call('PATCH', `${path}/a`, { spec: { target: { uuid } } }, mergePatch);
    expect(again.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    await create('b');
    expect(await events(stream, 1)).toEqual(['ADDED b']);
  });

  test('a replace of an old version is a conflict', async () => {
    const first = await create('a');
    await api.call('PATCH', `${path}/a`, { spec: { memoryMiB: 64 } }, mergePatch);
    const stale = await api.call('PUT', `${path}/a`, first.body);
    expect([stale.code, stale.body.reason]).toEqual([409, 'Conflict']);
    const unversioned = await api.call('PUT', `${path}/a`, stubDomain('a'));
    expect(unversioned.code).toBe(422);
    expect((await api.call('GET', `${path}/a`)).body.spec.memoryMiB).toBe(64);
  });

  test('two replaces of one version: one wins', async () => {
    const { body } = await create('a');
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        api.call('PUT', `${path}/a`, { ...body, spec: { ...body.spec, memoryMiB: 64 + index } }),
      ),
    );
    expect(answers.map((answer) => answer.code).sort()).toEqual([200, ...Array<number>(7).fill(409)]);
  });

  test('dry run answers like the real thing and stores nothing', async () => {
    const answer = await api.call('POST', `${path}?dryRun=All`, stubDomain('a'));
    expect(answer.code).toBe(201);
    expect(answer.body.spec.flavor).toBe('MiniOS');
    expect((await api.call('GET', `${path}/a`)).code).toBe(404);
  });

  test('unknown and duplicate fields: warned of, refused or dropped', async () => {
    const text = JSON.stringify(stubDomain('a', {}, { bogus: 1 })).replace('"bogus":1', '"bogus":1,"bogus":2');
    const warned = await api.call('POST', `${path}?dryRun=All`, text);
    expect(warned.headers['warning']).toBe(
      '299 - "duplicate field \\"spec.bogus\\"", 299 - "unknown field \\"spec.bogus\\""',
    );
    expect(warned.body.spec.bogus).toBeUndefined();
    const strict = await api.call('POST', `${path}?dryRun=All&fieldValidation=Strict`, text);
    expect(strict.code).toBe(400);
    expect(strict.body.message).toContain(
      'strict decoding error: duplicate field "spec.bogus", unknown field "spec.bogus"',
    );
    const ignored = await api.call('POST', `${path}?dryRun=All&fieldValidation=Ignore`, text);
    expect(ignored.headers['warning']).toBeUndefined();
  });

  test('generateName gives names that differ', async () => {
    const send = (): Promise<ApiAnswer> =>
      api.call('POST', path, stubDomain('', { name: undefined, generateName: 'sd-' }));
    const [one, two] = [await send(), await send()];
    expect(one.body.metadata.name).toMatch(/^sd-[a-z0-9]{5}$/);
    expect(one.body.metadata.name).not.toBe(two.body.metadata.name);
  });

  test('separators of lines in strings are escaped', async () => {
    const { text, body } = await create('a', { annotations: { note: 'x\u2028y\u2029z' } });
    expect(text).toContain('x\\u2028y\\u2029z');
    expect(body.metadata.annotations?.['note']).toBe('x\u2028y\u2029z');
  });

  test('a Lease with a time that is no MicroTime is refused', async () => {
    const lease = (renewTime: string): object => ({
      apiVersion: 'coordination.k8s.io/v1',
      kind: 'Lease',
      metadata: { name: 'l' },
      spec: { renewTime },
    });
    const leases = `/apis/coordination.k8s.io/v1/namespaces/${space}/leases`;
    expect((await api.call('POST', leases, lease('2026-01-01T00:00:00.000Z'))).code).toBe(400);
    expect((await api.call('POST', leases, lease('2026-01-01T00:00:00.000000Z'))).code).toBe(201);
  });
});

describe('bad requests', () => {
  test.each([
    ['no token', { token: '' }, 403, 'Forbidden'],
    ['a wrong token', { token: 'x'.repeat(32) }, 401, 'Unauthorized'],
  ])('%s', async (_name, options, code, reason) => {
    const answer = await api.call('GET', path, undefined, options);
    expect([answer.code, answer.body.reason]).toEqual([code, reason]);
  });

  test('a body that is too large', async () => {
    const answer = await api.call('POST', path, Buffer.alloc(3 * 1024 * 1024 + 1, 'x'));
    expect([answer.code, answer.body.reason]).toEqual([413, 'RequestEntityTooLarge']);
  });

  test.each([
    '{"a',
    '[]',
    'null',
    '5',
    '"x"',
    '',
    '{}',
    '{"kind":5,"apiVersion":[]}',
    '\u0000',
    '{"metadata":{"__proto__":5}}',
  ])('the body %j', async (body) => {
    expect((await api.call('POST', path, body)).code).toBe(400);
  });

  test('keys of Object.prototype are plain data', async () => {
    const { code, body } = await create('a', { labels: { constructor: 'x', toString: 'y' } });
    expect([code, body.metadata.labels]).toEqual([201, { constructor: 'x', toString: 'y' }]);
    expect(itemNames(await api.call('GET', `${path}?labelSelector=constructor%3Dx`))).toEqual(['a']);
    expect(itemNames(await api.call('GET', `${path}?labelSelector=valueOf`))).toEqual([]);
  });

  test('methods and paths that do not exist', async () => {
    expect((await api.call('TRACE', `${path}/a`)).code).toBe(405);
    expect((await api.call('GET', '/nothing')).code).toBe(404);
    expect((await api.call('GET', `${path}/a/nothing`)).code).toBe(404);
    expect((await api.call('GET', `/apis/stubdom.io/v1alpha1/namespaces/${space}/xenhosts`)).code).toBe(404);
  });
});

describe('lists', () => {
  test('pages together are the list as it was at the first page', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await create(name);
    const first = await api.call('GET', `${path}?limit=2`);
    expect(first.body.metadata.remainingItemCount).toBe(3);
    await api.call('DELETE', `${path}/c`);
    await create('bb');
    const names = itemNames(first);
    let token = first.body.metadata.continue;
    while (token !== '') {
      const page = await api.call('GET', `${path}?limit=2&continue=${token}`);
      expect(page.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
      names.push(...itemNames(page));
      token = page.body.metadata.continue;
    }
    expect(names).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(itemNames(await api.call('GET', path))).toEqual(['a', 'b', 'bb', 'd', 'e']);
  });

  test('a token of a list that is forgotten is 410 Expired', async () => {
    for (const name of ['a', 'b']) await create(name);
    const first = await api.call('GET', `${path}?limit=1`);
    for (let index = 0; index < 64; index++) await api.call('GET', `${path}?limit=1`);
    const next = await api.call('GET', `${path}?limit=1&continue=${first.body.metadata.continue}`);
    expect([next.code, next.body.reason]).toEqual([410, 'Expired']);
  });

  test('an exact version is the state of that time, until it is forgotten', async () => {
    await create('a');
    const version = (await create('b')).body.metadata.resourceVersion;
    await api.call('DELETE', `${path}/a`);
    await create('c');
    const exact = `${path}?resourceVersion=${version}&resourceVersionMatch=Exact`;
    expect(itemNames(await api.call('GET', exact))).toEqual(['a', 'b']);
    expect(itemNames(await api.call('GET', `${path}?resourceVersion=${version}`))).toEqual(['b', 'c']);
    for (let index = 0; index < 45; index++) await status('b', { domid: index + 1 });
    expect((await api.call('GET', exact)).code).toBe(410);
    expect((await api.call('GET', `${path}?resourceVersion=999999999999999`)).code).toBe(504);
  });

  test('metadata only, and as a table', async () => {
    await create('a');
    const partial = await api.call('GET', path, undefined, {
      headers: { accept: 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1' },
    });
    expect(partial.body.kind).toBe('PartialObjectMetadataList');
    expect(partial.body.items[0]?.spec).toBeUndefined();
    const table = await api.call('GET', `${path}?includeObject=None`, undefined, {
      headers: { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' },
    });
    expect(table.body.rows).toEqual([{ cells: ['a', null, null, null, null, null, null, null, expect.any(String)] }]);
  });
});

describe('watches', () => {
  test('without a version: what there is, then what comes', async () => {
    await create('a');
    const stream = await watch(`${path}?watch=1`);
    expect(await events(stream, 1)).toEqual(['ADDED a']);
    await status('a', { domid: 1 });
    await api.call('DELETE', `${path}/a`);
    expect(await events(stream, 2)).toEqual(['MODIFIED a', 'DELETED a']);
  });

  test('a streamed list ends with an annotated bookmark', async () => {
    await create('a');
    const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
    const stream = await watch(`${path}?${query}`);
    expect((await stream.next())?.object.metadata.name).toBe('a');
    const mark = await stream.next();
    expect(mark?.type).toBe('BOOKMARK');
    expect(mark?.object.metadata.annotations).toEqual({ 'k8s.io/initial-events-end': 'true' });
    const list = await api.call('GET', path);
    expect(mark?.object.metadata.resourceVersion).toBe(list.body.metadata.resourceVersion);
  });

  test('from a version on: exactly what came later, in order', async () => {
    const first = await create('a');
    await create('b');
    await api.call('DELETE', `${path}/a`);
    const stream = await watch(`${path}?watch=1&resourceVersion=${first.body.metadata.resourceVersion}`);
    expect(await events(stream, 2)).toEqual(['ADDED b', 'DELETED a']);
  });

  test('objects that come under a selector are added, those that leave it deleted, at the version of the change', async () => {
    const first = await create('a');
    const since = first.body.metadata.resourceVersion;
    const stream = await watch(`${path}?watch=1&resourceVersion=${since}&fieldSelector=status.nodeName%3Dn1`);
    const labelled = await watch(`${path}?watch=1&resourceVersion=${since}&labelSelector=x%3Dy`);
    await status('a', { nodeName: 'n1' });
    await status('a', { nodeName: 'n1', domid: 7 });
    const left = await status('a', { nodeName: 'n2' });
    expect(await events(stream, 2)).toEqual(['ADDED a', 'MODIFIED a']);
    const last = await stream.next();
    expect(last?.type).toBe('DELETED');
    expect(last?.object.status.nodeName).toBe('n1');
    expect(last?.object.metadata.resourceVersion).toBe(left.body.metadata.resourceVersion);
    await api.call('PATCH', `${path}/a`, { metadata: { labels: { x: 'y' } } }, mergePatch);
    await api.call('PATCH', `${path}/a`, { metadata: { labels: { x: null } } }, mergePatch);
    expect(await events(labelled, 2)).toEqual(['ADDED a', 'DELETED a']);
  });

  test('other namespaces and other kinds are not heard', async () => {
    const stream = await watch(`${path}?watch=1`);
    await api.call('POST', `${base}/default/stubdomains`, stubDomain(`elsewhere-${space}`));
    await create('here');
    expect(await events(stream, 1)).toEqual(['ADDED here']);
  });

  test('a version that is too old is an ERROR event with 410', async () => {
    const first = await create('a');
    for (let index = 0; index < 45; index++) await status('a', { domid: index + 1 });
    const stream = await watch(`${path}?watch=1&resourceVersion=${first.body.metadata.resourceVersion}`);
    const event = await stream.next();
    expect([event?.type, event?.object.code, event?.object.reason]).toEqual(['ERROR', 410, 'Expired']);
    expect(await stream.next()).toBeUndefined();
  });

  test('timeoutSeconds ends the stream, with a last bookmark', async () => {
    const { body } = await create('a');
    const version = body.metadata.resourceVersion;
    const stream = await watch(`${path}?watch=1&timeoutSeconds=1&allowWatchBookmarks=true&resourceVersion=${version}`);
    expect((await stream.next())?.type).toBe('BOOKMARK');
    expect(await stream.next()).toBeUndefined();
  });
});

describe('deletion', () => {
  test('an object with finalizers stays until they are off', async () => {
    await create('a', { finalizers: ['stubdom.io/teardown'] });
    const first = await api.call('DELETE', `${path}/a`);
    expect(first.body.metadata.deletionTimestamp).toBeDefined();
    const again = await api.call('DELETE', `${path}/a`);
    expect(again.body.metadata.resourceVersion).toBe(first.body.metadata.resourceVersion);
    const add = { metadata: { finalizers: ['stubdom.io/teardown', 'stubdom.io/more'] } };
    expect((await api.call('PATCH', `${path}/a`, add, mergePatch)).code).toBe(422);
    const stream = await watch(`${path}?watch=1&resourceVersion=${first.body.metadata.resourceVersion}`);
    expect((await api.call('PATCH', `${path}/a`, { metadata: { finalizers: [] } }, mergePatch)).code).toBe(200);
    expect(await events(stream, 1)).toEqual(['DELETED a']);
    expect((await api.call('GET', `${path}/a`)).code).toBe(404);
  });

  test('preconditions', async () => {
    const { body } = await create('a');
    const wrong = await api.call('DELETE', `${path}/a`, { preconditions: { uid: 'other' } });
    expect(wrong.code).toBe(409);
    const right = await api.call('DELETE', `${path}/a`, { preconditions: { uid: body.metadata.uid } });
    expect([right.code, right.body.status, right.body.details.uid]).toEqual([200, 'Success', body.metadata.uid]);
  });

  test('a collection, by selector', async () => {
    await create('a', { labels: { x: 'y' } });
    await create('b');
    await api.call('DELETE', `${path}?labelSelector=x%3Dy`);
    expect(itemNames(await api.call('GET', path))).toEqual(['b']);
  });

  const owned = (owner: ApiAnswer, name: string, block = false): object => {
    const { apiVersion, kind, metadata } = owner.body;
    const reference = { apiVersion, kind, name: metadata.name, uid: metadata.uid, blockOwnerDeletion: block };
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ownerReferences: [reference] } };
  };
  const maps = (): string => `/api/v1/namespaces/${space}/configmaps`;

  test('background: dependents go after their owner', async () => {
    const owner = await create('a');
    const { body } = await api.call('POST', maps(), owned(owner, 'c'));
    const stream = await watch(`${maps()}?watch=1&resourceVersion=${body.metadata.resourceVersion}`);
    await api.call('DELETE', `${path}/a`);
    expect(await events(stream, 1)).toEqual(['DELETED c']);
  });

  test('foreground: the owner goes after its dependents', async () => {
    const owner = await create('a');
    await api.call('POST', maps(), { ...owned(owner, 'c', true) });
    await api.call('PATCH', `${maps()}/c`, { metadata: { finalizers: ['stubdom.io/hold'] } }, mergePatch);
    const stream = await watch(`${path}?watch=1&resourceVersion=${owner.body.metadata.resourceVersion}`);
    await api.call('DELETE', `${path}/a?propagationPolicy=Foreground`);
    expect(await events(stream, 1)).toEqual(['MODIFIED a']);
    const held = await watch(`${maps()}?watch=1`);
    while ((await held.next())?.object.metadata.deletionTimestamp === undefined);
    expect((await api.call('GET', `${path}/a`)).body.metadata.finalizers).toEqual(['foregroundDeletion']);
    await api.call('PATCH', `${maps()}/c`, { metadata: { finalizers: null } }, mergePatch);
    expect(await events(stream, 1)).toEqual(['DELETED a']);
    expect((await api.call('GET', `${maps()}/c`)).code).toBe(404);
  });

  test('orphan: dependents stay, without the reference', async () => {
    const owner = await create('a');
    await api.call('POST', maps(), owned(owner, 'c'));
    const stream = await watch(`${path}?watch=1&resourceVersion=${owner.body.metadata.resourceVersion}`);
    await api.call('DELETE', `${path}/a?propagationPolicy=Orphan`);
    expect(await events(stream, 2)).toEqual(['MODIFIED a', 'DELETED a']);
    expect((await api.call('GET', `${maps()}/c`)).body.metadata.ownerReferences).toBeUndefined();
  });

  test('a dependent of an owner that never was is deleted, one of an unknown kind is not', async () => {
    const stream = await watch(`${maps()}?watch=1`);
    const ghost = {
      body: { apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', metadata: { name: 'x', uid: 'gone' } },
    };
    const alien = { body: { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'x', uid: 'gone' } } };
    await api.call('POST', maps(), owned(alien as unknown as ApiAnswer, 'kept'));
    await api.call('POST', maps(), owned(ghost as unknown as ApiAnswer, 'swept'));
    expect(await events(stream, 3)).toEqual(['ADDED kept', 'ADDED swept', 'DELETED swept']);
  });

  test('a namespace takes its objects along, and takes no new ones meanwhile', async () => {
    await create('a', { finalizers: ['stubdom.io/teardown'] });
    const gone = await api.call('DELETE', `/api/v1/namespaces/${space}`);
    expect(gone.body.status.phase).toBe('Terminating');
    const refused = await create('b');
    expect(refused.code).toBe(403);
    expect(refused.body.details.causes[0]?.reason).toBe('NamespaceTerminating');
    const stream = await watch(`${path}?watch=1`);
    while ((await stream.next())?.object.metadata.deletionTimestamp === undefined);
    const spaces = await watch(`/api/v1/namespaces?watch=1&fieldSelector=metadata.name%3D${space}`);
    expect(await events(spaces, 1)).toEqual([`ADDED ${space}`]);
    await api.call('PATCH', `${path}/a`, { metadata: { finalizers: null } }, mergePatch);
    expect(await events(spaces, 1)).toEqual([`DELETED ${space}`]);
    const lost = await create('b');
    expect([lost.code, lost.body.message]).toEqual([404, `namespaces "${space}" not found`]);
  });
});

describe('start', () => {
  test('the kubeconfig is for its owner only', async () => {
    expect((await stat(server.kubeconfigPath)).mode & 0o777).toBe(0o600);
  });

  test('a port in use is an error that says what to do', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    await expect(startApiServer({ kubeconfigPath: join(directory, 'other'), port })).rejects.toMatchObject({
      code: 'EPORTINUSE',
      message: expect.stringContaining(`port ${String(port)} of 127.0.0.1 is in use`),
    });
    await new Promise((resolve) => taken.close(resolve));
  });

  test('a kubeconfig that cannot be written', async () => {
    await expect(
      startApiServer({ kubeconfigPath: join(server.kubeconfigPath, 'below', 'a-file') }),
    ).rejects.toMatchObject({
      code: 'EKUBECONFIG',
    });
  });

  test('a definition that is refused names itself', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'x' },
      spec: {},
    };
    await expect(startApiServer({ kubeconfigPath: join(directory, 'other'), crds: [crd] })).rejects.toMatchObject({
      code: 'ECRD',
      message: expect.stringContaining('"x"'),
    });
  });
});
