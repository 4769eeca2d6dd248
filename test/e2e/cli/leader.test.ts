import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { leaderLeaseName, leaseNamespace } from '../../../operator/api/names.ts';
import { startApiServer } from '../../../operator/embedded/api-server/server.ts';
import { Closers } from '../../../operator/embedded/world/closers.ts';
import { type ApiClient, apiClient } from '../../support/api-client.ts';
import { outputMatching } from '../../support/kubectl.ts';
import { projectCrds } from '../../support/sample-crds.ts';
import { StubdomProcess } from '../../support/stubdom.ts';

const lease = `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases/${leaderLeaseName}`;
const ready = /^controller ready .* probes=(\S+)$/m;

interface LeaseSpec {
  readonly holderIdentity: string;
  readonly leaseTransitions: number;
}

describe('controllers of which one decides', () => {
  let closers: Closers;
  let api: ApiClient;
  let kubeconfig: string;

  beforeEach(async () => {
    closers = new Closers();
    const directory = await mkdtemp(join(tmpdir(), 'le-'));
    closers.add(() => rm(directory, { recursive: true, force: true }));
    kubeconfig = join(directory, 'kubeconfig');
    const server = await startApiServer({ kubeconfigPath: kubeconfig, crds: projectCrds() });
    closers.add(() => server.close());
    api = apiClient(kubeconfig);
    closers.add(() => api.close());
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: leaseNamespace } };
    expect((await api.call('POST', '/api/v1/namespaces', namespace)).code).toBe(201);
  });
  afterEach(() => closers.close());

  const controller = (): StubdomProcess => {
    const args = ['controller', '--kubeconfig', kubeconfig, '--probe-port', '0', '--leader-elect'];
    const process = new StubdomProcess(args);
    closers.add(() => process.stop('SIGKILL').then(() => undefined));
    return process;
  };
  const held = async (): Promise<LeaseSpec> => (await api.call('GET', lease)).body.spec as unknown as LeaseSpec;
  const waits = async ({ child }: StubdomProcess): Promise<void> => {
    if (child.stderr === null) throw new Error('no standard error');
    await outputMatching(child.stderr, /waiting to be elected/);
  };
  const leads = async (process: StubdomProcess): Promise<string> => {
    const [, probes = ''] = await process.output(ready);
    return (await fetch(`${probes}/metrics`)).text();
  };

  test('another waits, and takes over at once when the first stops in order', async () => {
    const first = controller();
    expect(await leads(first)).toContain('leader_election_master_status{name="stubdom-controller"} 1');
    const before = await held();
    const second = controller();
    await waits(second);
    expect(second.stdout).not.toMatch(ready);

    const ended = await first.stop();
    expect(ended.code).toBe(0);
    await leads(second);
    const after = await held();
    expect(after.holderIdentity).not.toBe(before.holderIdentity);
    expect(after.leaseTransitions).toBeGreaterThan(before.leaseTransitions);
    expect((await second.stop()).code).toBe(0);
    expect((await held()).holderIdentity).toBe('');
  });

  test('one that waits stops when it is told to, and leaves the Lease alone', async () => {
    await leads(controller());
    const before = await held();
    const second = controller();
    await waits(second);
    expect((await second.stop()).code).toBe(0);
    expect((await held()).holderIdentity).toBe(before.holderIdentity);
  });

  test('one whose Lease another took ends by itself, and says why', async () => {
    const process = controller();
    await leads(process);
    // Written again and again, as another leader does, so that it never runs out.
    const steal = setInterval(() => {
      const spec = { holderIdentity: 'another', renewTime: new Date().toISOString().replace('Z', '000Z') };
      void api.call('PATCH', lease, { spec }, { type: 'application/merge-patch+json' });
    }, 500);
    try {
      const { code, stderr } = await process.ended;
      expect(code).toBe(1);
      expect(stderr).toContain("the leader's Lease could not be renewed in time, or another took it");
    } finally {
      clearInterval(steal);
    }
    expect((await held()).holderIdentity).toBe('another');
  });
});
