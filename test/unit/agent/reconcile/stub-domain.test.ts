import { afterEach, describe, expect, test } from '@jest/globals';
import { StubWatches } from '../../../../operator/agent/observe/stub-watches.ts';
import { StubDomainReconciler } from '../../../../operator/agent/reconcile/stub-domain.ts';
import type { Condition } from '../../../../operator/api/conditions.ts';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import type { StubDomain } from '../../../../operator/api/generated/stub-domain.ts';
import { agentFinalizer } from '../../../../operator/api/names.ts';
import {
  deviceModelPath,
  inflightPath,
  pciClaimPath,
  pciNotePath,
  stubNotePath,
} from '../../../../operator/domain/locations.ts';
import { formatNote, parseNote } from '../../../../operator/domain/notes.ts';
import { type Domain, type Hypervisor, HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import type { Informer, KubeClient, KubeObject } from '../../../../operator/kube/types.ts';
import { silentLogger } from '../../../../operator/runtime/ports.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';
import {
  aPciNote,
  aSnapshot,
  aStubDomain,
  anAttachment,
  stubUuid,
  targetUuid,
  theAddress,
} from '../../../support/builders.ts';

let world: ActWorld;
afterEach(() => world.close());

const domain = (domid: number, uuid: string, name: string, type: Domain['type']): Domain => ({
  domid,
  uuid,
  name,
  type,
  memoryMiB: 64,
  paused: false,
});

/** A cache that holds these. */
const holding = <T extends KubeObject>(...objects: T[]): Informer<T> => ({
  hasSynced: true,
  synced: async () => {},
  get: (key) => objects.find(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}` === key),
  list: () => objects,
  byIndex: (index, value) =>
    index === 'stubDomain' ? objects : objects.filter(({ metadata }) => metadata.uid === value),
  onChange: () => () => {},
  lastContactAgeMs: () => 0,
  lastError: undefined,
});

/** Statuses that were written, by name of the object; and what is to be called at each. */
let told: Map<string, readonly Condition[]>;
let onTold: (name: string) => void = () => {};

/** Takes every status as it is, and lets no finalizer go. */
const refusing = {
  applyStatus: async (_type: unknown, object: StubDomain | PciAttachment) => {
    told.set(object.metadata.name, object.status?.conditions ?? []);
    onTold(object.metadata.name);
    return object;
  },
  jsonPatch: async () => Promise.reject(new Error('the finalizer was to go')),
} as unknown as KubeClient;

/** A guest as an agent left it, with a device in it unless `empty`, and a new agent. Gives what a pass of it does. */
async function anotherAgent(
  stubDomains: readonly StubDomain[],
  attachments: readonly PciAttachment[],
  {
    empty = false,
    verbs = {},
    stubType = 'PV',
  }: { readonly empty?: boolean; readonly verbs?: Partial<Hypervisor>; readonly stubType?: Domain['type'] } = {},
): Promise<(key?: string) => Promise<unknown>> {
  told = new Map();
  world = await startActWorld({
    devices: [theAddress, '0000:03:00.1'].map((address) => ({
      address,
      vendorID: '8086',
      deviceID: '10fb',
      classID: '020000',
      driver: 'pciback',
    })),
    domains: [domain(5, targetUuid, 'web', 'HVM'), domain(7, stubUuid, 'web-dm', stubType)],
  });
  const { xenstore, clock } = world;
  await xenstore.write('/local/domain/7/vm', `/vm/${stubUuid}`);
  await xenstore.write('/local/domain/5/vm', `/vm/${targetUuid}`);
  await xenstore.write('/local/domain/5/image/device-model-domid', '7');
  await xenstore.write('/local/domain/7/target', '5');
  await xenstore.write(`${deviceModelPath(7, 5)}/state`, 'running');
  await xenstore.write(stubNotePath(targetUuid), formatNote('stub', aSnapshot().note!));
  if (!empty)
    await xenstore.write(pciNotePath(targetUuid, theAddress), formatNote('pci', aPciNote({ stage: 'attached' })));
  const { hypervisor, domains, devices } = world.context();
  const reconciler = new StubDomainReconciler({
    kube: refusing,
    xenstore,
    hypervisor: { ...hypervisor, ...verbs },
    stubDomains: holding(...stubDomains),
    attachments: holding(...attachments),
    domains,
    devices,
    watches: new StubWatches(
      xenstore,
      () => {},
      () => clock.monotonic(),
    ),
    events: {
      record: () => {},
      flush: async () => {},
      stop: async () => {},
      dropped: { rate: 0, queue: 0, failed: 0 },
    },
    clock,
    random: Math.random,
    logger: silentLogger,
  });
  return async (key = 'default/web') =>
    reconciler.reconcile(key, { signal: new AbortController().signal, reconcileID: '1', logger: silentLogger });
}

async function restarted(
  stubDomains: readonly StubDomain[],
  attachments: readonly PciAttachment[],
  key?: string,
): Promise<void> {
  await (
    await anotherAgent(stubDomains, attachments)
  )(key);
}

const underWay = async () => parseNote('inflight', await world.xenstore.tryRead(inflightPath(targetUuid)));

test('a device leaves the guest before its attachment goes, also when the StubDomain was gone before the agent started', async () => {
  await restarted([], [anAttachment({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })]);
  expect(await underWay()).toMatchObject({ command: 'pci-rem', address: theAddress, owner: 'pa-1' });
});

test('an object that this version cannot read keeps what it has', async () => {
  const spec = { ...aStubDomain().spec, runState: 'Hibernating' as 'Running' };
  await restarted([{ ...aStubDomain(), spec }], [anAttachment()]);
  expect(await underWay()).toBeUndefined();
});

test('so does an attachment', async () => {
  const attachment = anAttachment();
  const spec = { ...attachment.spec, removalPolicy: 'Someday' as 'Force' };
  await restarted([aStubDomain()], [{ ...attachment, spec }]);
  expect(await underWay()).toBeUndefined();
});

describe('a second StubDomain for the same guest', () => {
  const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };
  const rival = (metadata: object = {}) => aStubDomain({}, { name: 'rival', uid: 'sd-2', ...metadata });

  test.each([
    ['leaves the devices of the first one in the guest', rival({ finalizers: [agentFinalizer] })],
    ['also when it is deleted', rival({ ...deleted, finalizers: ['example.com/other'] })],
  ])('%s', async (_, second) => {
    await restarted([aStubDomain(), second], [], 'default/rival');
    expect(await underWay()).toBeUndefined();
    expect(parseNote('pci', await world.xenstore.tryRead(pciNotePath(targetUuid, theAddress)))?.stage).toBe('attached');
  });

  test('brings none of its own into it', async () => {
    const attachment = anAttachment({ metadata: { uid: 'pa-2' }, spec: { stubDomainRef: { name: 'rival' } } });
    const other = '0000:03:00.1';
    await restarted(
      [aStubDomain(), rival()],
      [{ ...attachment, status: { ...attachment.status, address: other } }],
      'default/rival',
    );
    expect(await world.xenstore.tryRead(pciClaimPath(other))).toBeUndefined();
    expect(await world.tree('/local/domain/0/backend/pci')).toEqual({});
  });
});

test('what the hypervisor does not answer is told when it lasts, and holds up no other device', async () => {
  const other = '0000:03:00.1';
  const second = anAttachment({ claimed: other, metadata: { uid: 'pa-2', name: 'second' } });
  const pass = await anotherAgent([aStubDomain()], [anAttachment(), second], {
    empty: true,
    verbs: {
      reset: async (address) => {
        if (address === theAddress) throw new HypervisorError('Unavailable', 'a driver of dom0 hangs');
      },
    },
  });
  await expect(pass()).rejects.toThrow('a driver of dom0 hangs');
  expect(told.size).toBe(0);
  world.clock.advance(2000);
  await pass();
  const inserted = told.get('web-nic')?.find(({ type }) => type === 'Inserted');
  expect(inserted).toMatchObject({ status: 'False', reason: 'HypervisorFailed' });
  expect(inserted?.message).toMatch(/a driver of dom0 hangs/);
  expect(world.bus.grants().map(({ address }) => address)).toEqual([other]);
});

test('a StubDomain whose stub domain takes long to end is not shown as Ready meanwhile', async () => {
  const time = '2026-01-01T00:00:00Z';
  const deleted = aStubDomain({}, { deletionTimestamp: time, generation: 2 });
  const shown = { type: 'Ready', status: 'True', reason: 'AsDesired', message: '', lastTransitionTime: time } as const;
  const [ending, ended, told2] = [1, 2, 3].map(() => Promise.withResolvers<undefined>());
  const pass = await anotherAgent([{ ...deleted, status: { ...deleted.status, conditions: [shown] } }], [], {
    empty: true,
    verbs: {
      destroyDomain: async () => {
        ending!.resolve(undefined);
        await ended!.promise;
      },
    },
  });
  onTold = () => told2!.resolve(undefined);
  const passing = pass();
  await ending!.promise;
  expect(told.size).toBe(0);
  world.clock.advance(2000);
  await told2!.promise;
  expect(told.get('web')?.find(({ type }) => type === 'Ready')).toMatchObject({ status: 'False', reason: 'Deleting' });
  ended!.resolve(undefined);
  await expect(passing).rejects.toThrow('the finalizer was to go');
});

test('a guest that is named as the stub domain would be is not taken for it', async () => {
  const pass = await anotherAgent([aStubDomain()], [], { empty: true, stubType: 'HVM' });
  await world.xenstore.remove(stubNotePath(targetUuid));
  await world.xenstore.remove('/local/domain/5/image/device-model-domid');
  await expect(pass()).rejects.toThrow('no step here asks for that');
  expect(parseNote('stub', await world.xenstore.tryRead(stubNotePath(targetUuid)))).toMatchObject({
    stage: 'intended',
  });
});
