import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { rewire } from '../../../../operator/agent/act/stub-domain.ts';
import { writePlan } from '../../../../operator/agent/act/write-plan.ts';
import { inspectWiring, planFingerprint } from '../../../../operator/agent/observe/wiring.ts';
import { setupPlan } from '../../../../operator/domain/stub-domain/setup-plan.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';
import { aSnapshot, aStubDomain, stubUuid, targetUuid, theStub, theTarget } from '../../../support/builders.ts';

let world: ActWorld;
const identity = { stub: theStub, target: theTarget, targetName: 'web' };
const disks = [{ name: 'root', source: '/dev/vg/web', backend: 'Block', access: 'ReadWrite', device: 'Disk' }] as const;
const object = aStubDomain({ disks: [...disks] });
const note = { ...aSnapshot().note!, plan: planFingerprint(object.spec, identity) };
const look = (of = object) => inspectWiring(world.xenstore, of, note, identity);

beforeEach(async () => {
  world = await startActWorld({ devices: [] });
  await world.xenstore.write('/local/domain/7/vm', `/vm/${stubUuid}`);
  await world.xenstore.write('/local/domain/5/vm', `/vm/${targetUuid}`);
  await writePlan(world.xenstore, setupPlan(object.spec, identity));
});
afterEach(() => world.close());

test('what is as it was laid out has not drifted, whatever the stub domain does to its own ends', async () => {
  await world.xenstore.remove('/local/domain/7/device');
  await world.xenstore.write('/local/domain/7/device-model/5/state', 'garbage');
  expect(await look()).toEqual({ specChanged: false, drift: [], repairable: [] });
});

test('links are written again; a back end is named and left alone', async () => {
  const link = '/local/domain/5/image/device-model-domid';
  const back = '/local/domain/0/backend/vbd/7/51712/params';
  await world.xenstore.write(link, '99');
  await world.xenstore.remove('/local/domain/7/target');
  await world.xenstore.remove(back);
  const wiring = await look();
  expect(wiring.repairable).toEqual([link, '/local/domain/7/target']);
  expect(wiring.drift).toContainEqual({ path: back, kind: 'missing' });
  const context = world.context({ object, note });
  world.memory.inspected(context.snapshot, wiring);
  await rewire(context, wiring.repairable);
  expect(await world.xenstore.readString(link)).toBe('7');
  expect(await world.xenstore.readString('/local/domain/7/target')).toBe('5');
  expect(world.memory.view().wiring).toEqual({
    specChanged: false,
    drift: [{ path: back, kind: 'missing' }],
    repairable: [],
  });
});

test('nothing is written under a number that is another domain by now', async () => {
  await world.xenstore.write('/local/domain/5/vm', '/vm/ffffffff-0000-4000-8000-000000000001');
  await world.xenstore.write('/local/domain/5/image/device-model-domid', '99');
  const wiring = await look();
  const context = world.context({ object, note });
  world.memory.inspected(context.snapshot, wiring);
  await rewire(context, wiring.repairable);
  expect(await world.xenstore.readString('/local/domain/5/image/device-model-domid')).toBe('99');
  expect(world.memory.view().wiring?.repairable).toEqual([]);
});

test('a spec that was changed under a running stub domain is said, and not taken for drift', async () => {
  const edited = aStubDomain({ disks: [...disks, { ...disks[0], name: 'data', source: '/dev/vg/data' }] });
  expect(await look(edited)).toEqual({ specChanged: true, drift: [], repairable: [] });
  expect((await look(aStubDomain({ disks: [...disks], runState: 'Paused' }))).specChanged).toBe(false);
});
