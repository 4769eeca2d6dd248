import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { carryOut, send } from '../../../../operator/agent/act/command.ts';
import { StaleSnapshotError } from '../../../../operator/agent/act/context.ts';
import { createAgentMetrics } from '../../../../operator/agent/agent-metrics.ts';
import { deviceModelPath, enumeratedPath, inflightPath } from '../../../../operator/domain/locations.ts';
import { parseNote } from '../../../../operator/domain/notes.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';
import { aBackend, aSnapshot, stubUuid, targetUuid, theAddress, theStub } from '../../../support/builders.ts';

let world: ActWorld;
const channel = deviceModelPath(7, 5);

beforeEach(async () => {
  world = await startActWorld({ devices: [] });
  const { xenstore } = world;
  await xenstore.write('/local/domain/7/vm', `/vm/${stubUuid}`);
  await xenstore.write('/local/domain/5/vm', `/vm/${targetUuid}`);
  await xenstore.write('/local/domain/5/image/device-model-domid', '7');
  await xenstore.write('/local/domain/7/target', '5');
  await xenstore.write(`${channel}/state`, 'running');
});
afterEach(() => world.close());

const insert = {
  do: 'send',
  command: 'pci-ins',
  parameter: `${theAddress},msitranslate=0,power_mgmt=0`,
  owner: 'pa-1',
  address: theAddress,
} as const;

async function withdrawn(): Promise<void> {
  const note = parseNote('inflight', await world.xenstore.tryRead(inflightPath(targetUuid)))!;
  await carryOut(world.context(), { do: 'withdraw', note });
}

test('an insert that was withdrawn had nothing listed: further devices may still come', async () => {
  await send(world.context({ pciBackend: aBackend(theAddress) }), insert);
  expect(parseNote('enumerated', await world.xenstore.tryRead(enumeratedPath(targetUuid)))?.addresses).toEqual([
    theAddress,
  ]);
  await withdrawn();
  expect(await world.xenstore.tryRead(enumeratedPath(targetUuid))).toBeUndefined();
  expect(await world.tree(channel)).toEqual({ [channel]: '', [`${channel}/state`]: 'running' });
});

test('what an earlier insert listed stays when a later one is withdrawn', async () => {
  const listed = JSON.stringify({ stub: theStub, addresses: ['0000:04:00.0'] });
  await world.xenstore.write(enumeratedPath(targetUuid), listed);
  await send(
    world.context({ pciBackend: aBackend(theAddress), enumerated: parseNote('enumerated', Buffer.from(listed)) }),
    insert,
  );
  await withdrawn();
  expect(await world.xenstore.tryReadString(enumeratedPath(targetUuid))).toBe(listed);
});

test('an old reply is cleared, told and counted; one that is gone meanwhile is none of these', async () => {
  const registry = new Registry();
  const metrics = createAgentMetrics(registry);
  const repair = { do: 'repair', stale: 'pci-removed', steady: 'running' } as const;
  const stale: Partial<Snapshot> = { channel: { ...aSnapshot().channel!, state: 'pci-removed' } };
  await world.xenstore.write(`${channel}/state`, 'pci-inserted');
  await expect(carryOut({ ...world.context(stale), metrics }, repair)).rejects.toThrow(StaleSnapshotError);
  expect(await world.xenstore.tryReadString(`${channel}/state`)).toBe('pci-inserted');
  expect(world.happenings).toEqual([]);
  await world.xenstore.write(`${channel}/state`, 'pci-removed');
  await carryOut({ ...world.context(stale), metrics }, repair);
  expect(await world.xenstore.tryReadString(`${channel}/state`)).toBe('running');
  expect(world.happenings.map(({ reason }) => reason)).toEqual(['StaleStateCleared']);
  expect(await registry.getSingleMetricAsString('stubdom_stale_state_repairs_total')).toMatch(/_total 1$/);
});
