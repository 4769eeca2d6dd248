import { describe, expect, test } from '@jest/globals';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import { agentFinalizer, forceRemovalAnnotation } from '../../../../operator/api/names.ts';
import { replyTo } from '../../../../operator/domain/command-channel/reply.ts';
import { channelTransaction } from '../../../../operator/domain/command-channel/transactions.ts';
import { channelPhase } from '../../../../operator/domain/command-channel/look.ts';
import { pciNotePath } from '../../../../operator/domain/locations.ts';
import { nextStep } from '../../../../operator/domain/next-step.ts';
import { type InflightNote, type PciNote, formatNote, parseNote } from '../../../../operator/domain/notes.ts';
import { pciAttachmentConditions } from '../../../../operator/domain/pci/conditions.ts';
import { pciAttachmentFacts } from '../../../../operator/domain/pci/status.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import {
  aBackend,
  aDevice,
  aPciNote,
  aSnapshot,
  aStubDomain,
  anAttachment,
  hostDevices,
  theStub,
  theTarget,
} from '../../../support/builders.ts';

const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const slot = 6;
const addressOf = (fn: number): string => `0000:03:00.${fn}`;
const functions = [0, 1, 2, 3] as const;
const everything = aBackend(...functions.map(addressOf));

/** The attachment of function `fn`: `fn0` to `fn3`. */
function fnAttachment(fn: number, change: Parameters<typeof anAttachment>[0] = {}): PciAttachment {
  return anAttachment({
    claimed: addressOf(fn),
    ...change,
    metadata: { uid: `pa-${fn}`, name: `fn${fn}`, ...change.metadata },
    spec: { virtualSlot: slot, virtualFunction: fn, ...change.spec },
  });
}

const readied = new Map([...functions.map(addressOf), '0000:04:00.2'].map((address) => [address, theStub.uuid]));

type Stage = PciNote['stage'];

/** Four functions of one card for slot 6; `stages` by function, `going` is being deleted. */
function unit(
  stages: Partial<Record<number, Stage>> = {},
  change: { readonly going?: readonly number[]; readonly missing?: readonly number[] } & Partial<Snapshot> = {},
): Snapshot {
  const { going = [], missing = [], memory, ...rest } = change;
  const present = functions.filter((fn) => !missing.includes(fn));
  const notes = functions.map((fn): [string, PciNote] => {
    const stage = stages[fn] ?? 'claimed';
    const place = stage === 'claimed' ? {} : { vdevfn: (slot << 3) | fn };
    return [addressOf(fn), aPciNote({ owner: `pa-${fn}`, name: `fn${fn}`, stage, ...place })];
  });
  return aSnapshot({
    attachments: present.map((fn) => fnAttachment(fn, going.includes(fn) ? { metadata: deleting } : {})),
    pciNotes: new Map(
      notes.filter(([, { stage, name }]) => stage !== 'claimed' || !missing.some((fn) => name === `fn${fn}`)),
    ),
    claims: new Map(functions.map((fn) => [addressOf(fn), theTarget.domid])),
    pciBackend: everything,
    hostDevices: hostDevices(...functions.map((fn) => aDevice({ address: addressOf(fn) }))),
    memory: { attempts: new Map(), frontendConnectedSince: 990_000, readied, ...memory },
    ...rest,
  });
}

const next = (snapshot: Snapshot) => nextStep(snapshot, agentFinalizer);
const all = (stage: Stage) => ({ 0: stage, 1: stage, 2: stage, 3: stage });

function conditions(snapshot: Snapshot, name: string): Record<string, string> {
  const attachment = snapshot.attachments.find(({ metadata }) => metadata.name === name)!;
  const decisions = pciAttachmentConditions(snapshot, attachment, channelPhase(snapshot));
  return Object.fromEntries(
    decisions.map(({ type, status, reason, message }) => [type, `${status} ${reason}: ${message}`]),
  );
}

describe('inserts go from the highest function to 0', () => {
  test.each<[string, Partial<Record<number, Stage>>, number]>([
    ['none is in', {}, 3],
    ['3 is in', { 3: 'attached' }, 2],
    ['3 and 2 are in, after a crash', { 3: 'inserted', 2: 'attached' }, 1],
    ['all but 0 are in', { 3: 'attached', 2: 'attached', 1: 'attached' }, 0],
    ['a hole is filled before 0', { 3: 'attached', 1: 'attached' }, 2],
  ])('%s', (_, stages, fn) => {
    const granted = Object.entries(stages).find(([, stage]) => stage === 'inserted');
    const { step } = next(unit(stages));
    if (granted === undefined) {
      expect(step).toEqual({
        do: 'send',
        command: 'pci-ins',
        parameter: `${addressOf(fn)}@3${fn},msitranslate=0,power_mgmt=0`,
        owner: `pa-${fn}`,
        address: addressOf(fn),
      });
    } else {
      expect(step).toEqual({ do: 'grant', address: addressOf(Number(granted[0])) });
    }
  });

  test('all in, there is nothing to do', () => {
    const snapshot = unit(all('attached'));
    expect(next(snapshot).step).toBeUndefined();
    for (const fn of functions) expect(conditions(snapshot, `fn${fn}`)['Ready']).toMatch(/^True AsDesired: .* 0x3\d/);
  });

  test('an attachment without a slot has nothing to wait for', () => {
    const single = anAttachment();
    const snapshot = aSnapshot({
      attachments: [single],
      pciNotes: new Map([[addressOf(0), aPciNote()]]),
      claims: new Map([[addressOf(0), theTarget.domid]]),
      pciBackend: aBackend(addressOf(0)),
      memory: { attempts: new Map(), frontendConnectedSince: 990_000, readied },
    });
    expect(next(snapshot).step).toMatchObject({ do: 'send', parameter: `${addressOf(0)},msitranslate=0,power_mgmt=0` });
  });
});

describe('together or not at all', () => {
  const unclaimed = fnAttachment(1, { claimed: false });
  const withUnclaimed = unit({}, { missing: [1] });

  test.each<[string, Snapshot, string]>([
    [
      'one has no device',
      { ...withUnclaimed, attachments: [...withUnclaimed.attachments, unclaimed] },
      'False UnitIncomplete: The functions of slot 6 are inserted together or not at all, and PciAttachment fn1 (function 1) has no device; its condition Claimed says why.',
    ],
    [
      'one is not in the back end',
      unit({}, { pciBackend: aBackend(...[0, 2, 3].map(addressOf)) }),
      'False UnitIncomplete: The functions of slot 6 are inserted together or not at all, and PciAttachment fn1 (function 1) is not ready yet.',
    ],
    [
      'one is not made ready by this life of the agent',
      unit(
        {},
        { memory: { attempts: new Map(), readied: new Map([...readied].filter(([one]) => one !== addressOf(1))) } },
      ),
      'False UnitIncomplete: The functions of slot 6 are inserted together or not at all, and PciAttachment fn1 (function 1) is not ready yet.',
    ],
    [
      'one came after the one listing',
      unit({}, { enumerated: { stub: theStub, addresses: [0, 2, 3].map(addressOf) } }),
      'False UnitIncomplete: The functions of slot 6 are inserted together or not at all, and PciAttachment fn1 (function 1) cannot be attached; its condition Inserted says why.',
    ],
    [
      'one may be in: nobody knows',
      unit({ 1: 'unknown' }),
      'False UnitIncomplete: The functions of slot 6 are inserted together or not at all, and PciAttachment fn1 (function 1) was given to the device model, which gave no clear answer.',
    ],
    [
      'nobody asks for function 0',
      unit({}, { missing: [0] }),
      'False FunctionZeroMissing: No PciAttachment asks for function 0 of slot 6, without which the guest sees none of them. Create one (virtualSlot 6, virtualFunction 0): all functions are inserted together then.',
    ],
    [
      'function 0 is being deleted',
      unit({}, { going: [0] }),
      'False FunctionZeroMissing: No PciAttachment asks for function 0 of slot 6, without which the guest sees none of them. Create one (virtualSlot 6, virtualFunction 0): all functions are inserted together then.',
    ],
  ])('%s: none is inserted', (_, snapshot, inserted) => {
    expect(next(snapshot).step?.do).not.toBe('send');
    expect(conditions(snapshot, 'fn3')['Inserted']).toBe(inserted);
    expect(conditions(snapshot, 'fn3')['Ready']).toBe(inserted);
    expect(conditions(snapshot, 'fn3')['Stalled']).toMatch(/^False/);
  });

  test('the one that is next says for its turn, the others for whom they wait', () => {
    expect(conditions(unit(), 'fn3')['Inserted']).toMatch(/^False Queued/);
    expect(conditions(unit(), 'fn1')['Inserted']).toBe(
      'False UnitIncomplete: PciAttachment fn3 (function 3) goes first.',
    );
  });

  test('one that is refused is tried again, and the others wait for it', () => {
    const attempts = new Map([['pa-1', { reason: 'SlotBusy', count: 1, retryAt: 1_001_000 }]]);
    const snapshot = unit({ 3: 'attached', 2: 'attached' }, { memory: { attempts, frontendConnectedSince: 990_000 } });
    expect(next(snapshot)).toEqual({ step: undefined, wakeAt: 1_001_000 });
    expect(next({ ...snapshot, now: 1_001_000 }).step).toMatchObject({ do: 'send', address: addressOf(1) });
    expect(conditions(snapshot, 'fn0')['Inserted']).toBe(
      'False UnitIncomplete: PciAttachment fn1 (function 1) goes first; the device model refused it, and it is tried again.',
    );
    expect(conditions(snapshot, 'fn3')).toMatchObject({
      Inserted:
        'True Inserted: The device model has the device, and the guest is told of it when PciAttachment fn0, function 0 of slot 6, is inserted too.',
      Ready:
        'False UnitIncomplete: The device model has the device, and the guest is told of it when PciAttachment fn0, function 0 of slot 6, is inserted too.',
    });
    expect(pciAttachmentFacts(snapshot, snapshot.attachments[3]!, false, false).phase).toBe('Attaching');
  });

  test('a refused low function does not hold up a high one that came later', () => {
    const attempts = new Map([['pa-0', { reason: 'SlotBusy', count: 1, retryAt: 1_001_000 }]]);
    const memory = { attempts, frontendConnectedSince: 990_000 };
    const snapshot = unit({ 2: 'attached', 1: 'attached' }, { memory });
    expect(next(snapshot).step).toMatchObject({ do: 'send', address: addressOf(3) });
  });

  test('function 0 without a clear answer: whether the guest was told is not known', () => {
    const snapshot = unit({ ...all('attached'), 0: 'unknown' });
    expect(next(snapshot).step).toBeUndefined();
    expect(conditions(snapshot, 'fn3')['Ready']).toMatch(/^Unknown InsertUnknown: .*PciAttachment fn0/);
  });
});

describe('a place that cannot be had', () => {
  test('another card', () => {
    const other = '0000:04:00.2';
    const base = unit({}, { missing: [2] });
    const stranger = fnAttachment(2, { claimed: other });
    const snapshot = {
      ...base,
      attachments: [...base.attachments, stranger],
      pciNotes: new Map([...base.pciNotes, [other, aPciNote({ owner: 'pa-2', name: 'fn2' })] as const]),
      claims: new Map([...base.claims, [other, theTarget.domid] as const]),
      pciBackend: aBackend(...functions.map(addressOf), other),
      hostDevices: new Map([...base.hostDevices, [other, aDevice({ address: other })] as const]),
    };
    expect(next(snapshot).step).toBeUndefined();
    const message =
      'NotOneCard: 0000:04:00.2 is no function of the card that PciAttachment fn0 puts at function 0 of slot 6, 0000:03:00.0. Give it a slot of its own: delete the PciAttachment and create it again.';
    expect(conditions(snapshot, 'fn2')).toMatchObject({ Inserted: `False ${message}`, Stalled: `True ${message}` });
    expect(conditions(snapshot, 'fn0')['Inserted']).toMatch(/^False UnitIncomplete: .*fn2 \(function 2\) cannot be/);
  });

  test('two ask for one function: the older has it', () => {
    const twin = fnAttachment(1, {
      metadata: { uid: 'pa-9', name: 'twin', creationTimestamp: '2026-01-02T00:00:00Z' },
      claimed: '0000:03:00.7',
    });
    const base = unit();
    const snapshot = {
      ...base,
      attachments: [...base.attachments, twin],
      hostDevices: new Map([...base.hostDevices, ['0000:03:00.7', aDevice({ address: '0000:03:00.7' })] as const]),
    };
    expect(conditions(snapshot, 'twin')['Stalled']).toBe(
      'True FunctionTaken: PciAttachment fn1 is to have function 1 of slot 6. To have another place, delete this one and create it again.',
    );
    expect(conditions(snapshot, 'fn1')['Stalled']).toMatch(/^False/);
    const order = { ...snapshot, pciNotes: unit({ 3: 'attached', 2: 'attached' }).pciNotes };
    const prepared = { ...order, claims: new Map([...order.claims, ['0000:03:00.7', 0] as const]) };
    expect(next(prepared).step).toMatchObject({ do: 'send', address: addressOf(1) });
  });

  test('two ask for one function: the one with a device goes first, and the other does not hold it up', () => {
    const twin = fnAttachment(0, {
      metadata: { uid: 'pa-9', name: 'twin', creationTimestamp: '2025-01-01T00:00:00Z' },
      claimed: false,
    });
    const base = unit({ 3: 'attached', 2: 'attached', 1: 'attached' });
    const snapshot = { ...base, attachments: [twin, ...base.attachments] };
    expect(next(snapshot).step).toMatchObject({ do: 'send', address: addressOf(0) });
  });

  test('function 0 is in already: it has to come again', () => {
    const snapshot = unit({ 0: 'attached', 1: 'attached', 2: 'attached' });
    expect(next(snapshot).step).toBeUndefined();
    const message =
      'FunctionZeroFirst: PciAttachment fn0 put function 0 into slot 6 before this function came, and the guest looks at the other functions only when function 0 comes. Delete PciAttachment fn0 and create it again: all functions are inserted together then.';
    expect(conditions(snapshot, 'fn3')).toMatchObject({ Inserted: `False ${message}`, Stalled: `True ${message}` });
    const leaving = unit({ 0: 'attached', 1: 'attached', 2: 'attached' }, { going: [0] });
    expect(conditions(leaving, 'fn3')['Stalled']).toMatch(/^False/);
  });
});

describe('removal', () => {
  const asked: InflightNote = {
    id: 'i',
    command: 'pci-rem',
    parameter: addressOf(0),
    owner: 'pa-0',
    address: addressOf(0),
    stub: theStub,
    target: theTarget,
    sentAt: 999_000,
  };

  test('function 0 is asked to leave', () => {
    expect(next(unit(all('attached'), { going: [0] })).step).toMatchObject({ do: 'send', parameter: addressOf(0) });
    expect(next(unit(all('attached'), { going: [3, 2, 1, 0] })).step).toMatchObject({
      do: 'send',
      command: 'pci-rem',
      parameter: addressOf(0),
    });
  });

  test('another one alone waits for it, and says so', () => {
    const snapshot = unit(all('attached'), { going: [2] });
    expect(next(snapshot).step).toBeUndefined();
    expect(conditions(snapshot, 'fn2')['Removing']).toBe(
      'True LeavesWithFunctionZero: Function 2 of slot 6 cannot leave the guest alone: it leaves with function 0, PciAttachment fn0. Delete that one too.',
    );
    expect(conditions(unit(all('attached'), { going: [2, 0] }), 'fn2')['Removing']).toMatch(
      /PciAttachment fn0\. That one is on its way out\.$/,
    );
  });

  test('the acknowledgement takes the whole slot out, and nothing else', () => {
    const snapshot = unit(all('attached'), { going: [0] });
    const elsewhere = aPciNote({ owner: 'pa-8', name: 'other', stage: 'attached', vdevfn: 0x38 });
    const earlier = aPciNote({ owner: 'pa-7', stage: 'attached', vdevfn: 0x34, stub: { domid: 3, uuid: 'old' } });
    const pciNotes = new Map([...snapshot.pciNotes, ['0000:04:00.0', elsewhere], ['0000:05:00.0', earlier]] as const);
    const { expect: expected, write } = channelTransaction(
      { do: 'conclude', note: asked, conclusion: { outcome: 'Applied', reason: 'Gone' }, terminal: 'pci-removed' },
      {
        stub: theStub,
        target: theTarget,
        enumerated: undefined,
        listed: [],
        pciNotes,
        granted: false,
        time: 1,
        now: 1,
      },
    );
    const stages = write.flatMap(({ path, value }) => {
      const note = parseNote('pci', new TextEncoder().encode(value));
      return note === undefined ? [] : [[path, note.stage]];
    });
    expect(stages).toEqual(functions.map((fn) => [pciNotePath(theTarget.uuid, addressOf(fn)), 'removed']));
    for (const fn of functions) {
      expect(expected).toContainEqual(
        expect.objectContaining({
          path: pciNotePath(theTarget.uuid, addressOf(fn)),
          text: formatNote('pci', snapshot.pciNotes.get(addressOf(fn))!),
        }),
      );
    }
  });

  test('what is still wanted is readied anew, and waits for the next function 0', () => {
    const out = unit(all('removed'), { going: [0] });
    const withoutZero = {
      ...out,
      pciNotes: new Map([...out.pciNotes].slice(1)),
      attachments: out.attachments.slice(1),
    };
    expect(next(withoutZero).step).toEqual({ do: 'rearm', address: addressOf(1) });
    const ready = unit({}, { missing: [0] });
    expect(next(ready).step).toBeUndefined();
    expect(conditions(ready, 'fn1')['Inserted']).toMatch(/^False FunctionZeroMissing/);
  });

  test('what never was shown to the guest is taken without asking, when nobody wants the slot', () => {
    const partly = { 3: 'attached', 2: 'attached' } as const;
    expect(next(unit(partly, { going: [3, 2, 1, 0] })).step).toEqual({ do: 'revoke', address: addressOf(0) });
    const rest = unit(partly, { missing: [0, 1], going: [3, 2] });
    expect(next(rest).step).toEqual({ do: 'abandonRemoval', address: addressOf(2) });
  });

  test('what never was shown to the guest stays while the others are wanted, and does not hold them up', () => {
    const snapshot = unit({ 3: 'attached', 2: 'attached' }, { going: [3] });
    expect(next(snapshot).step).toMatchObject({ do: 'send', command: 'pci-ins', address: addressOf(1) });
    expect(conditions(snapshot, 'fn3')['Removing']).toBe(
      'True LeavesWithFunctionZero: Function 3 of slot 6 cannot leave the guest alone, which was not told of it yet: it leaves with function 0, or when the other PciAttachments of the slot are deleted too.',
    );
  });

  test('while another function is on its way in, nothing is taken', () => {
    const base = unit({ 3: 'attached', 2: 'attached' }, { missing: [0], going: [3, 2, 1] });
    const inflight: InflightNote = { ...asked, command: 'pci-ins', owner: 'pa-1', address: addressOf(1) };
    const channel = { ...base.channel!, inflight, parameter: { kind: 'request' } as const };
    expect(next({ ...base, channel }).step).toBeUndefined();
  });

  test('what was on its way out of the back end when it was wanted again is released, and claimed anew', () => {
    const entries = everything.entries.map((entry) => (entry.index === 1 ? { ...entry, state: 5 } : entry));
    const snapshot = unit({}, { pciBackend: { ...everything, entries } });
    expect(next(snapshot).step).toEqual({ do: 'release', address: addressOf(1), quarantine: true });
    const busy = unit({}, { pciBackend: { ...everything, entries, state: 7 } });
    expect(next(busy).step).toBeUndefined();
  });

  test('the annotation takes one function alone; Force does after its time', () => {
    const annotations = { [forceRemovalAnnotation]: 'why' };
    const base = unit(all('attached'));
    const forced = fnAttachment(2, { metadata: { ...deleting, annotations } });
    const attachments = base.attachments.map((one) => (one.metadata.name === 'fn2' ? forced : one));
    expect(next({ ...base, attachments }).step).toEqual({
      do: 'abandonRemoval',
      address: addressOf(2),
      forced: { by: 'annotation', words: 'why' },
    });
    const policy = fnAttachment(2, { metadata: deleting, spec: { removalPolicy: 'Force', removalTimeoutSeconds: 10 } });
    const waiting = {
      ...base,
      attachments: base.attachments.map((one) => (one.metadata.name === 'fn2' ? policy : one)),
      memory: { ...base.memory, removingSince: new Map([['pa-2', 995_000]]) },
    };
    expect(next(waiting)).toEqual({ step: undefined, wakeAt: 1_005_000 });
    expect(next({ ...waiting, now: 1_005_000 }).step).toMatchObject({ do: 'abandonRemoval', forced: { by: 'policy' } });
  });

  test('the StubDomain is deleted: function 0 is asked for all', () => {
    const snapshot = unit(all('attached'), { object: aStubDomain({}, deleting) });
    expect(next(snapshot).step).toMatchObject({ do: 'send', command: 'pci-rem', parameter: addressOf(0) });
  });
});

test('an answer that names another place than the one asked for is not the answer to this insert', () => {
  const parameter = { kind: 'vdevfn', vdevfn: 0x32 } as const;
  const sent = (text: string) =>
    ({
      ...aSnapshot().channel!,
      state: 'pci-inserted',
      parameter,
      inflight: { command: 'pci-ins', parameter: text } as InflightNote,
    }) as const;
  expect(replyTo('pci-ins', sent(`${addressOf(1)}@31,msitranslate=0,power_mgmt=0`))).toBeUndefined();
  expect(replyTo('pci-ins', sent(`${addressOf(2)}@32,msitranslate=0,power_mgmt=0`))).toMatchObject({
    conclusion: { outcome: 'Applied', vdevfn: 0x32 },
  });
  expect(replyTo('pci-ins', sent(`${addressOf(2)},msitranslate=0,power_mgmt=0`))).toMatchObject({
    conclusion: { outcome: 'Applied', vdevfn: 0x32 },
  });
});
