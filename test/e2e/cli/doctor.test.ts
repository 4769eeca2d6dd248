import { createServer } from 'node:http';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { AddressInfo } from 'node:net';
import { leaderLeaseName, leaseNamespace } from '../../../operator/api/names.ts';
import type { Check } from '../../../operator/cli/commands/doctor-check.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { customResourceDefinitions, leases } from '../../../operator/kube/resources.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { stubdom } from '../../support/stubdom.ts';

interface Diagnosis {
  readonly checks: readonly Check[];
  readonly count: Readonly<Record<Check['verdict'], number>>;
}

let world: OperatorWorld;
let root: string;

beforeAll(async () => {
  world = await startOperatorWorld({ hosts: 2 });
  root = await mkdtemp(join(tmpdir(), 'doctor-'));
  await mkdir(join(root, 'proc/xen'), { recursive: true });
  await writeFile(join(root, 'proc/xen/capabilities'), 'control_d\n');
  await mkdir(join(root, 'sys/bus/pci/drivers/pciback/0000:03:00.0'), { recursive: true });
  await renewLeader();
});
afterAll(async () => {
  await world.close();
  await rm(root, { recursive: true, force: true });
});

/** What a controller with leader election does. */
async function renewLeader(): Promise<void> {
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  const spec = { holderIdentity: 'controller-0', leaseDurationSeconds: 15, renewTime };
  const metadata = { namespace: leaseNamespace, name: leaderLeaseName };
  await world.kube.apply(leases, { metadata, spec }, { fieldManager: 'test', force: true });
}

async function doctor(...args: string[]): Promise<Diagnosis & { readonly code: number | null; readonly text: string }> {
  const { code, stdout, stderr } = await stubdom(['doctor', '-k', world.kubeconfigPath, '-o', 'json', ...args]);
  expect(stderr).not.toContain('internal error');
  return { ...(JSON.parse(stdout) as Diagnosis), code, text: `${stdout}${stderr}` };
}

const onHost = (): string[] => ['--host', '--root', root, '--xenstore', world.host().socket];
const about = (checks: readonly Check[], name: string): Check[] => checks.filter(({ check }) => check === name);

describe('stubdom doctor', () => {
  test('a cluster and a host that are well', async () => {
    const { objects } = world;
    await world.host().addGuest('web');
    await objects.stubDomain('web');
    await objects.attachment('web-nic', 'web', '0000:03:00.0');
    await objects.ready('PciAttachment', 'web-nic');
    await objects.ready('StubDomain', 'web');
    await renewLeader();
    const { code, checks, count } = await doctor(
      ...onHost(),
      '--hypervisor',
      `simulated:${join(world.home, 'xen-1/hv')}`,
    );
    expect(checks.map(({ check, verdict, what }) => `${check} ${verdict}: ${what}`)).toEqual([
      expect.stringMatching(/^api-server ok: https:\/\/127\.0\.0\.1:\d+ answers: Kubernetes 1\.3\d\.$/),
      expect.stringMatching(/^crds ok: All 3 are installed, as of stubdom /),
      'permissions ok: All 4 of the role viewer are there.',
      expect.stringMatching(/^leader ok: controller-0 decides; it renewed its Lease \d+ s ago\.$/),
      expect.stringMatching(/^host xen-1 ok: Ready; Xen \S+, 1 guests, 1 stub domains, PCI .*\.$/),
      expect.stringMatching(/^host xen-2 ok: Ready; /),
      'objects ok: 1 StubDomains and 1 PciAttachments, all Ready.',
      'dom0 ok: This is the dom0 of a Xen host.',
      'pciback ok: The driver is loaded and has 1 devices.',
      expect.stringMatching(/^xenstore ok: The daemon at \S+ answers\.$/),
      expect.stringMatching(/^xenstore-features ok: /),
      'notes ok: Those about 1 guests all belong to objects.',
      'stub-domains ok: All 1 have a StubDomain.',
      'claims ok: All 1 claims of PCI devices have a PciAttachment.',
      expect.stringMatching(/^hypervisor ok: The driver simulated answers: Xen \S+, \d+ MiB free\.$/),
    ]);
    expect([code, count.warn, count.fail]).toEqual([0, 0, 0]);
  });

  test('as a table, for a program: what it may do', async () => {
    const { code, stdout, stderr } = await stubdom(['doctor', '-k', world.kubeconfigPath, '--for', 'agent']);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^CHECK {9,}RESULT {3}WHAT$/m);
    expect(stdout).toMatch(/^permissions {3,}ok {7}All 22 of the role agent are there\.$/m);
    expect(stdout).toMatch(/^\d+ ok, 0 to look at, 0 failed$/m);
  });

  test('objects that are not as asked: the reason, the next step, and for how long', async () => {
    const { objects } = world;
    await objects.stubDomain('nobody');
    await objects.condition('StubDomain', 'nobody', 'Ready', { reason: 'TargetNotFound' });
    await objects.attachment('lonely', 'no-such', '0000:05:00.0');
    await objects.condition('PciAttachment', 'lonely', 'Ready', { reason: 'StubDomainNotFound' });
    await world.host().addGuest('stubborn');
    await world.host().admin.addQuirk('no-eject@stubborn');
    await objects.stubDomain('stubborn');
    await objects.attachment('stubborn-nic', 'stubborn', '0000:04:00.0');
    await objects.ready('PciAttachment', 'stubborn-nic');
    await objects.remove('PciAttachment', 'stubborn-nic');
    await objects.condition('PciAttachment', 'stubborn-nic', 'Removing', { reason: 'WaitingForGuest' });
    const { checks } = await doctor();
    expect(about(checks, 'objects')).toMatchObject([
      { verdict: 'warn', what: '3 StubDomains and 3 PciAttachments, 3 of them not as they were asked to be.' },
    ]);
    for (const [check, what] of [
      ['StubDomain default/nobody', /^TargetNotFound: .+\.$/],
      ['PciAttachment default/lonely', /^StubDomainNotFound: .+\.$/],
      ['PciAttachment default/stubborn-nic', /^On its way out for \d+ s\. WaitingForGuest: .+\.$/],
    ] as const) {
      expect(about(checks, check)).toEqual([expect.objectContaining({ what: expect.stringMatching(what) })]);
    }
  });

  test('a host whose agent is away, and a leader that renews no more', async () => {
    await world.host('xen-2').stopAgent();
    const spec = { holderIdentity: 'xen-2', renewTime: '2026-01-01T00:00:00.000000Z', leaseDurationSeconds: 40 };
    for (const [name, more] of [
      ['xen-2', spec],
      [leaderLeaseName, { ...spec, holderIdentity: 'controller-0' }],
    ] as const) {
      const metadata = { namespace: leaseNamespace, name };
      await world.kube.apply(leases, { metadata, spec: more }, { fieldManager: 'test', force: true });
    }
    const { code, checks, text } = await doctor();
    expect(code).toBe(1);
    expect(about(checks, 'host xen-2')).toEqual([
      {
        check: 'host xen-2',
        verdict: 'fail',
        what: expect.stringMatching(/^Its agent renewed its Lease \d+ d ago\.$/),
        next: 'Look at the host and its agent; in its dom0: stubdom doctor --host.',
      },
    ]);
    expect(about(checks, 'leader')).toMatchObject([
      { verdict: 'fail', what: expect.stringContaining('controller-0 holds') },
    ]);
    expect(about(checks, 'host xen-1')).toMatchObject([{ verdict: 'ok' }]);
    expect(text).toMatch(/stubdom: \d+ of \d+ checks failed/);
    await renewLeader();
  });

  test('what nobody owns in XenStore; no value of it is shown', async () => {
    const { store } = world.host();
    const secret = 'S3CRET-VALUE';
    const ghost = uuidOf('ghost');
    const note = {
      owner: 'gone',
      target: { domid: 9, uuid: ghost },
      uuid: uuidOf('stub'),
      stage: 'started',
      plan: secret,
    };
    await store.write(`/tool/stubdom/${ghost}/stub`, JSON.stringify(note));
    await store.write(`/tool/stubdom/${ghost}/pci/0000-07-00-0`, secret);
    await store.write(`/tool/stubdom/${secret}`, secret);
    await store.write('/libxl/pci/0000-06-00-0/domid', '4242');
    await store.write('/libxl/pci/0000-06-00-1/domid', secret);
    const foreign = await world.host().addGuest('foreign');
    const stub = await world.host().addGuest('foreign-dm');
    await store.write(`/local/domain/${String(stub.domid)}/target`, String(foreign.domid));
    const orphan = await world.host().addGuest('orphan-dm');
    await store.write(`/local/domain/${String(orphan.domid)}/target`, '3999');
    const { checks, text } = await doctor(...onHost());
    expect(about(checks, 'notes').map(({ what }) => what)).toEqual([
      `1 notes about the guest ${ghost}, which does not run, cannot be understood.`,
      `There are notes of a StubDomain that is gone, about the guest ${ghost}, which does not run.`,
    ]);
    expect(about(checks, 'stub-domains').map(({ what }) => what)).toEqual([
      `No StubDomain is about the stub domain ${String(stub.domid)}, which serves the guest ${foreign.uuid}.`,
      `The stub domain ${String(orphan.domid)} serves domain 3999, which is gone.`,
    ]);
    expect(about(checks, 'claims').map(({ what }) => what)).toEqual([
      '0000:06:00.0 is claimed for domain 4242, which is gone.',
    ]);
    for (const check of [...about(checks, 'notes'), ...about(checks, 'claims')]) {
      expect([check.verdict, check.next]).toEqual(['warn', expect.any(String)]);
    }
    expect(text).not.toContain(secret);
    await store.remove(`/tool/stubdom/${secret}`);
  });

  test('a host without the things that a Xen host has', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'doctor-'));
    try {
      const nowhere = join(empty, 'socket');
      const { code, checks } = await doctor(
        '--host',
        '--root',
        empty,
        '--xenstore',
        nowhere,
        '--hypervisor',
        `simulated:${nowhere}`,
      );
      expect(code).toBe(1);
      expect(checks.slice(-4).map(({ check, verdict }) => `${check} ${verdict}`)).toEqual([
        'dom0 warn',
        'pciback warn',
        'xenstore fail',
        'hypervisor fail',
      ]);
      expect(about(checks, 'xenstore')[0]?.what).toMatch(/no XenStore daemon at .*: there is no such socket\./);
    } finally {
      await rm(empty, { recursive: true, force: true });
    }
  });

  test('CustomResourceDefinitions of another version, or none', async () => {
    const definition = { name: 'xenhosts.stubdom.io' };
    const schema = '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties';
    const before = await world.kube.get(customResourceDefinitions, definition);
    await world.kube.jsonPatch(customResourceDefinitions, definition, [
      { op: 'add', path: `${schema}/later`, value: { type: 'string' } },
    ]);
    const { code, checks } = await doctor();
    expect([code, about(checks, 'crds')]).toEqual([
      1,
      [
        {
          check: 'crds',
          verdict: 'fail',
          what: 'xenhosts.stubdom.io is of another version: spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.later differs.',
          next: expect.stringContaining('kubectl apply'),
        },
      ],
    ]);
    await world.kube.jsonPatch(customResourceDefinitions, definition, [{ op: 'remove', path: `${schema}/later` }]);
    expect(before.metadata.name).toBe(definition.name);
    expect(about((await doctor()).checks, 'crds')).toMatchObject([{ verdict: 'ok' }]);
  });
});

describe('clusters that are not as they have to be', () => {
  let answers: Record<string, readonly [number, unknown]>;
  let kubeconfig: string;
  const asked: unknown[] = [];
  const server = createServer((request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? '';
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      if (text !== '') asked.push(JSON.parse(text));
      const [status, body] = answers[path] ?? [
        403,
        { kind: 'Status', reason: 'Forbidden', message: `${path} is forbidden`, code: 403 },
      ];
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    kubeconfig = join(root, 'kubeconfig');
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
    await writeFile(
      kubeconfig,
      `apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: '${url}'}}]\nusers: [{name: a, user: {}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n`,
    );
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  const look = async (...args: string[]): Promise<Check[]> => {
    const { code, stdout } = await stubdom(['doctor', '-k', kubeconfig, '-o', 'json', ...args]);
    expect(code).toBe(1);
    return [...(JSON.parse(stdout) as Diagnosis).checks];
  };

  test('one that is too old', async () => {
    answers = { '/version': [200, { major: '1', minor: '30+' }] };
    expect(await look()).toEqual([
      {
        check: 'api-server',
        verdict: 'fail',
        what: expect.stringContaining('is Kubernetes 1.30.'),
        next: 'Upgrade the cluster to Kubernetes 1.31 or later.',
      },
    ]);
  });

  test('one where nothing is allowed: what is missing is named', async () => {
    const review = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
    answers = { '/version': [200, { major: '1', minor: '31' }], [review]: [201, { status: { allowed: false } }] };
    const checks = await look('--for', 'controller');
    expect(about(checks, 'permissions')).toMatchObject([
      {
        verdict: 'fail',
        what: expect.stringMatching(
          /may not (?:\w+ [a-z/]+, )*patch xenhosts\/status, .*: the role controller needs that\.$/,
        ),
      },
    ]);
    expect(about(checks, 'crds')).toMatchObject([{ verdict: 'warn' }]);
    expect(about(checks, 'read')).toHaveLength(4);
    expect(asked).toContainEqual(
      expect.objectContaining({
        spec: {
          resourceAttributes: { group: 'stubdom.io', resource: 'xenhosts', subresource: 'status', verb: 'patch' },
        },
      }),
    );
  });

  test('one that does not answer, and no kubeconfig', async () => {
    await new Promise((resolve) => server.close(resolve));
    expect(await look()).toMatchObject([{ check: 'api-server', verdict: 'fail', next: expect.any(String) }]);
    kubeconfig = join(root, 'nowhere');
    expect(await look()).toMatchObject([{ check: 'kubeconfig', verdict: 'fail' }]);
  });
});
