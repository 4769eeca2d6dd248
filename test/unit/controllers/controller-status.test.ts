import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { decide, stampConditions } from '../../../operator/api/conditions.ts';
import type { PciAttachment } from '../../../operator/api/generated/pci-attachment.ts';
import { agentManager, controllerManager } from '../../../operator/api/names.ts';
import { conditionTypes, type Reason } from '../../../operator/api/reasons.ts';
import { type ControllerStatus, applyControllerStatus } from '../../../operator/controllers/controller-status.ts';
import type { HostLiveness } from '../../../operator/controllers/host-leases.ts';
import type { ClusterClient } from '../../../operator/kube/client.ts';
import { pciAttachments } from '../../../operator/kube/resources.ts';
import { type ApiClient, apiClient } from '../../support/api-client.ts';
import { type TestCluster, startTestCluster } from '../../support/test-cluster.ts';

let cluster: TestCluster;
let kube: ClusterClient;
let api: ApiClient;
let count = 0;
let name: string;
let silenced: Set<string>;

beforeAll(async () => {
  cluster = await startTestCluster();
  ({ kube } = cluster);
  api = apiClient(cluster.kubeconfigPath);
});
afterAll(async () => {
  api.close();
  await cluster.close();
});

beforeEach(async () => {
  count += 1;
  name = `a-${count}`;
  silenced = new Set();
  const spec = { stubDomainRef: { name: 'web' }, device: { address: '0000:03:00.0' } };
  await kube.create(pciAttachments, { metadata: { name, namespace: 'default' }, spec });
});

const read = () => kube.get<PciAttachment>(pciAttachments, { namespace: 'default', name });
const allTypes = Object.keys(conditionTypes.PciAttachment);
const agentTypes = allTypes.filter((type) => type !== 'Claimed');
const typesOf = (object: PciAttachment) => (object.status?.conditions ?? []).map(({ type }) => type).sort();
const reasonsOf = (object: PciAttachment) =>
  new Set((object.status?.conditions ?? []).filter(({ type }) => type !== 'Claimed').map(({ reason }) => reason));

function refused(reason: Reason): ControllerStatus {
  return {
    fields: { nodeName: 'xen-1' },
    decisions: [decide('Claimed', 'False', reason, `because of ${reason}`)],
    placeholder: { status: 'False', reason, message: `because of ${reason}` },
    liveness: 'missing',
  };
}

function claimed(liveness: HostLiveness): ControllerStatus {
  return {
    fields: { nodeName: 'xen-1', address: '0000:03:00.0' },
    decisions: [decide('Claimed', 'True', 'Claimed', 'reserved')],
    placeholder: { status: 'Unknown', reason: 'AwaitingAgent', message: 'not yet' },
    liveness,
  };
}

const controller = async (status: ControllerStatus) =>
  applyControllerStatus(kube, pciAttachments, await read(), status, 0, silenced);

/** All that the agent answers for, as it writes it. */
async function agent(reason: Reason = 'AsDesired'): Promise<void> {
  const decisions = agentTypes.map((type) => decide(type, 'True', reason, 'the agent says'));
  const conditions = stampConditions('PciAttachment', decisions, undefined, 1, '2026-01-01T00:00:00Z');
  const status = { phase: 'Attached', conditions: conditions };
  const metadata = { name, namespace: 'default' };
  await kube.applyStatus(pciAttachments, { metadata, status }, { fieldManager: agentManager, force: true });
}

describe('before an agent has spoken', () => {
  test('every condition is there from the first visit on, and stays while refusals change', async () => {
    for (const reason of ['DeviceClaimed', 'DeviceNotFound', 'DeviceNotAssignable'] as const) {
      await controller(refused(reason));
      expect(typesOf(await read())).toEqual([...allTypes].sort());
      expect(reasonsOf(await read())).toEqual(new Set([reason]));
    }
    await controller(claimed('fresh'));
    expect(typesOf(await read())).toEqual([...allTypes].sort());
    expect(reasonsOf(await read())).toEqual(new Set(['AwaitingAgent']));
  });
});

interface Fields {
  readonly 'f:status'?: { readonly 'f:conditions'?: Readonly<Record<string, object>> };
}

/** Which managers own a field of each condition, and which the binding. */
async function owners(): Promise<Record<string, string>> {
  const answer = await api.call('GET', `/apis/stubdom.io/v1alpha1/namespaces/default/pciattachments/${name}`);
  const metadata = answer.body.metadata as unknown as { managedFields?: { manager: string; fieldsV1: Fields }[] };
  const found = new Map<string, Set<string>>();
  const note = (what: string, manager: string) => found.set(what, (found.get(what) ?? new Set()).add(manager));
  for (const { manager, fieldsV1 } of metadata.managedFields ?? []) {
    const status = fieldsV1['f:status'] ?? {};
    if ('f:nodeName' in status) note('nodeName', manager);
    for (const [key, fields] of Object.entries(status['f:conditions'] ?? {})) {
      const type = /"type":"(\w+)"/.exec(key)?.[1];
      if (type !== undefined && 'f:reason' in fields) note(type, manager);
    }
  }
  return Object.fromEntries([...found].map(([what, managers]) => [what, [...managers].sort().join(' and ')]));
}

describe('who owns what', () => {
  const agents = (manager: string) => Object.fromEntries(agentTypes.map((type) => [type, manager]));
  const bound = { nodeName: controllerManager, Claimed: controllerManager };

  test('goes from the controller to the agent, to the controller when the host is lost, and back', async () => {
    await controller(claimed('fresh'));
    expect(await owners()).toEqual({ ...bound, ...agents(controllerManager) });
    await agent();
    expect(await owners()).toEqual({ ...bound, ...agents(agentManager) });
    await controller(claimed('expired'));
    expect(await owners()).toEqual({ ...bound, ...agents(controllerManager) });
    await agent();
    expect(await owners()).toEqual({ ...bound, ...agents(agentManager) });
  });
});

describe('an agent that spoke', () => {
  test('is not spoken over', async () => {
    await controller(claimed('fresh'));
    await agent();
    expect(await controller(claimed('fresh'))).toBeUndefined();
    await controller(refused('DeviceClaimed'));
    expect(reasonsOf(await read())).toEqual(new Set(['AsDesired']));
    expect(typesOf(await read())).toEqual([...allTypes].sort());
  });

  test('and whose host is lost: nobody knows, and no condition is lost when the Lease is renewed first', async () => {
    await controller(claimed('fresh'));
    await agent();
    await controller(claimed('expired'));
    expect(reasonsOf(await read())).toEqual(new Set(['HostUnreachable']));
    expect(await controller(claimed('expired'))).toBeUndefined();
    await controller({ ...claimed('fresh'), decisions: [decide('Claimed', 'True', 'Claimed', 'other words')] });
    expect(typesOf(await read())).toEqual([...allTypes].sort());
    expect(reasonsOf(await read())).toEqual(new Set(['HostUnreachable']));
    await agent();
    await controller(claimed('fresh'));
    expect(reasonsOf(await read())).toEqual(new Set(['AsDesired']));
    expect(typesOf(await read())).toEqual([...allTypes].sort());
  });

  test('and goes on speaking without a Lease is contradicted once, not for ever', async () => {
    await controller(claimed('fresh'));
    await agent();
    await controller(claimed('expired'));
    await agent();
    expect(await controller(claimed('expired'))).toBeUndefined();
    expect(reasonsOf(await read())).toEqual(new Set(['AsDesired']));
    // The next silence is another one.
    await controller(claimed('fresh'));
    await controller(claimed('expired'));
    expect(reasonsOf(await read())).toEqual(new Set(['HostUnreachable']));
  });
});

test('what was decided for an object is not written to another that has its name by now', async () => {
  await controller(claimed('fresh'));
  const gone = await read();
  await kube.delete(pciAttachments, { namespace: 'default', name });
  const spec = { stubDomainRef: { name: 'web' }, device: { address: '0000:04:00.0' } };
  await kube.create(pciAttachments, { metadata: { name, namespace: 'default' }, spec });
  const writing = applyControllerStatus(kube, pciAttachments, gone, claimed('expired'), 0, silenced);
  await expect(writing).rejects.toMatchObject({ reason: 'Conflict' });
  expect((await read()).status?.address).toBeUndefined();
});
