import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApiServer, type EmbeddedApiServer } from '../../operator/embedded/api-server/server.ts';
import { findKubectl, kubectlFor, outputMatching, type Kubectl } from '../support/kubectl.ts';

const found = await findKubectl();
if (found === undefined) {
  process.stderr.write('SKIPPED: test/e2e/kubectl.test.ts needs kubectl 1.32 or later, on PATH or from npm\n');
}

const crds = join(import.meta.dirname, '../../crds');
const uuid = '11111111-2222-3333-4444-555555555555';

/** Manifest of a StubDomain. */
function stubDomain(name: string, spec: object = {}, metadata: object = {}): string {
  return JSON.stringify({
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'StubDomain',
    metadata: { name, ...metadata },
    spec: { target: { uuid }, ...spec },
  });
}

(found === undefined ? describe.skip : describe)('unmodified kubectl on the embedded API server', () => {
  let home: string;
  let server: EmbeddedApiServer;
  let kubectl: Kubectl;
  let count = 0;
  let name = '';

  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'kubectl-e2e-'));
    server = await startApiServer({ kubeconfigPath: join(home, 'kubeconfig') });
    kubectl = kubectlFor(found ?? { path: '', version: '' }, server.kubeconfigPath, home);
    await kubectl.ok(['apply', '-f', crds]);
    await kubectl.ok(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=10s']);
  });

  afterAll(async () => {
    await server.close();
    await rm(home, { recursive: true, force: true });
  });

  beforeEach(() => {
    name = `sd-${String(++count)}`;
  });

  const apply = (manifest: string, ...args: string[]): Promise<string> =>
    kubectl.ok(['apply', '-f', '-', ...args], { input: manifest });
  const field = (path: string): Promise<string> => kubectl.ok(['get', 'sd', name, '-o', `jsonpath={${path}}`]);
  const setStatus = (status: object): Promise<string> =>
    kubectl.ok(['patch', 'sd', name, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]);
  const ready = (status: string): object => ({
    conditions: [
      { type: 'Ready', status, reason: 'Running', message: 'as wished', lastTransitionTime: '2026-01-01T00:00:00Z' },
    ],
  });

  test('api-resources and api-versions name our kinds with short names', async () => {
    const resources = await kubectl.ok(['api-resources', '--no-headers']);
    expect(resources).toMatch(/^stubdomains +sd +stubdom\.io\/v1alpha1 +true +StubDomain/m);
    expect(resources).toMatch(/^xenhosts +xh +stubdom\.io\/v1alpha1 +false +XenHost/m);
    expect(resources).toMatch(/^configmaps +cm +v1 +true +ConfigMap/m);
    expect(await kubectl.ok(['api-resources', '--categories=xen', '-o', 'name'])).toBe(
      'pciattachments.stubdom.io\nstubdomains.stubdom.io\nxenhosts.stubdom.io\n',
    );
    const versions = (await kubectl.ok(['api-versions'])).trim().split('\n');
    expect(versions).toEqual(expect.arrayContaining(['stubdom.io/v1alpha1', 'v1', 'coordination.k8s.io/v1']));
  });

  test('apply creates, configures, and leaves alone', async () => {
    expect(await apply(stubDomain(name))).toBe(`stubdomain.stubdom.io/${name} created\n`);
    expect(await apply(stubDomain(name))).toBe(`stubdomain.stubdom.io/${name} unchanged\n`);
    expect(await apply(stubDomain(name, { memoryMiB: 256 }))).toBe(`stubdomain.stubdom.io/${name} configured\n`);
    expect(await field('.spec.memoryMiB')).toBe('256');
    expect(await field('.metadata.generation')).toBe('2');
    expect(await apply(stubDomain(name))).toBe(`stubdomain.stubdom.io/${name} configured\n`);
    expect(await field('.spec.memoryMiB')).toBe('');
  });

  test('an invalid object is refused with the path of each field', async () => {
    const result = await kubectl.run(['create', '-f', '-'], { input: stubDomain(name, { target: { uuid: 'zz' } }) });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain(`The StubDomain "${name}" is invalid: spec.target.uuid: Invalid value: "zz"`);
    const typo = await kubectl.run(['apply', '-f', '-'], { input: stubDomain(name, { memoryMB: 5 }) });
    expect(typo.stderr).toContain('unknown field "spec.memoryMB"');
    expect((await kubectl.run(['get', 'sd', name])).stderr).toContain(`stubdomains.stubdom.io "${name}" not found`);
  });

  test('server-side apply reports the conflict, and takes the field by force', async () => {
    await apply(stubDomain(name, { memoryMiB: 128 }), '--server-side', '--field-manager=one');
    const other = ['apply', '--server-side', '--field-manager=two', '-f', '-'];
    const result = await kubectl.run(other, { input: stubDomain(name, { memoryMiB: 64 }) });
    expect(result.code).toBe(1);
    expect(result.stderr).toContain('conflict with "one": .spec.memoryMiB');
    expect(await field('.spec.memoryMiB')).toBe('128');
    await apply(stubDomain(name, { memoryMiB: 64 }), '--server-side', '--field-manager=two', '--force-conflicts');
    expect(await field('.spec.memoryMiB')).toBe('64');
    expect(await kubectl.ok(['get', 'sd', name, '--show-managed-fields', '-o', 'yaml'])).toContain('manager: two');
  });

  test('get prints the printer columns, also wide, as yaml and json', async () => {
    await apply(stubDomain(name));
    await setStatus({
      nodeName: 'host-7',
      phase: 'Running',
      state: 'running',
      domid: 4,
      targetDomid: 3,
      ...ready('True'),
    });
    const [header, row] = (await kubectl.ok(['get', 'sd', name])).split('\n');
    expect(header).toMatch(/^NAME +HOST +PHASE +READY +STATE +DOMID +AGE *$/);
    expect(row).toMatch(new RegExp(`^${name} +host-7 +Running +True +running +4 +\\d+s$`));
    expect(await kubectl.ok(['get', 'sd', name, '-o', 'wide'])).toMatch(/TARGET +REASON/);
    expect(await kubectl.ok(['get', 'sd', name, '-o', 'yaml'])).toContain('nodeName: host-7');
    const object = JSON.parse(await kubectl.ok(['get', 'sd', name, '-o', 'json'])) as { status: { domid: number } };
    expect(object.status.domid).toBe(4);
    expect(await kubectl.ok(['get', 'xen'])).toContain(`stubdomain.stubdom.io/${name}`);
  });

  test('get -w shows each change', async () => {
    const watching = kubectl.start(['get', 'sd', '-w', '--field-selector', `metadata.name=${name}`]);
    try {
      await apply(stubDomain(name));
      await outputMatching(watching.stdout, new RegExp(`${name} `));
      const changed = outputMatching(watching.stdout, new RegExp(`${name} +host-1 `));
      await setStatus({ nodeName: 'host-1' });
      await changed;
    } finally {
      watching.kill();
    }
  });

  test('describe shows the events of the object', async () => {
    await apply(stubDomain(name));
    const uid = await field('.metadata.uid');
    const event = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.1`, namespace: 'default' },
      involvedObject: { apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', name, namespace: 'default', uid },
      reason: 'DeviceModelRunning',
      message: 'the device model answers',
      type: 'Normal',
      firstTimestamp: '2026-01-01T00:00:00Z',
      lastTimestamp: '2026-01-01T00:00:00Z',
      count: 1,
      source: { component: 'stubdom-agent' },
    };
    await kubectl.ok(['create', '-f', '-'], { input: JSON.stringify(event) });
    expect(await kubectl.ok(['describe', 'sd', name])).toMatch(
      /Normal +DeviceModelRunning +\S+ +stubdom-agent +the device model answers/,
    );
    expect(await kubectl.ok(['get', 'events'])).toContain(`stubdomain/${name}`);
    expect(await kubectl.ok(['events', '--for', `stubdomain/${name}`])).toContain('DeviceModelRunning');
  });

  test('explain knows every field', async () => {
    expect(await kubectl.ok(['explain', 'sd.spec.target.uuid'])).toContain('FIELD: uuid <string>');
    expect(await kubectl.ok(['explain', 'sd', '--recursive'])).toMatch(/runState\s+<string>/);
    expect(await kubectl.ok(['explain', 'configmap.data'])).toContain('<map[string]string>');
  });

  test('edit opens the object and writes it back', async () => {
    await apply(stubDomain(name));
    const editor = join(home, 'editor.sh');
    await writeFile(editor, `#!/bin/sh\nsed -i 's/runState: Running/runState: Paused/' "$1"\n`, { mode: 0o755 });
    expect(await kubectl.ok(['edit', 'sd', name], { env: { KUBE_EDITOR: editor } })).toContain('edited');
    expect(await field('.spec.runState')).toBe('Paused');
  });

  test('patch: merge and JSON', async () => {
    await apply(stubDomain(name));
    await kubectl.ok(['patch', 'sd', name, '--type=merge', '-p', '{"spec":{"runState":"Paused"}}']);
    expect(await field('.spec.runState')).toBe('Paused');
    const operations = [{ op: 'replace', path: '/spec/runState', value: 'Running' }];
    await kubectl.ok(['patch', 'sd', name, '--type=json', '-p', JSON.stringify(operations)]);
    expect(await field('.spec.runState')).toBe('Running');
    const bad = await kubectl.run(['patch', 'sd', name, '--type=merge', '-p', '{"spec":{"runState":"Flying"}}']);
    expect(bad.stderr).toContain('spec.runState: Unsupported value: "Flying"');
  });

  test('a patch of the main resource leaves the status alone, and the other way round', async () => {
    await apply(stubDomain(name));
    await setStatus({ phase: 'Running' });
    await kubectl.ok([
      'patch',
      'sd',
      name,
      '--type=merge',
      '-p',
      '{"status":{"phase":"Gone"},"spec":{"memoryMiB":77}}',
    ]);
    expect(await field('.status.phase')).toBe('Running');
    expect(await field('.metadata.generation')).toBe('2');
    const both = '{"status":{"phase":"Paused"},"spec":{"memoryMiB":99}}';
    await kubectl.ok(['patch', 'sd', name, '--subresource=status', '--type=merge', '-p', both]);
    expect(await field('.spec.memoryMiB')).toBe('77');
    expect(await field('.status.phase')).toBe('Paused');
    expect(await field('.metadata.generation')).toBe('2');
  });

  test('wait returns when the condition comes true, and when the object is gone', async () => {
    await apply(stubDomain(name));
    const waiting = kubectl.ok(['wait', '--for=condition=Ready', 'sd', name, '--timeout=20s']);
    // kubectl waits until the status speaks of this spec.
    await setStatus({ ...ready('True'), observedGeneration: 1 });
    expect(await waiting).toContain('condition met');
    const gone = kubectl.ok(['wait', '--for=delete', 'sd', name, '--timeout=20s']);
    await kubectl.ok(['delete', 'sd', name]);
    await gone;
  });

  test('field and label selectors choose', async () => {
    await apply(stubDomain(name, {}, { labels: { tier: name, colour: 'red' } }));
    await setStatus({ nodeName: `node-${name}` });
    const names = async (...args: string[]): Promise<string> => kubectl.ok(['get', 'sd', '-o', 'name', ...args]);
    const own = `stubdomain.stubdom.io/${name}\n`;
    expect(await names('--field-selector', `status.nodeName=node-${name}`)).toBe(own);
    expect(await names('-l', `tier=${name}`)).toBe(own);
    expect(await names('-l', `tier in (x,${name}),colour!=blue,!absent`)).toBe(own);
    expect(await names('-l', `tier=${name},colour notin (red)`)).toBe('');
    const bad = await kubectl.run(['get', 'sd', '--field-selector', 'spec.flavor=MiniOS']);
    expect(bad.stderr).toContain('field label not supported: spec.flavor');
  });

  test('delete blocks until the finalizer is off', async () => {
    await apply(stubDomain(name, {}, { finalizers: ['stubdom.io/teardown'] }));
    const marked = kubectl.ok(['wait', '--for=jsonpath={.metadata.deletionGracePeriodSeconds}=0', 'sd', name]);
    const deleting = kubectl.start(['delete', 'sd', name]);
    const exit = new Promise<number | null>((resolve) => deleting.once('exit', resolve));
    await marked;
    expect(deleting.exitCode).toBeNull();
    await kubectl.ok(['patch', 'sd', name, '--type=merge', '-p', '{"metadata":{"finalizers":null}}']);
    expect(await exit).toBe(0);
    expect((await kubectl.run(['get', 'sd', name])).code).toBe(1);
  });

  test('diff and server dry run change nothing', async () => {
    await apply(stubDomain(name, { memoryMiB: 100 }));
    const diff = await kubectl.run(['diff', '-f', '-'], { input: stubDomain(name, { memoryMiB: 200 }) });
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^\+ +memoryMiB: 200$/m);
    expect(await apply(stubDomain(name, { memoryMiB: 300 }), '--dry-run=server')).toContain('(server dry run)');
    expect(await field('.spec.memoryMiB')).toBe('100');
    await kubectl.ok(['delete', 'sd', name, '--dry-run=server']);
    expect(await field('.spec.memoryMiB')).toBe('100');
  });

  test('label, annotate, replace', async () => {
    await apply(stubDomain(name));
    await kubectl.ok(['label', 'sd', name, 'team=blue']);
    await kubectl.ok(['annotate', 'sd', name, 'note=hello']);
    expect(await field('.metadata.labels.team')).toBe('blue');
    expect(await field('.metadata.annotations.note')).toBe('hello');
    await kubectl.ok(['replace', '-f', '-'], { input: stubDomain(name, { memoryMiB: 55 }) });
    expect(await field('.spec.memoryMiB')).toBe('55');
    expect(await field('.metadata.labels.team')).toBe('');
  });

  test('namespaces, configmaps, secrets and service accounts', async () => {
    const space = `space-${name}`;
    await kubectl.ok(['create', 'namespace', space]);
    await kubectl.ok(['create', 'configmap', 'c', '-n', space, '--from-literal=a=b']);
    await kubectl.ok(['create', 'secret', 'generic', 's', '-n', space, '--from-literal=password=hush']);
    await kubectl.ok(['create', 'serviceaccount', 'agent', '-n', space]);
    expect(await kubectl.ok(['get', 'cm', 'c', '-n', space, '-o', 'jsonpath={.data.a}'])).toBe('b');
    expect(await kubectl.ok(['get', 'secret', 's', '-n', space, '-o', 'jsonpath={.data.password}'])).toBe('aHVzaA==');
    expect(await kubectl.ok(['get', 'secret', '-n', space])).toMatch(/^s +Opaque +1 +/m);
    const missing = await kubectl.run(['create', 'configmap', 'c', '-n', 'nowhere']);
    expect(missing.stderr).toContain('namespaces "nowhere" not found');
    await kubectl.ok(['delete', 'namespace', space]);
    expect(await kubectl.ok(['get', 'cm', '-n', space, '-o', 'name'])).toBe('');
    expect((await kubectl.run(['get', 'ns', space])).code).toBe(1);
  });

  test('auth can-i and whoami', async () => {
    expect(await kubectl.ok(['auth', 'can-i', 'create', 'stubdomains'])).toBe('yes\n');
    expect(await kubectl.ok(['auth', 'whoami'])).toContain('stubdom-admin');
  });

  test('apply -k', async () => {
    await writeFile(join(home, 'sd.yaml'), stubDomain(name));
    await writeFile(join(home, 'kustomization.yaml'), `resources: [sd.yaml]\nnamePrefix: k-\n`);
    expect(await kubectl.ok(['apply', '-k', home])).toBe(`stubdomain.stubdom.io/k-${name} created\n`);
  });

  test('deleting an owner deletes what it owns', async () => {
    await apply(stubDomain(name));
    const owner = { apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', name, uid: await field('.metadata.uid') };
    const child = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: `c-${name}`, ownerReferences: [owner] } };
    await apply(JSON.stringify(child));
    const gone = kubectl.ok(['wait', '--for=delete', `configmap/c-${name}`, '--timeout=20s']);
    await kubectl.ok(['delete', 'sd', name]);
    await gone;
  });

  test('deleting a definition deletes its objects and the kind', async () => {
    const crd = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'gadgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'gadgets', kind: 'Gadget' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    };
    await apply(JSON.stringify(crd));
    await kubectl.ok(['wait', '--for=condition=Established', 'crd/gadgets.example.com']);
    const gadget = { apiVersion: 'example.com/v1', kind: 'Gadget', metadata: { name: 'g' } };
    await apply(JSON.stringify(gadget));
    expect(await kubectl.ok(['get', 'gadgets', '-o', 'name'])).toBe('gadget.example.com/g\n');
    await kubectl.ok(['delete', 'crd', 'gadgets.example.com']);
    expect((await kubectl.run(['get', 'gadgets'])).code).toBe(1);
    await apply(JSON.stringify(crd));
    expect(await kubectl.ok(['get', 'gadgets', '-o', 'name'])).toBe('');
  });
});
