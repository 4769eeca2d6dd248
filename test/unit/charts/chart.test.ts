import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import {
  agentFinalizer,
  agentManager,
  deletionProtectionAnnotation,
  leaderLeaseName,
  leaseNamespace,
} from '../../../operator/api/names.ts';
import { grantedTo, type RbacObject } from '../../support/chart-rights.ts';
import { setUpHelm } from '../../support/helm.ts';
import { type PodSpec, pods, render as renderWith, runHelm, the } from '../../support/rendered-chart.ts';
import { packageRoot, stubdom } from '../../support/stubdom.ts';

const helm = await setUpHelm();
const path = helm.available ? helm.path : '';
const render = (values: object = {}) => renderWith(path, values);
const chart = join(packageRoot, 'charts', 'stubdom-operator');
const dom0 = join(packageRoot, 'hack', 'dom0');

/** What helm says when it refuses. */
async function refused(values: object, args: readonly string[] = []): Promise<string> {
  const { code, stderr } = await runHelm(path, 'template', values, args);
  expect(code).not.toBe(0);
  return stderr;
}

const agentPod = async (values: object = {}): Promise<PodSpec> => {
  const pod = pods(await render({ agent: values })).get('stubdom-agent');
  if (pod === undefined) throw new Error('no DaemonSet');
  return pod;
};

const everything = {
  networkPolicy: { enabled: true },
  monitoring: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } },
  agent: { dom0s: { serviceAccounts: ['xen-8'] } },
  policies: { paths: { disks: ['/dev/'], serials: ['/var/log/'], kernel: ['/usr/'] } },
};

(helm.available ? describe : describe.skip)('the chart', () => {
  test.each([
    ['its defaults', {}],
    ['everything', everything],
  ])('lint has nothing to say about %s', async (_what, values) => {
    const { code, stdout } = await runHelm(path, 'lint', values);
    expect(stdout).toContain('1 chart(s) linted, 0 chart(s) failed');
    expect(code).toBe(0);
  });

  test('it goes into the namespace of the Leases, and says so elsewhere', async () => {
    expect(await refused({}, ['-n', 'default'])).toContain(`install it into the namespace ${leaseNamespace}`);
    for (const { metadata } of await render(everything)) {
      expect(metadata.namespace ?? leaseNamespace).toBe(leaseNamespace);
    }
  });

  test('every object has the labels that tell whose it is', async () => {
    for (const { kind, metadata } of await render({ ...everything, commonLabels: { team: 'virt' } })) {
      expect([kind, metadata.labels]).toMatchObject([
        kind,
        { 'app.kubernetes.io/instance': 'stubdom', 'app.kubernetes.io/managed-by': 'Helm', team: 'virt' },
      ]);
    }
  });

  test('no two objects have one name', async () => {
    const names = (await render(everything)).map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect([...new Set(names)]).toEqual(names);
  });

  describe('pods', () => {
    test('they can nothing that is not asked for', async () => {
      const found = pods(await render());
      expect([...found.keys()].sort()).toEqual(['stubdom-agent', 'stubdom-controller', 'stubdom-test']);
      for (const [name, pod] of found) {
        expect(pod.securityContext).toMatchObject({
          seccompProfile: { type: 'RuntimeDefault' },
          ...(name === 'stubdom-agent' ? { runAsUser: 0 } : { runAsNonRoot: true, runAsUser: 65532 }),
        });
        expect(pod.hostNetwork).toBeUndefined();
        for (const { securityContext } of pod.containers) {
          expect(securityContext).toMatchObject({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          });
          expect(securityContext['privileged']).toBeUndefined();
        }
        const paths = (pod.volumes ?? []).filter(({ hostPath }) => hostPath !== undefined);
        expect(paths).toHaveLength(name === 'stubdom-agent' ? 4 : 0);
      }
    });

    test('an agent has what it needs of its host, each part of which can be left out', async () => {
      const whole = await agentPod();
      expect(whole.hostPID).toBe(true);
      expect(whole.containers[0]?.volumeMounts).toEqual([
        { name: 'xenstore', mountPath: '/run/xenstored', readOnly: true },
        { name: 'hypervisor', mountPath: '/run/stubdom', readOnly: true },
        { name: 'sys', mountPath: '/sys' },
        { name: 'saved-states', mountPath: '/var/lib/xen', readOnly: true },
      ]);
      for (const [part, volume] of [
        ['xenstore', 'xenstore'],
        ['hypervisorSocket', 'hypervisor'],
        ['sysfs', 'sys'],
        ['savedStates', 'saved-states'],
      ] as const) {
        const { volumes, containers } = await agentPod({ access: { [part]: false } });
        expect(volumes).toHaveLength(3);
        expect(volumes?.map(({ name }) => name)).not.toContain(volume);
        expect(containers[0]?.volumeMounts?.map(({ name }) => name)).not.toContain(volume);
      }
      expect((await agentPod({ access: { hostPID: false } })).hostPID).toBeUndefined();
    });

    test('two sockets in one folder are one mount', async () => {
      const { volumes } = await agentPod({ hypervisor: 'simulated:/run/xenstored/hv' });
      expect(volumes?.map(({ hostPath }) => hostPath?.path)).toEqual(['/run/xenstored', '/sys', '/var/lib/xen']);
    });

    test('the device of XenStore takes a privileged container, and says so', async () => {
      const xenstore = '/dev/xen/xenbus';
      expect(await refused({ agent: { xenstore } })).toContain('set agent.securityContext.privileged');
      const pod = await agentPod({ xenstore, securityContext: { privileged: true } });
      expect(pod.volumes?.[0]).toEqual({ name: 'xenstore', hostPath: { path: xenstore, type: 'CharDevice' } });
      expect(pod.containers[0]?.securityContext).toMatchObject({ privileged: true, readOnlyRootFilesystem: true });
      expect(pod.containers[0]?.securityContext['capabilities']).toBeUndefined();
    });

    test('capabilities are added one by one', async () => {
      const pod = await agentPod({ securityContext: { capabilities: ['SYS_ADMIN'] } });
      const { capabilities } = pod.containers[0]?.securityContext ?? {};
      expect(capabilities).toEqual({ drop: ['ALL'], add: ['SYS_ADMIN'] });
    });

    test('there are never two agents on a host', async () => {
      expect(the(await render(), 'DaemonSet', 'stubdom-agent').spec).toMatchObject({
        updateStrategy: { rollingUpdate: { maxSurge: 0 } },
        template: { spec: { nodeSelector: { 'stubdom.io/xen-host': 'true' } } },
      });
      expect((await render({ agent: { enabled: false } })).some(({ kind }) => kind === 'DaemonSet')).toBe(false);
    });

    test('the controllers are spread, and one of them stays', async () => {
      const objects = await render();
      expect(the(objects, 'Deployment', 'stubdom-controller').spec).toMatchObject({
        replicas: 2,
        template: {
          spec: {
            topologySpreadConstraints: [
              { topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' },
              { topologyKey: 'topology.kubernetes.io/zone' },
            ],
          },
        },
      });
      expect(the(objects, 'PodDisruptionBudget', 'stubdom-controller').spec).toMatchObject({ minAvailable: 1 });
      const alone = await render({ controller: { replicas: 1 } });
      expect(alone.some(({ kind }) => kind === 'PodDisruptionBudget')).toBe(false);
    });

    test.each([
      [{}, 'stubdom-operator:0.1.0'],
      [{ repository: 'r.example/s', tag: '9' }, 'r.example/s:9'],
      [{ tag: '9', digest: `sha256:${'a'.repeat(64)}` }, `stubdom-operator@sha256:${'a'.repeat(64)}`],
    ])('image %j is %s', async (image, expected) => {
      for (const [, pod] of pods(await render({ image }))) expect(pod.containers[0]?.image).toBe(expected);
    });

    test('the programs know the options that they are started with, in a pod and by systemd', async () => {
      const unit = await readFile(join(dom0, 'stubdom-agent.service'), 'utf8');
      const options = (text: string): string[] => text.match(/(?<![\w-])--[a-z-]+/g) ?? [];
      const objects = pods(await render());
      for (const program of ['controller', 'agent']) {
        const args = objects.get(`stubdom-${program}`)?.containers[0]?.args ?? [];
        expect(args[0]).toBe(program);
        const used = options([args.join('\n'), program === 'agent' ? unit : ''].join('\n'));
        const known = options((await stubdom([program, '--help'])).stdout);
        expect(used.length).toBeGreaterThan(1);
        expect(used.filter((option) => !known.includes(option))).toEqual([]);
      }
    });
  });

  describe('rights', () => {
    const rbac = async (values: object = {}) => (await render(values)) as unknown as readonly RbacObject[];

    test('no rule has a wildcard, and people get no status', async () => {
      for (const { metadata, rules } of await rbac()) {
        for (const { verbs, resources, apiGroups } of rules ?? []) {
          expect([...verbs, ...resources, ...apiGroups]).not.toContain('*');
          if (/-(view|edit|hosts-view|hosts-admin)$/.test(metadata.name)) {
            expect(resources.filter((resource) => resource.includes('/'))).toEqual([]);
          }
        }
      }
    });

    test('a dom0 with a ServiceAccount has the rights of an agent, and no pod mounts its token unasked', async () => {
      const values = { agent: { dom0s: { serviceAccounts: ['xen-8.example.org'] } } };
      const objects = await rbac(values);
      expect(grantedTo('xenhost-xen-8.example.org', objects)).toEqual(grantedTo('stubdom-agent', objects));
      for (const account of objects.filter(({ kind }) => kind === 'ServiceAccount')) {
        // That of helm test exists while it runs.
        if (account.metadata.name !== 'stubdom-test') expect(account).toMatchObject({ automountServiceAccountToken: false });
      }
    });

    test('the built-in roles get theirs, unless that is switched off', async () => {
      const aggregated = (objects: readonly RbacObject[]) =>
        JSON.stringify(objects).match(/rbac\.authorization\.k8s\.io\/aggregate-to-\w+/g) ?? [];
      expect(aggregated(await rbac()).sort()).toHaveLength(3);
      expect(aggregated(await rbac({ rbac: { aggregate: false } }))).toEqual([]);
    });
  });

  describe('policies', () => {
    const policies = async (values: object = {}) =>
      (await render(values)).filter(({ kind }) => kind.startsWith('ValidatingAdmissionPolicy'));

    test('each is bound and denies', async () => {
      const found = await policies(everything);
      const names = (kind: string) => found.filter((one) => one.kind === kind).map(({ metadata }) => metadata.name);
      expect(names('ValidatingAdmissionPolicy').sort()).toEqual([
        'stubdom-agent-events',
        'stubdom-agent-hosts',
        'stubdom-agent-leases',
        'stubdom-agent-objects',
        'stubdom-controller',
        'stubdom-deletion-protection',
        'stubdom-finalizer',
        'stubdom-paths',
        'stubdom-status',
      ]);
      expect(names('ValidatingAdmissionPolicyBinding').sort()).toEqual(names('ValidatingAdmissionPolicy').sort());
      for (const { kind, metadata, spec } of found) {
        if (kind === 'ValidatingAdmissionPolicy') expect(spec).toMatchObject({ failurePolicy: 'Fail' });
        else expect(spec).toEqual({ policyName: metadata.name, validationActions: ['Deny', 'Audit'] });
      }
    });

    test('they speak of the names that the programs use', async () => {
      const text = JSON.stringify(await policies());
      for (const name of [agentFinalizer, agentManager, deletionProtectionAnnotation, leaderLeaseName]) {
        expect(text).toContain(`'${name}'`);
      }
    });

    test('they can be switched off, paths one by one', async () => {
      expect(await policies({ policies: { enabled: false } })).toEqual([]);
      const none = { disks: [], restoreFrom: [], serials: [], kernel: [] };
      const text = JSON.stringify(await policies({ policies: { paths: none } }));
      expect(text).not.toContain('stubdom-paths');
      const kernel = await policies({ policies: { paths: { ...none, kernel: ['/usr/lib/xen/'] } } });
      const paths = the(kernel, 'ValidatingAdmissionPolicy', 'stubdom-paths').spec;
      expect(paths).toMatchObject({ variables: [{ name: 'kernelBefore' }, { name: 'kernel' }] });
    });
  });

  describe('definitions', () => {
    test('are those of crds/, and outlive the release unless that is switched off', async () => {
      const plurals = ['stubdomains', 'pciattachments', 'xenhosts'];
      const kept = await render();
      const dropped = await render({ crds: { keep: false } });
      for (const name of plurals.map((plural) => `${plural}.stubdom.io`)) {
        const source = load(await readFile(join(chart, 'files', 'crds', `${name}.yaml`), 'utf8')) as { spec: object };
        const definition = the(kept, 'CustomResourceDefinition', name);
        expect(definition.spec).toEqual(source.spec);
        expect(definition.metadata.annotations).toEqual({ 'helm.sh/resource-policy': 'keep' });
        expect(the(dropped, 'CustomResourceDefinition', name).metadata.annotations).toBeUndefined();
      }
      const without = await render({ crds: { install: false } });
      expect(without.some(({ kind }) => kind === 'CustomResourceDefinition')).toBe(false);
    });
  });

  describe('what is off by default', () => {
    test('is not rendered', async () => {
      const kinds = new Set((await render()).map(({ kind }) => kind));
      for (const kind of ['PodMonitor', 'ServiceMonitor', 'Service', 'PrometheusRule', 'NetworkPolicy']) {
        expect(kinds).not.toContain(kind);
      }
    });

    test('monitors find the pods and their port', async () => {
      const objects = await render(everything);
      for (const program of ['controller', 'agent']) {
        expect(the(objects, 'PodMonitor', `stubdom-${program}`).spec).toMatchObject({
          selector: { matchLabels: { 'app.kubernetes.io/component': program, 'app.kubernetes.io/instance': 'stubdom' } },
          podMetricsEndpoints: [{ port: 'probes', path: '/metrics' }],
        });
        expect(pods(objects).get(`stubdom-${program}`)?.containers[0]).toMatchObject({ ports: [{ name: 'probes' }] });
      }
      const { labels } = the(objects, 'Service', 'stubdom-metrics').metadata;
      expect(labels).toMatchObject({ 'app.kubernetes.io/component': 'metrics' });
    });

    test.each([
      ['PrometheusRule', 'prometheusRule', 'alerts.yaml'],
      ['ConfigMap', 'dashboard', 'dashboard.json'],
    ] as const)('a %s holds its file', async (kind, value, file) => {
      const source = await readFile(join(chart, 'files', file), 'utf8').catch(() => undefined);
      const values = { monitoring: { [value]: { enabled: true } } };
      if (source === undefined) {
        expect(await refused(values)).toContain(`this chart has no files/${file}`);
        return;
      }
      const objects = await render(values);
      if (kind === 'PrometheusRule') expect(the(objects, kind, 'stubdom').spec).toEqual(load(source));
      else {
        const text = the(objects, kind, 'stubdom-dashboard').data?.['stubdom-operator.json'] ?? '';
        expect(JSON.parse(text)).toEqual(JSON.parse(source));
      }
    });

    test('the network is closed but for probes, DNS and the API server', async () => {
      const values = {
        networkPolicy: {
          enabled: true,
          metricsFrom: [{ namespaceSelector: {} }],
          apiServer: [{ ipBlock: { cidr: '10.0.0.1/32' } }],
        },
      };
      expect(the(await render(values), 'NetworkPolicy', 'stubdom-agent').spec).toMatchObject({
        policyTypes: ['Ingress', 'Egress'],
        ingress: [{ ports: [{ port: 'probes' }], from: [{ namespaceSelector: {} }] }],
        egress: [
          { ports: [{ port: 53 }, { port: 53 }] },
          { ports: [{ port: 443 }, { port: 6443 }], to: [{ ipBlock: { cidr: '10.0.0.1/32' } }] },
        ],
      });
    });
  });

  describe('values', () => {
    interface Schema {
      readonly properties?: Readonly<Record<string, Schema>>;
      readonly additionalProperties?: boolean | object;
    }

    test('each has its place in the schema, and nothing else has', async () => {
      const values = load(await readFile(join(chart, 'values.yaml'), 'utf8'));
      const schema = JSON.parse(await readFile(join(chart, 'values.schema.json'), 'utf8')) as Schema;
      const compare = (value: unknown, part: Schema, at: string): void => {
        if (part.properties === undefined) return;
        const names = Object.keys(part.properties).filter((name) => `${at}${name}` !== 'global');
        expect([at, names.sort()]).toEqual([at, Object.keys(value as object).sort()]);
        expect([at, part.additionalProperties]).toEqual([at, false]);
        for (const name of names) {
          const child = part.properties[name];
          if (child !== undefined) compare((value as Record<string, unknown>)[name], child, `${at}${name}.`);
        }
      };
      compare(values, schema, '');
    });

    test.each([
      ['a name that is not known', { controler: {} }, "additional properties 'controler' not allowed"],
      ['replicas', { controller: { replicas: '2' } }, '/controller/replicas'],
      ['a digest', { image: { digest: 'sha256:12' } }, '/image/digest'],
      ['a quote in a path', { policies: { paths: { disks: ["/a'b/"] } } }, '/policies/paths/disks/0'],
      ['a path that is not whole', { policies: { paths: { disks: ['dev/'] } } }, '/policies/paths/disks/0'],
      ['a quote in a group', { policies: { breakGlass: { groups: ["a'b"] } } }, '/policies/breakGlass/groups/0'],
      ['an empty prefix of user names', { agent: { dom0s: { userPrefix: '' } } }, '/agent/dom0s/userPrefix'],
      ['agents on all nodes', { agent: { nodeSelector: null } }, "missing property 'nodeSelector'"],
    ])('%s is refused where it is wrong', async (_what, values, place) => {
      expect(await refused(values)).toContain(place);
    });
  });
});
