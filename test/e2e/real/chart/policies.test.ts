import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leaseNamespace } from '../../../../operator/api/names.ts';
import {
  canHaveChartCluster,
  type ChartCluster,
  chartFolder,
  type Identity,
  release,
  startChartCluster,
  wide,
} from '../../../support/chart-cluster.ts';
import { certificateIdentity, runMakeKubeconfig, tokenIdentity } from '../../../support/dom0-kubeconfig.ts';
import { eventually } from '../../../support/eventually.ts';
import { allowed, type Attempt, forbidden, guestUuid, layout, underPolicy } from './attempts.ts';

const available = await canHaveChartCluster();
const mergePatch = 'application/merge-patch+json';
const stubDomains = '/apis/stubdom.io/v1alpha1/namespaces/default/stubdomains';
const attachments = '/apis/stubdom.io/v1alpha1/namespaces/default/pciattachments';

const editor: Identity = { name: 'edit', impersonate: { user: 'editor', groups: ['system:authenticated'] } };
const viewer: Identity = { name: 'view', impersonate: { user: 'viewer', groups: ['system:authenticated'] } };
const breakGlass: Identity = {
  name: 'break glass',
  impersonate: { user: 'wide', groups: ['system:authenticated', 'stubdom:break-glass'] },
};

const values = {
  agent: { dom0s: { serviceAccounts: ['xen-1', 'xen-2'] } },
  policies: {
    breakGlass: { groups: ['system:masters', 'stubdom:break-glass'] },
    paths: {
      disks: ['/dev/vg0/', '/srv/images/'],
      restoreFrom: ['/var/lib/xen/'],
      serials: ['/var/log/xen/'],
      kernel: ['/usr/lib/xen/'],
    },
  },
};

/** Who refused, and how it said so. */
function refusal(message: string): string {
  const policy = /ValidatingAdmissionPolicy '([^']+)'.* denied request: (.*)$/s.exec(message);
  return policy === null ? 'RBAC' : `${policy[1] ?? ''}: ${policy[2] ?? ''}`;
}

(available ? describe : describe.skip)('the policies and rights of the chart, on a real kube-apiserver', () => {
  let cluster: ChartCluster;

  beforeAll(async () => {
    cluster = await startChartCluster(values);
    const { kubectl } = cluster;
    for (const role of ['edit', 'view']) {
      await kubectl.ok([
        'create',
        'rolebinding',
        role,
        `--clusterrole=${role}`,
        `--user=${role}${role === 'edit' ? 'or' : 'er'}`,
      ]);
    }
  }, 120_000);
  afterAll(() => cluster.close());

  /** Lays the objects out anew, with their statuses. */
  const layOut = async (): Promise<void> => {
    const { kubectl } = cluster;
    const unfinalized = JSON.stringify({ metadata: { finalizers: null } });
    for (const kind of ['stubdomains', 'pciattachments']) {
      const names = (await kubectl.ok(['get', kind, '-o', 'name'])).split('\n').filter((name) => name !== '');
      for (const name of names) await kubectl.ok(['patch', name, '--type=merge', '-p', unfinalized]);
    }
    await kubectl.ok(['delete', 'stubdomains,pciattachments,events', '--all', '-n', 'default']);
    await kubectl.ok(['delete', 'xenhosts', '--all']);
    await kubectl.ok(['delete', 'leases', '--all', '-n', leaseNamespace]);
    const items = layout.objects;
    await kubectl.ok(['create', '-f', '-'], { input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }) });
    for (const [name, nodeName] of Object.entries(layout.bound)) {
      for (const [collection, status] of [
        [stubDomains, { nodeName }],
        [attachments, { nodeName, address: '0000:03:00.0' }],
      ] as const) {
        const path = `${collection}/${name}/status`;
        const { code } = await cluster.admin.call('PATCH', path, { status }, { type: mergePatch });
        expect(code).toBe(200);
      }
    }
  };

  const send = async (who: Identity, { method, path, body, type }: Attempt) => {
    if (method !== 'PUT') return cluster.as(who, method, path, body, type);
    // A Lease is replaced as it was read.
    const { resourceVersion } = (await cluster.admin.call('GET', path)).body.metadata;
    const replaced = body as { readonly metadata: object };
    return cluster.as(who, method, path, { ...replaced, metadata: { ...replaced.metadata, resourceVersion } });
  };

  /** Everything that an attempt could have changed. */
  const world = async (): Promise<string> => {
    const columns = [
      '-o',
      'jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\\n"}{end}',
    ];
    const parts = [
      ['stubdomains,pciattachments,events', '-n', 'default'],
      ['leases,pods,serviceaccounts', '-n', leaseNamespace],
      ['xenhosts,nodes,clusterrolebindings,validatingadmissionpolicies,certificatesigningrequests'],
      ['secrets', '-A'],
    ];
    return (await Promise.all(parts.map((part) => cluster.kubectl.ok(['get', ...part, ...columns])))).join('');
  };

  describe.each([
    ['in a pod', async () => ({ name: 'pod', token: await cluster.podToken(`${release}-agent`, 'xen-1') })],
    ['in a dom0 with a client certificate', () => certificateIdentity(cluster, 'xen-1')],
    ['in a dom0 with a token', () => tokenIdentity(cluster, 'xen-1')],
  ] as const)('an agent of xen-1 %s', (where, identity) => {
    let agent: Identity;
    beforeAll(async () => {
      agent = await identity();
      await layOut();
    }, 90_000);

    test('does what it has to for its own host', async () => {
      const replies = [];
      for (const attempt of allowed) {
        const { code, message } = await send(agent, attempt);
        replies.push(`${attempt.what}: ${code < 300 ? 'done' : `${code} ${message}`}`);
      }
      expect(replies).toEqual(allowed.map(({ what }) => `${what}: done`));
    });

    test('can write nothing outside of it', async () => {
      const before = await world();
      const rows: string[] = [];
      const notDenied: string[] = [];
      for (const attempt of forbidden) {
        const { code, message } = await send(agent, attempt);
        rows.push(`${attempt.what.padEnd(42)} ${code === 403 ? 'denied' : code} by ${refusal(message)}`);
        if (code !== 403) notDenied.push(`${attempt.what}: ${code} ${message}`);
      }
      process.stdout.write(`\nA compromised agent of xen-1, ${where}:\n  ${rows.join('\n  ')}\n`);
      expect(notDenied).toEqual([]);
      expect(await world()).toBe(before);
    });
  });

  test('the policies hold for an agent that was given all rights by mistake', async () => {
    await layOut();
    for (const attempt of allowed.filter(({ what }) => /register|make the own Lease/.test(what)))
      await send(wide, attempt);
    const user = 'stubdom.io:xenhost:xen-7';
    await cluster.kubectl.ok([
      'create',
      'clusterrolebinding',
      'mistake',
      '--clusterrole=cluster-admin',
      `--user=${user}`,
    ]);
    const agent: Identity = { name: 'xen-7', impersonate: { user, groups: ['system:authenticated'] } };
    const before = await world();
    for (const attempt of forbidden.filter(underPolicy)) {
      const { code, message } = await send(agent, attempt);
      expect(`${attempt.what}: ${code} ${message}`).toMatch(/: 403 .*ValidatingAdmissionPolicy 'stubdom-agent-/);
    }
    expect(await world()).toBe(before);
  });

  test('the controller changes of an object its status, and takes the finalizer off', async () => {
    await layOut();
    const token = await cluster.podToken(`${release}-controller`, 'xen-1');
    const controller: Identity = { name: 'controller', token };
    const patch = async (path: string, body: object) => {
      const { code, message } = await cluster.as(controller, 'PATCH', path, body, mergePatch);
      return `${code} ${refusal(message)}`;
    };
    const own = `${stubDomains}/own`;
    expect(await patch(own, { spec: { runState: 'Paused' } })).toBe(
      '403 stubdom-controller: the controller may not change a spec',
    );
    for (const metadata of [{ labels: { a: 'b' } }, { annotations: { 'stubdom.io/paused': 'x' } }]) {
      expect(await patch(own, { metadata })).toBe(
        '403 stubdom-controller: the controller may not change labels, annotations or owners',
      );
    }
    for (const finalizers of [['stubdom.io/agent'], ['stubdom.io/agent', 'example.org/theirs', 'example.org/mine']]) {
      expect(await patch(own, { metadata: { finalizers } })).toMatch(/^403 stubdom-controller: .* no finalizer but/);
    }
    for (const [method, path] of [
      ['DELETE', own],
      ['DELETE', '/apis/stubdom.io/v1alpha1/xenhosts/xen-2'],
      ['POST', stubDomains],
    ] as const) {
      expect((await cluster.as(controller, method, path, {})).code).toBe(403);
    }
    expect(await patch(`${own}/status`, { status: { nodeName: 'xen-2' } })).toMatch(/^200/);
    expect(await patch(own, { metadata: { finalizers: ['example.org/theirs'] } })).toMatch(/^200/);
    const again = { metadata: { finalizers: ['example.org/theirs', 'stubdom.io/agent'] } };
    expect(await patch(own, again)).toMatch(/^403 stubdom-controller/);
  });

  test('an agent whose token names no node writes nothing', async () => {
    await layOut();
    const inNamespace = ['-n', leaseNamespace];
    const token = (await cluster.kubectl.ok([...inNamespace, 'create', 'token', `${release}-agent`])).trim();
    const replies = await Promise.all(allowed.map((attempt) => send({ name: 'unbound', token }, attempt)));
    const denied = replies.filter(({ code, message }) => code === 403 && message.includes('names no host'));
    // The last one counts on an Event that was never written.
    expect(denied).toHaveLength(allowed.length - 2);
    expect(replies.every(({ code }) => code >= 400)).toBe(true);
  });

  test('the script names what is wrong with its arguments', async () => {
    const fails = (...args: string[]) => expect(runMakeKubeconfig(cluster, args)).rejects;
    await fails('Xen_1', 'x').toThrow("'Xen_1' is no name of a XenHost");
    await fails('xen-1').toThrow('give NAME and FOLDER');
    await fails('--days', 'many', 'xen-1', 'x').toThrow('--days needs a whole number');
    await fails(`${'x'.repeat(50)}.example`, 'x').toThrow('use --token');
    await fails('--token', 'xen-9', 'x').toThrow('there is no ServiceAccount xenhost-xen-9');
  });

  describe('people', () => {
    beforeAll(layOut, 60_000);

    test.each([
      ['a StubDomain', `${stubDomains}/own/status`, { state: 'running' }],
      ['a PciAttachment', `${attachments}/own/status`, { phase: 'Failed' }],
      ['a XenHost', '/apis/stubdom.io/v1alpha1/xenhosts/xen-2/status', { bootID: 'x' }],
    ])('nobody writes the status of %s but the operator and who breaks the glass', async (_what, path, status) => {
      const denied = await cluster.as(wide, 'PATCH', path, { status }, mergePatch);
      expect(denied.code).toBe(403);
      expect(denied.message).toContain('status is written by the operator alone; change spec instead');
      expect((await cluster.as(editor, 'PATCH', path, { status }, mergePatch)).code).toBe(403);
      expect(await cluster.as(breakGlass, 'PATCH', path, { status }, mergePatch)).toEqual({ code: 200, message: '' });
    });

    test("the agent's finalizer is neither put on nor taken off by people", async () => {
      const path = `${stubDomains}/other`;
      const finalizers = (...list: string[]) => ({ metadata: { finalizers: list } });
      const without = await cluster.as(wide, 'PATCH', path, finalizers('example.org/theirs'), mergePatch);
      expect(without.code).toBe(403);
      expect(without.message).toContain('its agent takes it off when that is undone');
      const theirs = await cluster.as(wide, 'PATCH', path, finalizers('stubdom.io/agent'), mergePatch);
      expect(theirs.code).toBe(200);
      const none = await cluster.as(breakGlass, 'PATCH', path, finalizers(), mergePatch);
      expect(none.code).toBe(200);
      const put = await cluster.as(wide, 'PATCH', path, finalizers('stubdom.io/agent'), mergePatch);
      expect(put.code).toBe(403);
    });

    test('an object with the annotation is not deleted, by nobody, until it is taken off', async () => {
      const path = `${stubDomains}/unbound`;
      const annotate = (value: string | null) =>
        cluster.as(
          editor,
          'PATCH',
          path,
          { metadata: { annotations: { 'stubdom.io/deletion-protection': value }, finalizers: null } },
          mergePatch,
        );
      await cluster.as(breakGlass, 'PATCH', path, { metadata: { finalizers: null } }, mergePatch);
      expect((await annotate('the billing system')).code).toBe(200);
      for (const who of [editor, wide, breakGlass]) {
        const { code, message } = await cluster.as(who, 'DELETE', path);
        expect(code).toBe(403);
        expect(message).toContain('kubectl annotate stubdomains unbound -n default stubdom.io/deletion-protection-');
      }
      const all = await cluster.as(breakGlass, 'DELETE', `${stubDomains}?labelSelector=!none`);
      expect(all.code).toBe(403);
      expect((await annotate(null)).code).toBe(200);
      expect((await cluster.as(editor, 'DELETE', path)).code).toBe(200);
    });

    test('edit makes and deletes objects in its namespace, view looks at them', async () => {
      const stubDomain = {
        apiVersion: 'stubdom.io/v1alpha1',
        kind: 'StubDomain',
        metadata: { name: 'edited', namespace: 'default' },
        spec: { target: { uuid: guestUuid } },
      };
      await eventually(async () => {
        expect(await cluster.as(editor, 'POST', stubDomains, stubDomain)).toEqual({ code: 201, message: '' });
      });
      const path = `${stubDomains}/edited`;
      expect((await cluster.as(viewer, 'GET', path)).code).toBe(200);
      expect((await cluster.as(viewer, 'DELETE', path)).code).toBe(403);
      expect((await cluster.as(editor, 'PATCH', path, { spec: { runState: 'Paused' } }, mergePatch)).code).toBe(200);
      expect((await cluster.as(editor, 'DELETE', path)).code).toBe(200);
      expect((await cluster.as(editor, 'GET', '/apis/stubdom.io/v1alpha1/xenhosts')).code).toBe(403);
    });
  });

  describe('paths of dom0', () => {
    const withSpec = (name: string, spec: object) => ({
      apiVersion: 'stubdom.io/v1alpha1',
      kind: 'StubDomain',
      metadata: { name, namespace: 'default' },
      spec: { target: { uuid: guestUuid }, ...spec },
    });
    const disk = (source: string) => ({
      disks: [
        { name: 'a', source: '/dev/vg0/a' },
        { name: 'b', source },
      ],
    });
    const serial = (output: string) => ({ serials: [{ name: 'a' }, { name: 'b', output }] });
    const restore = (path: string) => ({ restoreFrom: { path } });
    const dryRun = (spec: object) => cluster.as(wide, 'POST', `${stubDomains}?dryRun=All`, withSpec('paths', spec));

    test.each([
      ['a disk', disk('/srv/images/a.img')],
      ['a saved state', restore('/var/lib/xen/qemu-save.7')],
      ['a serial port to a file', serial('file:/var/log/xen/a.log')],
      ['a serial port to a pty', serial('pty')],
      ['a kernel', { kernel: '/usr/lib/xen/boot/ioemu-stubdom.gz' }],
      ['none', {}],
    ])('%s below an allowed prefix is accepted', async (_what, spec) => {
      expect(await dryRun(spec)).toEqual({ code: 201, message: '' });
    });

    test.each([
      ['spec.disks[].source', '/etc/shadow', disk('/etc/shadow')],
      ['spec.disks[].source', '/dev/vg0/../sda', disk('/dev/vg0/../sda')],
      ['spec.disks[].source', '/dev/vg0', disk('/dev/vg0')],
      ['spec.restoreFrom.path', '/home/me/state', restore('/home/me/state')],
      ['spec.restoreFrom.path', '/var/lib/xen/..', restore('/var/lib/xen/..')],
      ['the file or pipe of spec.serials[].output', '/etc/cron.d/x', serial('file:/etc/cron.d/x')],
      ['the file or pipe of spec.serials[].output', '/run/x', serial('pipe:/run/x')],
      ['spec.kernel', '/tmp/kernel', { kernel: '/tmp/kernel' }],
    ])('%s may not be %s', async (field, path, spec) => {
      const { code, message } = await dryRun(spec);
      expect(code).toBe(403);
      expect(message).toContain(`${field} may not be ${path}: allowed, without "..", is what begins with /`);
    });

    test('an object keeps the paths that it had when the policy is tightened, and gets no others', async () => {
      const path = `${stubDomains}/kept`;
      expect((await cluster.as(wide, 'POST', stubDomains, withSpec('kept', disk('/srv/images/a')))).code).toBe(201);
      const upgrade = ['upgrade', release, chartFolder, '-n', leaseNamespace, '--reuse-values'];
      await cluster.helm.ok([...upgrade, '--set-json', 'policies.paths.disks=["/dev/vg1/"]']);
      await eventually(async () => {
        expect((await dryRun(disk('/srv/images/a'))).code).toBe(403);
      });
      const patch = (spec: object) => cluster.as(wide, 'PATCH', path, { spec }, mergePatch);
      expect((await patch({ runState: 'Paused' })).code).toBe(200);
      const moved = [
        { name: 'a', source: '/dev/vg0/a' },
        { name: 'b', source: '/srv/images/b' },
      ];
      expect((await patch({ disks: moved })).message).toContain('/srv/images/b: allowed, without "..", is what begins');
    });
  });
});
