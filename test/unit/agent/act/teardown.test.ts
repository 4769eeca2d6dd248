import { afterEach, describe, expect, test } from '@jest/globals';
import { teardown } from '../../../../operator/agent/act/teardown.ts';
import { pciClaimPath, pciNotePath, stubNotePath } from '../../../../operator/domain/locations.ts';
import { formatNote } from '../../../../operator/domain/notes.ts';
import { setupPlan } from '../../../../operator/domain/stub-domain/setup-plan.ts';
import { writePlan } from '../../../../operator/agent/act/write-plan.ts';
import type { Domain } from '../../../../operator/hypervisor/hypervisor.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';
import {
  aPciNote,
  aSnapshot,
  aSpec,
  stubUuid,
  targetUuid,
  theAddress,
  theStub,
  theTarget,
} from '../../../support/builders.ts';

let world: ActWorld;
afterEach(() => world.close());

const other = 'ffffffff-0000-4000-8000-000000000001';
const domain = (domid: number, uuid: string, type: Domain['type']): Domain => ({
  domid,
  uuid,
  name: uuid,
  type,
  memoryMiB: 64,
  paused: false,
});

async function laidOut(): Promise<void> {
  const spec = aSpec({
    disks: [{ name: 'root', source: '/dev/vg/web', backend: 'Block', access: 'ReadWrite', device: 'Disk' }],
  });
  const { xenstore } = world;
  for (const [domid, uuid] of [
    [7, stubUuid],
    [5, targetUuid],
  ] as const) {
    await xenstore.write(`/local/domain/${domid}/vm`, `/vm/${uuid}`);
    await xenstore.write(`/vm/${uuid}/uuid`, uuid);
  }
  await writePlan(xenstore, setupPlan(spec, { stub: theStub, target: theTarget, targetName: 'web' }));
  await xenstore.write(stubNotePath(targetUuid), formatNote('stub', aSnapshot().note!));
}

describe('a domid that another domain has by now', () => {
  test("nothing of a domain with the dead stub domain's number is touched", async () => {
    world = await startActWorld({ devices: [], domains: [domain(7, other, 'HVM'), domain(5, targetUuid, 'HVM')] });
    await laidOut();
    await world.xenstore.write('/local/domain/7/vm', `/vm/${other}`);
    const before = { ...(await world.tree('/local/domain/7')), ...(await world.tree('/local/domain/0/backend/vbd/7')) };
    await teardown(world.context({ stub: undefined, channel: undefined }), 'domainDied');
    expect({
      ...(await world.tree('/local/domain/7')),
      ...(await world.tree('/local/domain/0/backend/vbd/7')),
    }).toEqual(before);
    expect(await world.tree(`/vm/${stubUuid}`)).toEqual({});
    expect(await world.tree('/local/domain/5/image')).not.toHaveProperty('/local/domain/5/image/device-model-domid');
    expect(await world.xenstore.tryRead(stubNotePath(targetUuid))).toBeUndefined();
  });

  test("another guest with the old guest's number keeps its stub domain", async () => {
    world = await startActWorld({ devices: [], domains: [domain(7, stubUuid, 'PV'), domain(5, other, 'HVM')] });
    await laidOut();
    await world.xenstore.write('/local/domain/5/vm', `/vm/${other}`);
    await world.xenstore.write('/local/domain/5/image/device-model-domid', '8');
    await teardown(world.context({ target: undefined, channel: undefined }), 'targetGone');
    expect(await world.xenstore.tryReadString('/local/domain/5/image/device-model-domid')).toBe('8');
    expect(await world.xenstore.tryReadString('/local/domain/5/hvmloader/bios')).toBe('rombios');
    expect(await world.tree('/local/domain/7')).toEqual({});
    expect(await world.tree('/local/domain/0/backend/vbd/7')).toEqual({});
    expect(world.ended).toEqual([stubUuid]);
  });

  test('one that the hypervisor lists and XenStore does not show yet counts as well', async () => {
    world = await startActWorld({ devices: [], domains: [domain(7, other, 'HVM')] });
    await laidOut();
    await world.xenstore.remove('/local/domain/7/vm');
    await teardown(world.context({ stub: undefined, channel: undefined }), 'domainDied');
    expect(await world.tree('/local/domain/7')).toHaveProperty('/local/domain/7/target');
  });
});

test('a device that an interrupted teardown gave back already is not reset under its driver', async () => {
  const device = { address: theAddress, vendorID: '8086', deviceID: '10fb', classID: '020000', driver: 'ixgbe' };
  world = await startActWorld({ devices: [device], domains: [domain(5, targetUuid, 'HVM')] });
  await laidOut();
  const note = aPciNote({ stage: 'removed', originalDriver: 'ixgbe' });
  await world.xenstore.write(pciNotePath(targetUuid, theAddress), formatNote('pci', note));
  await teardown(world.context({ stub: undefined, pciNotes: new Map([[theAddress, note]]) }), 'deleted');
  expect(world.bus.resets()).toEqual({});
  expect(world.bus.device(theAddress).driver).toBe('ixgbe');
  expect(await world.tree('/tool/stubdom')).not.toHaveProperty(stubNotePath(targetUuid));
});

test('a device that another guest was given meanwhile stays there', async () => {
  const device = { address: theAddress, vendorID: '8086', deviceID: '10fb', classID: '020000', driver: 'pciback' };
  world = await startActWorld({ devices: [device], domains: [domain(9, other, 'HVM')] });
  const note = aPciNote({ stage: 'attached', originalDriver: 'ixgbe' });
  await world.xenstore.write(pciNotePath(targetUuid, theAddress), formatNote('pci', note));
  await world.xenstore.write(pciClaimPath(theAddress), '9');
  const change = { target: undefined, stub: undefined, channel: undefined, pciNotes: new Map([[theAddress, note]]) };
  await teardown(world.context(change), 'targetGone');
  expect(world.bus.resets()).toEqual({});
  expect(await world.xenstore.readString(pciClaimPath(theAddress))).toBe('9');
});
