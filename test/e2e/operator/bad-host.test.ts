import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { chmod } from 'node:fs/promises';
import { createAgent } from '../../../operator/agent/agent.ts';
import { type Condition, findCondition } from '../../../operator/api/conditions.ts';
import type { XenHost } from '../../../operator/api/generated/xen-host.ts';
import { HypervisorError } from '../../../operator/hypervisor/hypervisor.ts';
import { createKubeClient } from '../../../operator/kube/client.ts';
import { loadClusterConfig } from '../../../operator/kube/config.ts';
import { xenHosts } from '../../../operator/kube/resources.ts';
import { silentLogger, systemClock } from '../../../operator/runtime/ports.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import { eventually } from '../../support/eventually.ts';
import { infoScript, listLine, listScript } from '../../support/fake-xl.ts';
import { domainInfo, type FakeXen, fakeXen } from '../../support/fake-xen.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { type XlBench, type XlBenchOptions, xlBench } from '../../support/xl-bench.ts';

const guest = '7f9afc3f-98e7-473e-b584-b370223dd693';

/** An agent with the driver of a real host, whose host is bad in some way. */
describe('a bad host', () => {
  let world: OperatorWorld;
  beforeAll(async () => {
    world = await startOperatorWorld({ hosts: 1 });
  });
  afterAll(async () => world.close());

  async function withAgent(
    name: string,
    options: XlBenchOptions,
    spoil: (bench: XlBench) => Promise<unknown>,
    look: (bench: XlBench) => Promise<void>,
  ): Promise<void> {
    const bench = await xlBench({ timeouts: { info: 1000, list: 1000 }, ...options });
    const kube = createKubeClient(await loadClusterConfig({ kubeconfig: world.kubeconfigPath }), {
      logger: silentLogger,
    });
    const xenstore = openXenStore({ transport: { kind: 'socket', path: world.host('xen-1').socket } });
    const { hypervisor } = bench;
    const ports = { kube, xenstore, hypervisor, clock: systemClock, random: Math.random, logger: silentLogger };
    const agent = createAgent({ ...ports, nodeName: name, version: 'test' });
    let starting: Promise<unknown> | undefined;
    try {
      await spoil(bench);
      starting = agent.start().catch(() => undefined);
      await look(bench);
    } finally {
      await agent.stop();
      await starting;
      await Promise.all([xenstore.close(), kube.close(), bench.close()]);
    }
  }

  async function conditionOf(name: string, type: string, status: string): Promise<Condition> {
    return eventually(async () => {
      const host = await world.kube.get<XenHost>(xenHosts, { name });
      const condition = findCondition(host.status?.conditions, type);
      expect(condition?.status).toBe(status);
      return condition!;
    }, 30_000);
  }

  test.each<[string, (bench: XlBench) => Promise<unknown>, RegExp]>([
    [
      'no-xen',
      async ({ drop }) => Promise.all([drop('proc/xen'), drop('sys/hypervisor')]),
      /no Xen host.*Boot it with Xen/,
    ],
    ['no-dom0', async ({ put }) => put('proc/xen/capabilities', ''), /not its dom0.*Run the agent in dom0/],
    ['xl-missing', async ({ fake }) => fake.remove(), /ENOENT.*Install the host's Xen tools/],
    [
      'xl-hanging',
      async ({ fake }) => Promise.all([fake.on('info', 'exec sleep 600'), fake.on('list', 'exec sleep 600')]),
      /did not answer in 1 s.*Try it by hand/,
    ],
    [
      'xl-garbage',
      async ({ fake }) => Promise.all([fake.on('info', 'echo x'), fake.on('list', 'echo x')]),
      /Run it by hand/,
    ],
    [
      'no-rights',
      async ({ fake }) => {
        const script =
          'echo "xencall: error: Could not obtain handle on privileged command interface: Permission denied" >&2; exit 1';
        await Promise.all([fake.on('info', script), fake.on('list', script), chmod(fake.path, 0o755)]);
      },
      /Run the agent as root in dom0/,
    ],
  ])('%s says so, from its first look on', async (name, spoil, words) => {
    await withAgent(name, {}, spoil, async () => {
      const ready = await conditionOf(name, 'Ready', 'False');
      expect(ready).toMatchObject({ reason: 'HypervisorFailed', message: expect.stringMatching(words) });
      expect(await conditionOf(name, 'HypervisorReady', 'False')).toMatchObject({ message: ready.message });
      expect(await conditionOf(name, 'PassthroughReady', 'Unknown')).toMatchObject({ reason: 'HypervisorFailed' });
    });
  });

  test('that is cured is Ready, and what was known of its guests was not lost meanwhile', async () => {
    const name = 'was-bad';
    const guestsOf = async () => (await world.kube.get<XenHost>(xenHosts, { name })).status?.guests;
    const list = listScript(listLine('g1', 7, guest));
    const makeGood = async ({ fake, nodes }: XlBench): Promise<void> => {
      nodes.set('/libxl/7/type', 'hvm');
      nodes.set('/local/domain/7/name', 'g1');
      await fake.on('list', list);
      await fake.on('info', infoScript());
    };
    await withAgent(name, {}, makeGood, async () => {
      await eventually(async () => expect(await guestsOf()).toEqual([{ uuid: guest, name: 'g1', domid: 7 }]), 30_000);
    });
    const spoil = async ({ fake }: XlBench) => Promise.all([fake.on('info', 'exit 1'), fake.on('list', 'exit 1')]);
    await withAgent(name, {}, spoil, async (bench) => {
      await conditionOf(name, 'HypervisorReady', 'False');
      expect(await guestsOf()).toEqual([{ uuid: guest, name: 'g1', domid: 7 }]);
      await makeGood(bench);
      expect(await conditionOf(name, 'HypervisorReady', 'True')).toMatchObject({ reason: 'HypervisorReady' });
      expect(await guestsOf()).toEqual([{ uuid: guest, name: 'g1', domid: 7 }]);
    });
  });

  const noIommu = (): FakeXen => Object.assign(fakeXen([domainInfo(7, guest)]), { directIo: false });
  const noRights = (): FakeXen => {
    const xen = fakeXen();
    return Object.assign(xen, {
      capabilities: async () => {
        throw new HypervisorError('Unavailable', 'Hypercalls cannot be made. Run the agent as root in dom0.');
      },
    });
  };
  test.each<[string, XlBenchOptions, string, RegExp]>([
    ['unknown-xen', {}, 'UnknownXenVersion', /Xen 4\.99.*newer agent/],
    ['iommu-off', { xen: noIommu() }, 'IommuOff', /Enable it in the firmware/],
    ['no-pciback', { xen: fakeXen(), host: { drivers: ['igb'] } }, 'PcibackMissing', /modprobe xen-pciback/],
    ['no-hypercalls', { xen: noRights() }, 'HypercallsUnavailable', /Run the agent as root/],
  ])('%s is Ready, and its guests can have no PCI device', async (name, options, reason, words) => {
    await withAgent(
      name,
      options,
      async () => undefined,
      async () => {
        const condition = await conditionOf(name, 'PassthroughReady', 'False');
        expect(condition).toMatchObject({ reason, message: expect.stringMatching(words) });
        expect(await conditionOf(name, 'HypervisorReady', 'True')).toMatchObject({ reason: 'HypervisorReady' });
      },
    );
  });
});
