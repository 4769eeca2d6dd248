import { afterEach, expect, test } from '@jest/globals';
import { StaleSnapshotError } from '../../../../operator/agent/act/context.ts';
import { claim, ready } from '../../../../operator/agent/act/attach.ts';
import { closeLast, release } from '../../../../operator/agent/act/device.ts';
import { pciClaimPath, pciDriverPath, pciNotePath } from '../../../../operator/domain/locations.ts';
import { formatNote, parseNote } from '../../../../operator/domain/notes.ts';
import { HypervisorError, type PciDevice } from '../../../../operator/hypervisor/hypervisor.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';
import { aBackend, aPciNote, anAttachment, targetUuid, theAddress, theTarget } from '../../../support/builders.ts';

let world: ActWorld;
afterEach(() => world.close());

const card = (driver: string): PciDevice => ({
  address: theAddress,
  vendorID: '8086',
  deviceID: '10fb',
  classID: '020000',
  driver,
});
const notePath = pciNotePath(targetUuid, theAddress);

async function noted(change: Parameters<typeof aPciNote>[0]) {
  const note = aPciNote(change);
  await world.xenstore.write(notePath, formatNote('pci', note));
  await world.xenstore.write(pciClaimPath(theAddress), String(theTarget.domid));
  return { pciNotes: new Map([[theAddress, note]]) };
}

test('a device that was claimed and never seized is not reset under the driver that uses it', async () => {
  world = await startActWorld({ devices: [card('ixgbe')] });
  await release(world.context(await noted({ originalDriver: 'ixgbe' })), theAddress, false);
  expect(world.bus.resets()).toEqual({});
  expect(world.bus.device(theAddress).driver).toBe('ixgbe');
  expect(await world.tree('/tool/stubdom')).not.toHaveProperty(notePath);
  expect(await world.xenstore.tryRead(pciClaimPath(theAddress))).toBeUndefined();
});

test('a device that comes from a guest is reset, and its driver gets it back', async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  await release(world.context(await noted({ stage: 'removed', originalDriver: 'ixgbe' })), theAddress, false);
  expect(world.bus.resets()).toEqual({ [theAddress]: 1 });
  expect(world.bus.device(theAddress).driver).toBe('ixgbe');
});

test.each([
  ['its driver gets it', false, 'ixgbe'],
  ['not if nobody confirmed that the guest let go', true, undefined],
])('a crash left the device between two drivers: %s', async (_, quarantine, driver) => {
  const { driver: _none, ...between } = card('pciback');
  world = await startActWorld({ devices: [between] });
  await release(world.context(await noted({ stage: 'removed', originalDriver: 'ixgbe' })), theAddress, quarantine);
  expect(world.bus.device(theAddress).driver).toBe(driver);
  expect(await world.xenstore.tryRead(notePath)).toBeUndefined();
});

test.each([
  ['gave it back', 'removed' as const],
  ['seized it', 'claimed' as const],
])('a crash when the agent %s leaves no word in XenStore of whose it was', async (_, stage) => {
  world = await startActWorld({ devices: [card('ixgbe')] });
  await world.xenstore.write(pciDriverPath(theAddress), '/sys/bus/pci/drivers/ixgbe');
  await release(world.context(await noted({ stage, originalDriver: 'ixgbe' })), theAddress, false);
  expect(await world.tree('/libxl/pci')).not.toHaveProperty(pciDriverPath(theAddress));
  expect(world.bus.resets()).toEqual({});
  expect(world.bus.device(theAddress).driver).toBe('ixgbe');
});

test('a device that was pulled out counts as released', async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  const context = world.context(await noted({ stage: 'removed', originalDriver: 'ixgbe' }));
  world.unplug(theAddress);
  await release(context, theAddress, false);
  expect(await world.xenstore.tryRead(notePath)).toBeUndefined();
  expect(context.devices.devices.has(theAddress)).toBe(false);
});

test('a driver of dom0 that took the device since the list was read keeps it', async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  const context = world.context({ attachments: [anAttachment()], ...(await noted({})) });
  world.bus.releaseAssignable(theAddress, 'ixgbe');
  await expect(ready(context, 'pa-1', theAddress)).rejects.toThrow(StaleSnapshotError);
  expect(world.bus.resets()).toEqual({});
  expect(world.bus.grants()).toEqual([]);
  expect(context.devices.devices.get(theAddress)?.driver).toBe('ixgbe');
});

test('the driver that a device is seized from is noted before it is seized', async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  const attachments = [anAttachment({ spec: { driverPolicy: 'Seize' } })];
  const context = world.context({ attachments, ...(await noted({})) });
  world.bus.releaseAssignable(theAddress, 'ixgbe');
  await ready(context, 'pa-1', theAddress);
  expect(world.bus.device(theAddress).driver).toBe('pciback');
  expect(parseNote('pci', await world.xenstore.tryRead(notePath))?.originalDriver).toBe('ixgbe');
});

test('a device that the guest cannot have is not taken from dom0', async () => {
  world = await startActWorld({ devices: [card('ixgbe')] });
  const attachments = [anAttachment({ spec: { driverPolicy: 'Seize' } })];
  const context = world.context({ attachments, ...(await noted({})) });
  const asked: unknown[] = [];
  const requireGrantable = async (...words: unknown[]): Promise<void> => {
    asked.push(words);
    throw new HypervisorError('NotSupported', 'the guest was created without an IOMMU context');
  };
  const hypervisor = { ...context.hypervisor, requireGrantable };
  await expect(ready({ ...context, hypervisor }, 'pa-1', theAddress)).rejects.toMatchObject({ code: 'NotSupported' });
  expect(asked).toEqual([[theAddress, theTarget]]);
  expect(world.bus.device(theAddress).driver).toBe('ixgbe');
  expect(world.bus.grants()).toEqual([]);
});

test('a device that has no way to be reset is given away all the same, and people are told', async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  const context = world.context({ attachments: [anAttachment()], ...(await noted({})) });
  const unresettable = Promise.reject(new HypervisorError('NotSupported', 'the device has no way to be reset'));
  unresettable.catch(() => {});
  await ready({ ...context, hypervisor: { ...context.hypervisor, reset: () => unresettable } }, 'pa-1', theAddress);
  expect(world.happenings.map(({ reason }) => reason)).toEqual(['ResetUnsupported']);
  expect(world.bus.grants()).toHaveLength(1);
});

test('a device whose grants were taken back is made ready again before it is inserted', async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  const back = '/local/domain/0/backend/pci/7/0';
  for (const [node, value] of Object.entries({ num_devs: '1', 'dev-0': theAddress, state: '4', 'state-0': '3' }))
    await world.xenstore.write(`${back}/${node}`, value);
  const context = world.context({
    attachments: [anAttachment()],
    ...(await noted({})),
    pciBackend: aBackend(theAddress),
  });
  await ready(context, 'pa-1', theAddress);
  expect(world.memory.view().readied?.has(theAddress)).toBe(true);
  await closeLast(context, theAddress);
  expect(world.bus.grants()).toEqual([]);
  expect(world.memory.view().readied?.has(theAddress)).toBe(false);
  expect(await world.xenstore.readString(`${back}/state`)).toBe('5');
});

test("an earlier attachment's note is not overwritten", async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  await noted({ owner: 'pa-0', stage: 'attached' });
  const attachments = [anAttachment()];
  await expect(claim(world.context({ attachments }), [{ uid: 'pa-1', address: theAddress }])).rejects.toThrow(
    StaleSnapshotError,
  );
  expect(parseNote('pci', await world.xenstore.tryRead(notePath))).toMatchObject({ owner: 'pa-0', stage: 'attached' });
});

test('a device that another guest was given when ours was gone is neither reset nor taken from it', async () => {
  world = await startActWorld({ devices: [card('pciback')] });
  const notes = await noted({ stage: 'removed', originalDriver: 'ixgbe' });
  await world.xenstore.write(pciClaimPath(theAddress), '9');
  await release(world.context({ ...notes, stub: undefined }), theAddress, false);
  expect(world.bus.resets()).toEqual({});
  expect(world.bus.device(theAddress).driver).toBe('pciback');
  expect(await world.xenstore.readString(pciClaimPath(theAddress))).toBe('9');
  expect(await world.xenstore.tryRead(notePath)).toBeUndefined();
});
