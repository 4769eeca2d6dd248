import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { loadAll } from 'js-yaml';
import { leaseNamespace } from '../../../../operator/api/names.ts';
import { defaultTopology } from '../../../../operator/embedded/simulated-host/topology.ts';
import { startHost } from '../../../../operator/embedded/world/host.ts';
import { Closers } from '../../../../operator/embedded/world/closers.ts';
import { guestsOf } from '../../../../operator/embedded/world/fleet.ts';
import { loadSamples } from '../../../../operator/embedded/world/manifests.ts';
import { startXenstored } from '../../../../operator/embedded/xenstored/server.ts';
import { silentLogger } from '../../../../operator/runtime/ports.ts';
import {
  canHaveChartCluster,
  type ChartCluster,
  chartFolder,
  release,
  startChartCluster,
} from '../../../support/chart-cluster.ts';
import { grantedTo, type RbacObject, type Right, usedBy } from '../../../support/chart-rights.ts';
import { certificateIdentity } from '../../../support/dom0-kubeconfig.ts';
import { eventually } from '../../../support/eventually.ts';
import { packageRoot, StubdomProcess } from '../../../support/stubdom.ts';

const available = await canHaveChartCluster();
const accounts = { controller: `${release}-controller`, agent: `${release}-agent` } as const;
const inNamespace = ['-n', leaseNamespace];

const raced = 'kube/finalizer.ts: after somebody else changed the finalizers meanwhile';

/** Rights for what is not seen here, each with the code that takes it. */
const unseen: Readonly<Record<keyof typeof accounts, Readonly<Record<Right, string>>>> = {
  controller: {
    'get stubdomains.stubdom.io': raced,
    'get pciattachments.stubdom.io': raced,
    'get events': 'kube/events.ts: after a restart, of an Event that it wrote before',
    'patch events': 'kube/events.ts: when the same comes again',
  },
  agent: {
    'get stubdomains.stubdom.io': raced,
    'get pciattachments.stubdom.io': raced,
  },
};

interface PodTemplate {
  readonly spec: {
    readonly template: { readonly spec: { readonly containers: readonly { readonly args: readonly string[] }[] } };
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

(available ? describe : describe.skip)('the chart, installed by helm on a real kube-apiserver', () => {
  const closers = new Closers();
  let cluster: ChartCluster;
  let agent: StubdomProcess;
  let startAgent: (kubeconfig?: string) => Promise<StubdomProcess>;
  let ports: { controller: number; agent: number };

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'inst-'));
    closers.add(() => rm(directory, { recursive: true, force: true }));
    const daemon = await startXenstored({ socketPath: join(directory, 'xs'), guestDir: join(directory, 'g') });
    closers.add(() => daemon.close());
    const hypervisorSocket = join(directory, 'hv');
    const host = await startHost({
      name: 'xen-1',
      xenstoreSocket: daemon.socketPath,
      fabric: { kind: 'embedded', guestDir: daemon.guestDir },
      guests: guestsOf(await loadSamples(packageRoot)),
      topology: defaultTopology(),
      quirks: [],
      version: 'test',
      hypervisorSocket,
      cluster: undefined,
      logger: silentLogger,
    });
    closers.add(() => host.close());
    ports = { controller: await freePort(), agent: await freePort() };
    const values = {
      controller: { probePort: ports.controller },
      agent: {
        probePort: ports.agent,
        xenstore: daemon.socketPath,
        hypervisor: `simulated:${hypervisorSocket}`,
      },
    };
    // As before Kubernetes 1.34: lists are not streamed, and take a right of their own.
    cluster = await startChartCluster(values, ['--feature-gates=WatchList=false']);
    closers.add(() => cluster.close());
    const { kubectl } = cluster;

    /** What a pod of the workload would run, with a kubeconfig in the place of the mounted token. */
    const start = async (workload: string, kubeconfig: string, ready: RegExp): Promise<StubdomProcess> => {
      const template = JSON.parse(await kubectl.ok([...inNamespace, 'get', workload, '-o', 'json'])) as PodTemplate;
      const args = template.spec.template.spec.containers[0]?.args ?? [];
      const named = args.map((arg) => arg.replace('$(NODE_NAME)', 'xen-1'));
      const process = new StubdomProcess([...named, '--kubeconfig', kubeconfig]);
      closers.add(() => process.stop('SIGKILL').then(() => undefined));
      await process.output(ready);
      return process;
    };
    const inPod = async (account: string): Promise<string> =>
      cluster.kubeconfigFor(account, await cluster.podToken(account, 'xen-1'));
    await start(`deployment/${release}-controller`, await inPod(accounts.controller), /^controller ready/m);
    startAgent = async (kubeconfig) =>
      start(`daemonset/${release}-agent`, kubeconfig ?? (await inPod(accounts.agent)), /^agent ready/m);
    agent = await startAgent();
  }, 180_000);
  afterAll(() => closers.close(), 60_000);

  test('every object that it can render is accepted', async () => {
    const everything = [
      ...['--set', 'networkPolicy.enabled=true'],
      ...['--set', 'agent.dom0s.serviceAccounts={xen-8,xen-9.example.org}'],
      ...['--set-json', 'policies.paths={"disks":["/dev/"],"restoreFrom":["/a/"],"serials":["/b/"],"kernel":["/c/"]}'],
    ];
    const rendered = await cluster.helm.ok([
      'template',
      'another',
      chartFolder,
      '--skip-tests',
      ...inNamespace,
      ...everything,
    ]);
    const said = await cluster.kubectl.ok(['apply', '--dry-run=server', '-f', '-'], { input: rendered });
    expect(said).toMatch(/^networkpolicy\.networking\.k8s\.io\/another-agent created \(server dry run\)$/m);
    expect(said).toMatch(/^poddisruptionbudget\.policy\/another-controller created \(server dry run\)$/m);
  });

  test('the CRDs are those of crds/', async () => {
    for (const plural of ['stubdomains', 'pciattachments', 'xenhosts']) {
      const name = `${plural}.stubdom.io`;
      const [source] = loadAll(await readFile(join(packageRoot, 'crds', `${name}.yaml`), 'utf8')) as { spec: object }[];
      const installed = JSON.parse(await cluster.kubectl.ok(['get', 'crd', name, '-o', 'json'])) as { spec: object };
      expect(installed.spec).toMatchObject(source?.spec ?? {});
    }
  });

  /** The host is lost, declared dead, so that its objects are released; then it lives after all. */
  const dieAndComeBack = async (): Promise<void> => {
    const { kubectl } = cluster;
    await agent.stop();
    const short = JSON.stringify({ spec: { leaseDurationSeconds: 1 } });
    await kubectl.ok([...inNamespace, 'patch', 'lease', 'xen-1', '--type=merge', '-p', short]);
    await kubectl.ok(['wait', '--for=condition=Ready=Unknown', 'xenhost/xen-1', 'stubdomain/web', '--timeout=40s']);
    await kubectl.ok(['annotate', 'xenhost', 'xen-1', 'stubdom.io/fenced=it burnt']);
    await eventually(async () => {
      const bound = await kubectl.ok([
        'get',
        'stubdomains,pciattachments',
        '-o',
        'jsonpath={.items[*].status.nodeName}',
      ]);
      expect(bound).toBe('');
    }, 30_000);
    await kubectl.ok(['annotate', 'xenhost', 'xen-1', 'stubdom.io/fenced-']);
    // From now on it is run as in a dom0 that is no node, with a client certificate.
    await certificateIdentity(cluster, 'xen-1');
    agent = await startAgent(join(cluster.directory, 'dom0-xen-1', 'kubeconfig'));
  };

  test("the programs make the samples true, with the chart's arguments, accounts and rights", async () => {
    const { kubectl } = cluster;
    const ready = (...objects: string[]) => kubectl.ok(['wait', '--for=condition=Ready', ...objects, '--timeout=40s']);
    await kubectl.ok(['apply', '-f', join(packageRoot, 'crds', 'samples')]);
    await ready('stubdomain/web', 'stubdomain/db', 'pciattachment/web-nic', 'pciattachment/db-disk', 'xenhost/xen-1');
    const runState = (state: string) =>
      kubectl.ok(['patch', 'stubdomain', 'web', '--type=merge', '-p', JSON.stringify({ spec: { runState: state } })]);
    await runState('Paused');
    await kubectl.ok(['wait', '--for=condition=Paused', 'stubdomain/web', '--timeout=40s']);
    await runState('Running');
    await kubectl.ok(['wait', '--for=condition=Paused=False', 'stubdomain/web', '--timeout=40s']);
    // Another agent of the host goes on with its Lease and its Events.
    await agent.stop();
    agent = await startAgent();
    await runState('Paused');
    await kubectl.ok(['wait', '--for=condition=Paused', 'stubdomain/web', '--timeout=40s']);
    await runState('Running');
    await ready('stubdomain/web');
    await dieAndComeBack();
    await ready('stubdomain/web', 'stubdomain/db', 'pciattachment/web-nic', 'pciattachment/db-disk', 'xenhost/xen-1');
    const said = await kubectl.ok(['delete', 'stubdomains,pciattachments', '--all', '--timeout=40s']);
    expect(said.match(/deleted/g)).toHaveLength(4);
    for (const port of Object.values(ports)) {
      const answer = await fetch(`http://127.0.0.1:${port}/readyz`);
      expect(await answer.text()).toBe('ok\n');
    }
  }, 180_000);

  test('each program has the rights that it uses, and no others', async () => {
    const rbac = await cluster.kubectl.ok([
      'get',
      'clusterroles,roles,clusterrolebindings,rolebindings',
      ...inNamespace,
      ...['-l', `app.kubernetes.io/instance=${release}`, '-o', 'json'],
    ]);
    const { items } = JSON.parse(rbac) as { items: readonly RbacObject[] };
    const log = await cluster.audited();
    const ofDom0 = usedBy('stubdom.io:xenhost:xen-1', log);
    expect([...ofDom0.refused]).toEqual([]);
    expect(ofDom0.used).toContain('patch xenhosts.stubdom.io/status');
    for (const [program, account] of Object.entries(accounts) as [keyof typeof accounts, string][]) {
      const granted = grantedTo(account, items);
      const { used, refused } = usedBy(`system:serviceaccount:${leaseNamespace}:${account}`, log);
      process.stdout.write(
        `\nThe ${program} used ${used.size} of ${granted.size} rights: ${[...used].sort().join(', ')}\n`,
      );
      const explained = Object.keys(unseen[program]);
      expect([...refused]).toEqual([]);
      expect([...used].filter((right) => !granted.has(right))).toEqual([]);
      expect([...granted].filter((right) => !used.has(right) && !explained.includes(right))).toEqual([]);
      expect(explained.filter((right) => !granted.has(right))).toEqual([]);
    }
  });

  test('what helm test runs says what is wrong, and that all is well', async () => {
    const { kubectl, helm } = cluster;
    const hooks = loadAll(await helm.ok(['get', 'hooks', release, ...inNamespace])) as {
      readonly kind: string;
      readonly metadata: object;
      readonly data?: Readonly<Record<string, string>>;
      readonly spec?: { readonly containers: readonly { readonly env: readonly { name: string; value: string }[] }[] };
    }[];
    const pod = hooks.find(({ kind }) => kind === 'Pod');
    const script = hooks.find(({ kind }) => kind === 'ConfigMap')?.data?.['install.mjs'] ?? '';
    const apart = hooks.filter(({ kind }) => kind !== 'Pod');
    await kubectl.ok(['apply', '-f', '-'], {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: apart }),
    });
    const account = join(cluster.directory, 'test-account');
    await mkdir(account);
    await writeFile(join(account, 'token'), await cluster.podToken(`${release}-test`, 'xen-1'));
    await writeFile(join(account, 'install.mjs'), script);
    const env = {
      ...Object.fromEntries((pod?.spec?.containers[0]?.env ?? []).map(({ name, value }) => [name, value])),
      NODE_EXTRA_CA_CERTS: join(cluster.directory, 'server', 'ca.crt'),
      SERVICE_ACCOUNT_DIR: account,
      API_SERVER: cluster.url,
    };
    const run = () =>
      promisify(execFile)(process.execPath, [join(account, 'install.mjs')], { env }).then(
        ({ stdout }) => ({ code: 0, stdout }),
        (error: unknown) => error as { code: number; stdout: string },
      );

    // Nobody runs the pods here: the Deployment is not ready.
    const before = await run();
    expect(before.code).toBe(1);
    expect(before.stdout).toContain(
      'ok   a StubDomain is accepted\nok   the policies are in force\nFAIL the controller is ready: see: kubectl',
    );

    const deployment = ['patch', 'deployment', `${release}-controller`, '--subresource=status', '--type=merge'];
    const status = { replicas: 2, readyReplicas: 2, availableReplicas: 2 };
    await kubectl.ok([...inNamespace, ...deployment, '-p', JSON.stringify({ status })]);
    const after = await run();
    expect(after.stdout).toContain('ok   the controller is ready\nok   0 of 0 agents are ready\n');
    expect(after.code).toBe(0);
  });

  test('helm upgrade upgrades the CRDs, and helm uninstall leaves them with all objects', async () => {
    const { kubectl, helm } = cluster;
    await kubectl.ok([
      'patch',
      'crd',
      'xenhosts.stubdom.io',
      '--type=json',
      '-p',
      '[{"op":"remove","path":"/spec/names/shortNames"}]',
    ]);
    const short = () => kubectl.ok(['get', 'crd', 'xenhosts.stubdom.io', '-o', 'jsonpath={.spec.names.shortNames}']);
    expect(await short()).toBe('');
    await helm.ok(['upgrade', release, chartFolder, ...inNamespace, '--reuse-values', '--force-conflicts']);
    expect(await short()).toBe('["xh"]');
    await helm.ok(['uninstall', release, ...inNamespace]);
    await eventually(async () => {
      expect(await kubectl.ok(['get', 'xenhosts', '-o', 'name'])).toBe('xenhost.stubdom.io/xen-1\n');
      const left = await kubectl.ok([
        'get',
        'clusterroles,validatingadmissionpolicies',
        '-l',
        `app.kubernetes.io/instance=${release}`,
        '-o',
        'name',
      ]);
      expect(left).toBe('');
    });
    await helm.ok(['install', release, chartFolder, ...inNamespace]);
    await helm.ok(['uninstall', release, ...inNamespace]);
  }, 60_000);

  test('definitions that kubectl applied are taken over', async () => {
    const { kubectl, helm } = cluster;
    await kubectl.ok(['delete', 'crd', '--all']);
    await kubectl.ok(['apply', '-f', join(packageRoot, 'crds')]);
    const install = ['install', release, chartFolder, ...inNamespace];
    expect((await helm.run(install)).stderr).toContain('invalid ownership metadata');
    await helm.ok([...install, '--take-ownership', '--force-conflicts']);
    const managed = await kubectl.ok([
      'get',
      'crd',
      '-o',
      'jsonpath={.items[*].metadata.labels.app\\.kubernetes\\.io/managed-by}',
    ]);
    expect(managed).toBe('Helm Helm Helm');
  }, 60_000);
});
