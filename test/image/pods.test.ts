import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { leaseNamespace } from '../../operator/api/names.ts';
import { startApiServer } from '../../operator/embedded/api-server/server.ts';
import { defaultTopology } from '../../operator/embedded/simulated-host/topology.ts';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { guestsOf } from '../../operator/embedded/world/fleet.ts';
import { startHost } from '../../operator/embedded/world/host.ts';
import { loadSamples } from '../../operator/embedded/world/manifests.ts';
import { startXenstored } from '../../operator/embedded/xenstored/server.ts';
import { silentLogger } from '../../operator/runtime/ports.ts';
import { apiClient, type ApiClient } from '../support/api-client.ts';
import { chartPods, type ChartPod } from '../support/chart-pod.ts';
import { eventually } from '../support/eventually.ts';
import { helmAt, setUpHelm } from '../support/helm.ts';
import { setUpImage, startInImage, statusInImage, type BuiltImage } from '../support/image.ts';
import { freePort, mountedAccount } from '../support/pod-surroundings.ts';
import { projectCrds } from '../support/sample-crds.ts';
import { packageRoot, type StubdomProcess } from '../support/stubdom.ts';

const [built, helmFound] = [await setUpImage(), await setUpHelm()];
const image = built as BuiltImage;
const programs = ['controller', 'agent'] as const;
type Program = (typeof programs)[number];
const group = '/apis/stubdom.io/v1alpha1';
const plurals: Readonly<Record<string, string>> = { StubDomain: 'stubdomains', PciAttachment: 'pciattachments' };

(built === undefined || !helmFound.available ? describe.skip : describe)('the image, run as the chart runs it', () => {
  const closers = new Closers();
  const ports = { controller: 0, agent: 0 };
  const running = new Map<Program, StubdomProcess>();
  let pods: Readonly<Record<Program, ChartPod>>;
  let api: ApiClient;

  const start = async (program: Program): Promise<void> => {
    const { args, options } = pods[program];
    const process = startInImage(image, args, options);
    running.set(program, process);
    closers.add(() => process.stop('SIGUSR2').then(() => undefined));
    await process.output(new RegExp(`^${program} ready`, 'm'));
  };
  const processOf = (program: Program): StubdomProcess => running.get(program)!;
  const status = (program: Program) => statusInImage(processOf(program).child.pid!);
  const readyOf = async (kind: string, name: string): Promise<string | undefined> => {
    const { body } = await api.call('GET', `${group}/namespaces/default/${plurals[kind]!}/${name}`);
    const { conditions = [] } = body.status as {
      conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
    };
    const ready = conditions.find(({ type }) => type === 'Ready');
    return ready?.status === 'True' ? 'True' : JSON.stringify(ready);
  };

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pod-'));
    closers.add(() => rm(directory, { recursive: true, force: true }));
    const host = (name: string) => join(directory, name);
    for (const name of ['xenstored', 'stubdom', 'xen']) await mkdir(host(name));
    const server = await startApiServer({ kubeconfigPath: host('kubeconfig'), crds: projectCrds() });
    closers.add(() => server.close());
    api = apiClient(server.kubeconfigPath);
    closers.add(async () => api.close());
    await mountedAccount(server.kubeconfigPath, host('account'));
    await api.call('POST', '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: leaseNamespace },
    });
    const daemon = await startXenstored({ socketPath: host('xenstored/socket'), guestDir: host('guests') });
    closers.add(() => daemon.close());
    const simulated = await startHost({
      name: 'xen-1',
      xenstoreSocket: daemon.socketPath,
      fabric: { kind: 'embedded', guestDir: daemon.guestDir },
      guests: guestsOf(await loadSamples(packageRoot)),
      topology: defaultTopology(),
      quirks: [],
      version: 'test',
      hypervisorSocket: host('stubdom/hypervisor.sock'),
      cluster: undefined,
      logger: silentLogger,
    });
    closers.add(() => simulated.close());

    if (!helmFound.available) throw new Error('unreachable: skipped without helm');
    ports.controller = await freePort();
    ports.agent = await freePort();
    const values = {
      'controller.probePort': String(ports.controller),
      'agent.probePort': String(ports.agent),
    };
    const folders: Readonly<Record<string, string>> = {
      '/run/xenstored': host('xenstored'),
      '/run/stubdom': host('stubdom'),
      '/var/lib/xen': host('xen'),
      '/sys': '/sys',
    };
    pods = await chartPods(helmAt(helmFound.path, directory), values, {
      account: host('account'),
      apiServerPort: server.port,
      nodeName: 'xen-1',
      hostPath: (path) => {
        const folder = folders[path];
        if (folder === undefined) throw new Error(`the chart mounts ${path}, which is not known here`);
        return folder;
      },
    });
    for (const program of programs) await start(program);
  }, 120_000);
  afterAll(() => closers.close(), 60_000);

  test('both programs are ready, and make the samples true', async () => {
    const samples = await loadSamples(packageRoot);
    for (const sample of samples) {
      const { code } = await api.call('POST', `${group}/namespaces/default/${plurals[sample.kind]!}`, sample);
      expect(code).toBe(201);
    }
    await eventually(async () => {
      for (const { kind, metadata } of samples) {
        expect([kind, metadata.name, await readyOf(kind, metadata.name)]).toEqual([kind, metadata.name, 'True']);
      }
    }, 60_000);
    expect(samples.length).toBeGreaterThan(3);
    for (const port of Object.values(ports)) {
      expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()).toBe('ok\n');
      expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toMatch(/^controller_runtime_/m);
    }
  }, 120_000);

  test('the controller is not root, can become nothing else, and is the first process of its container', async () => {
    expect(await status('controller')).toMatchObject({
      uid: 65532,
      gid: 65532,
      capabilities: '0000000000000000',
      noNewPrivileges: true,
      innerPid: 1,
    });
    expect(pods.controller).toMatchObject({ readOnlyRoot: true, capabilities: { drop: ['ALL'] } });
  });

  test("the agent is root without rights, among the host's processes", async () => {
    const { child } = processOf('agent');
    expect(await status('agent')).toMatchObject({
      uid: 0,
      // To change into its root directory takes one (sys_chroot), which a container's run time drops later than run.ts can.
      capabilities: '0000000000040000',
      noNewPrivileges: true,
    });
    expect((await status('agent')).innerPid).toBeGreaterThan(1);
    expect(pods.agent).toMatchObject({ readOnlyRoot: true, capabilities: { drop: ['ALL'] } });
    expect(child.exitCode).toBeNull();
  });

  test("both stay below the chart's limits of memory, which is printed", async () => {
    for (const program of programs) {
      const { residentKiB, peakKiB } = await status(program);
      const { memoryLimitMiB } = pods[program];
      process.stdout.write(
        `\nThe ${program} with the samples: ${Math.round(residentKiB / 1024)} MiB resident, ` +
          `${Math.round(peakKiB / 1024)} MiB at most, limit ${memoryLimitMiB} MiB\n`,
      );
      expect(peakKiB / 1024).toBeGreaterThan(20);
      expect(peakKiB / 1024).toBeLessThan(memoryLimitMiB);
    }
  });

  test('SIGTERM, as a kubelet sends it, is a clean end', async () => {
    for (const program of programs) {
      const ended = await processOf(program).stop('SIGTERM');
      expect([program, ended.code]).toEqual([program, 0]);
    }
  }, 60_000);
});
