import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { forceRemovalAnnotation } from '../../../operator/api/names.ts';
import type { PciDevice } from '../../../operator/hypervisor/hypervisor.ts';
import { pciAttachments } from '../../../operator/kube/resources.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

/** Cards with four functions each, bound to pciback. */
const cards = Array.from(
  { length: 8 },
  (_, card) => `0000:0${(0xb + (card % 5)).toString(16)}:0${Math.floor(card / 5)}`,
);
const devices = cards.flatMap((card, index) =>
  [0, 1, 2, 3].map((fn): PciDevice => ({
    address: `${card}.${fn}`,
    vendorID: '8086',
    deviceID: '1521',
    classID: '020000',
    driver: 'pciback',
    iommuGroup: 9000 + index * 4 + fn,
    numaNode: 0,
  })),
);
let used = 0;

beforeAll(async () => {
  world = await startOperatorWorld({ devices });
  ({ objects } = world);
});
afterAll(() => world.close());

const inserted = async (guest: string) =>
  ((await world.host().deviceModel(guest))?.inserted ?? []).map(({ devfn }) => devfn);
const seen = async (guest: string) =>
  ((await world.host().deviceModel(guest))?.guestDevices ?? []).map(({ devfn }) => devfn).sort();
const grantsOf = async (card: string) =>
  (await world.host().admin.grants()).filter(({ address }) => address.startsWith(card));
/** Functions of the card that are claimed on the host. */
const claimsOf = async (card: string): Promise<number[]> => {
  const { store } = world.host();
  const path = (fn: number): string => `/libxl/pci/${card.replaceAll(':', '-')}-${fn}/domid`;
  const holders = await Promise.all([0, 1, 2, 3].map(async (fn) => store.tryReadString(path(fn))));
  return [0, 1, 2, 3].filter((fn) => holders[fn] !== undefined);
};

function nextCard(): string {
  const card = cards[used];
  used += 1;
  if (card === undefined) throw new Error('no card is left');
  return card;
}

/** Function `fn` of the card for slot 6, as PciAttachment `<name>-<fn>`. */
const attach = async (name: string, card: string, fn: number) =>
  objects.attachment(`${name}-${fn}`, name, `${card}.${fn}`, { virtualSlot: 6, virtualFunction: fn });

async function whole(name: string, ...quirks: string[]): Promise<string> {
  const card = nextCard();
  await world.running(name, ...quirks);
  for (const fn of [0, 1, 2, 3]) await attach(name, card, fn);
  for (const fn of [0, 1, 2, 3]) await objects.ready('PciAttachment', `${name}-${fn}`);
  return card;
}

describe('a card with four functions', () => {
  test('is inserted from function 3 to 0, and the guest sees all', async () => {
    await whole('quad');
    expect(await inserted('quad')).toEqual([0x33, 0x32, 0x31, 0x30]);
    expect(await seen('quad')).toEqual([0x30, 0x31, 0x32, 0x33]);
    const { status } = await objects.get('PciAttachment', 'quad-2');
    expect(status?.virtualDeviceFunction).toBe('0x32');
    expect((await world.host().deviceModel('quad'))?.commands).toEqual({ 'pci-ins': 4 });
  });

  test('leaves with function 0; what is still wanted comes again with the next function 0', async () => {
    const card = await whole('again');
    await objects.removed('PciAttachment', 'again-0');
    expect(await seen('again')).toEqual([]);
    expect((await world.host().deviceModel('again'))?.slotsInUse).toBe(4);
    for (const fn of [1, 2, 3]) {
      await objects.condition('PciAttachment', `again-${fn}`, 'Ready', {
        status: 'False',
        reason: 'FunctionZeroMissing',
      });
    }
    expect((await grantsOf(card)).every(({ iommu }) => !iommu)).toBe(true);
    await attach('again', card, 0);
    for (const fn of [0, 1, 2, 3]) await objects.ready('PciAttachment', `again-${fn}`);
    expect(await inserted('again')).toEqual([0x33, 0x32, 0x31, 0x30, 0x33, 0x32, 0x31, 0x30]);
    expect(await seen('again')).toEqual([0x30, 0x31, 0x32, 0x33]);
    expect((await world.host().deviceModel('again'))?.commands).toEqual({ 'pci-ins': 8, 'pci-rem': 1 });
  });

  test('does not let one of the others go alone: it leaves when function 0 does', async () => {
    const card = await whole('clinging');
    await objects.remove('PciAttachment', 'clinging-2');
    const condition = await objects.condition('PciAttachment', 'clinging-2', 'Removing', {
      reason: 'LeavesWithFunctionZero',
    });
    expect(condition.message).toMatch(/it leaves with function 0, PciAttachment clinging-0\. Delete that one too\.$/);
    expect(await seen('clinging')).toEqual([0x30, 0x31, 0x32, 0x33]);
    await objects.condition('PciAttachment', 'clinging-0', 'Ready', { status: 'True' });
    await objects.remove('PciAttachment', 'clinging-0');
    await objects.gone('PciAttachment', 'clinging-0');
    await objects.gone('PciAttachment', 'clinging-2');
    expect(await claimsOf(card)).toEqual([1, 3]);
    expect((await world.host().deviceModel('clinging'))?.commands).toEqual({ 'pci-ins': 4, 'pci-rem': 1 });
  });

  test('of a StubDomain that is deleted leaves with one command, and no trace', async () => {
    const card = await whole('over');
    await objects.removed('StubDomain', 'over');
    expect((await world.host().deviceModel('over'))?.commands).toEqual({ 'pci-ins': 4, 'pci-rem': 1 });
    expect(await grantsOf(card)).toEqual([]);
    expect(await claimsOf(card)).toEqual([]);
  });

  test('is not inserted while another guest has one of its functions, and then comes whole', async () => {
    const card = nextCard();
    await world.running('holder');
    await objects.attachment('holder-1', 'holder', `${card}.1`);
    await objects.ready('PciAttachment', 'holder-1');
    await world.running('waiting');
    for (const fn of [0, 1, 2, 3]) await attach('waiting', card, fn);
    await objects.condition('PciAttachment', 'waiting-1', 'Claimed', { status: 'False', reason: 'DeviceClaimed' });
    for (const fn of [0, 2, 3]) {
      await objects.condition('PciAttachment', `waiting-${fn}`, 'Inserted', {
        status: 'False',
        reason: 'UnitIncomplete',
        message: /PciAttachment waiting-1 \(function 1\) has no device/,
      });
    }
    // The others are readied meanwhile.
    for (const fn of [0, 2, 3])
      await objects.condition('PciAttachment', `waiting-${fn}`, 'BackendReady', { status: 'True' });
    expect(await inserted('waiting')).toEqual([]);
    await objects.removed('PciAttachment', 'holder-1');
    for (const fn of [0, 1, 2, 3]) await objects.ready('PciAttachment', `waiting-${fn}`);
    expect(await inserted('waiting')).toEqual([0x33, 0x32, 0x31, 0x30]);
  });

  test('of which the device model refuses one half-way is not shown to the guest, and can be given up', async () => {
    const card = nextCard();
    await world.running('half');
    await world.host().addGuest('taker');
    await objects.stubDomain('taker');
    await objects.attachment('taker-1', 'taker', `${card}.1`);
    await objects.ready('PciAttachment', 'taker-1');
    for (const fn of [0, 1, 2, 3]) await attach('half', card, fn);
    for (const fn of [0, 2, 3])
      await objects.condition('PciAttachment', `half-${fn}`, 'BackendReady', { status: 'True' });
    // Somebody else puts something into function 1 of the slot, as xl would.
    const { status } = await objects.get('StubDomain', 'half');
    const channel = `/local/domain/${String(status?.domid)}/device-model/${String(status?.targetDomid)}`;
    const { store } = world.host();
    await store.write(`${channel}/parameter`, '0000:42:00.0@31,msitranslate=0,power_mgmt=0');
    await store.write(`${channel}/command`, 'pci-ins');
    await eventually(async () => {
      expect(await store.tryReadString(`${channel}/state`)).toBe('pci-inserted');
    });
    await store.write(`${channel}/state`, 'running');
    await objects.removed('PciAttachment', 'taker-1');
    await objects.condition('PciAttachment', 'half-1', 'Inserted', { status: 'False', reason: 'SlotBusy' });
    await objects.condition('PciAttachment', 'half-0', 'Inserted', {
      reason: 'UnitIncomplete',
      message: /half-1 \(function 1\) goes first; the device model refused it, and it is tried again/,
    });
    await objects.condition('PciAttachment', 'half-3', 'Ready', { status: 'False', reason: 'UnitIncomplete' });
    expect(await inserted('half')).toEqual([0x31, 0x33, 0x32]);
    expect(await seen('half')).toEqual([]);
    await objects.remove('PciAttachment', 'half-2');
    await objects.condition('PciAttachment', 'half-2', 'Removing', { reason: 'LeavesWithFunctionZero' });
    for (const fn of [0, 1, 3]) await objects.remove('PciAttachment', `half-${fn}`);
    for (const fn of [0, 1, 2, 3]) await objects.gone('PciAttachment', `half-${fn}`);
    expect(await grantsOf(card)).toEqual([]);
    expect(await claimsOf(card)).toEqual([]);
    const { 'pci-rem': removals = 0 } = (await world.host().deviceModel('half'))?.commands ?? {};
    expect(removals).toBe(0);
  });

  test('comes whole although the agent dies half-way in, and half-way out', async () => {
    const card = nextCard();
    await world.running('shaken', 'reply-delay=200');
    for (const fn of [0, 1, 2, 3]) await attach('shaken', card, fn);
    await eventually(async () => {
      expect((await inserted('shaken')).length).toBeGreaterThan(0);
    });
    await world.host().stopAgent();
    await world.host().startAgent();
    for (const fn of [0, 1, 2, 3]) await objects.ready('PciAttachment', `shaken-${fn}`);
    expect(await inserted('shaken')).toEqual([0x33, 0x32, 0x31, 0x30]);
    await objects.remove('PciAttachment', 'shaken-0');
    await eventually(async () => {
      expect((await world.host().deviceModel('shaken'))?.commands).toMatchObject({ 'pci-rem': 1 });
    });
    await world.host().stopAgent();
    await eventually(async () => {
      expect(await seen('shaken')).toEqual([]);
    });
    await world.host().startAgent();
    await objects.gone('PciAttachment', 'shaken-0');
    for (const fn of [1, 2, 3]) {
      await objects.condition('PciAttachment', `shaken-${fn}`, 'Ready', { reason: 'FunctionZeroMissing' });
      await objects.removed('PciAttachment', `shaken-${fn}`);
    }
    expect((await world.host().deviceModel('shaken'))?.commands).toEqual({ 'pci-ins': 4, 'pci-rem': 1 });
    expect(await grantsOf(card)).toEqual([]);
    expect(await claimsOf(card)).toEqual([]);
  });

  test('of which function 0 is taken by force is taken whole', async () => {
    const card = await whole('rigid', 'no-eject');
    await objects.remove('PciAttachment', 'rigid-0');
    await objects.condition('PciAttachment', 'rigid-0', 'Removing', { reason: 'WaitingForGuest' });
    const annotations = { [forceRemovalAnnotation]: 'the card is on fire' };
    await world.kube.mergePatch(
      pciAttachments,
      { namespace: 'default', name: 'rigid-0' },
      { metadata: { annotations } },
    );
    await objects.gone('PciAttachment', 'rigid-0');
    for (const fn of [1, 2, 3]) {
      await objects.condition('PciAttachment', `rigid-${fn}`, 'Ready', { reason: 'FunctionZeroMissing' });
    }
    expect((await grantsOf(card)).every(({ iommu }) => !iommu)).toBe(true);
    await eventually(async () => {
      expect(await objects.events('rigid-3')).toContainEqual(
        expect.stringMatching(/^Warning RemovalForced: .*on fire/),
      );
    });
    for (const fn of [1, 2, 3]) await objects.removed('PciAttachment', `rigid-${fn}`);
    expect(await grantsOf(card)).toEqual([]);
    expect(await claimsOf(card)).toEqual([]);
  });

  test('a function other than 0 has to name its slot, and stays what it is', async () => {
    const device = `${cards[0] ?? ''}.1`;
    await expect(objects.attachment('placeless', 'quad', device, { virtualFunction: 1 })).rejects.toThrow(
      /virtualFunction above 0 needs virtualSlot: the functions of a card go to one slot of the guest/,
    );
    await expect(objects.patchSpec('PciAttachment', 'quad-2', { virtualFunction: 5 })).rejects.toThrow(
      /virtualFunction cannot be changed: delete the PciAttachment and create it again/,
    );
    await expect(objects.patchSpec('PciAttachment', 'quad-0', { virtualSlot: null })).rejects.toThrow(
      /virtualSlot cannot be changed: delete the PciAttachment and create it again/,
    );
  });
});
