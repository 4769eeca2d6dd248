import { describe, expect, test } from '@jest/globals';
import type { StubDomainSpec } from '../../../../operator/api/generated/stub-domain.ts';
import { agentFinalizer } from '../../../../operator/api/names.ts';
import { nextStep } from '../../../../operator/domain/next-step.ts';
import { attachmentObstacle } from '../../../../operator/domain/pci/attachment-obstacle.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import type { Adoptable } from '../../../../operator/domain/stub-domain/adoption.ts';
import { stubDomainConditions } from '../../../../operator/domain/stub-domain/conditions.ts';
import { channelPhase } from '../../../../operator/domain/command-channel/look.ts';
import {
  aBackend,
  aPciNote,
  aSnapshot,
  aStubDomain,
  anAttachment,
  theAddress,
  theStub,
} from '../../../support/builders.ts';

const adopting = (spec: Partial<StubDomainSpec> = {}, metadata: object = {}) =>
  aStubDomain({ provisioning: 'Adopt', ...spec }, metadata);
const guest = { memoryMiB: 512, vcpus: 2, bootOrder: 'cd', passthrough: 'Enabled' } as const;
const adoptable: Adoptable = { ...theStub, linked: true, flavor: 'MiniOS', devices: [] };
const adoptedNote = { ...aSnapshot().note!, adopted: true };
const deleted = { deletionTimestamp: '2026-01-01T00:00:00Z' };

/** The guest runs with a stub domain that xl made, and nothing is noted of it. */
const found = (change: Partial<Snapshot> = {}): Snapshot =>
  aSnapshot({
    object: adopting(),
    note: undefined,
    stub: undefined,
    channel: undefined,
    devices: [],
    foreignStub: theStub.domid,
    adoptable,
    ...change,
  });
const adopted = (change: Partial<Snapshot> = {}): Snapshot =>
  aSnapshot({ object: adopting(), note: adoptedNote, ...change });
const planOf = (snapshot: Snapshot) => nextStep(snapshot, agentFinalizer);
const stepOf = (snapshot: Snapshot) => planOf(snapshot).step;
const condition = (snapshot: Snapshot, type: string) =>
  stubDomainConditions(snapshot, channelPhase(snapshot)).find((one) => one.type === type);

describe('a stub domain that another toolstack made', () => {
  test('is adopted', () => {
    expect(stepOf(found())).toEqual({ do: 'adoptDomain' });
  });

  test('is not adopted before its toolstack has linked it with the guest, and is looked at again', () => {
    const snapshot = found({ adoptable: { ...adoptable, linked: false } });
    expect(planOf(snapshot)).toEqual({ step: undefined, wakeAt: snapshot.now + 5000 });
    expect(condition(snapshot, 'Ready')).toMatchObject({ status: 'False', reason: 'Wiring' });
  });

  test('is waited for, and said to be missing', () => {
    const { adoptable: _, ...rest } = found({ foreignStub: undefined });
    expect(planOf(rest)).toEqual({ step: undefined, wakeAt: undefined });
    expect(planOf({ ...rest, stubIsComing: true })).toEqual({ step: undefined, wakeAt: rest.now + 5000 });
    const { status, reason, message } = condition(rest, 'Ready')!;
    expect([status, reason]).toEqual(['False', 'NoStubDomain']);
    expect(message).toMatch(/device_model_stubdomain_override=1/);
  });

  test('of another flavor is left alone', () => {
    const snapshot = found({ adoptable: { ...adoptable, flavor: 'Linux' } });
    expect(stepOf(snapshot)).toBeUndefined();
    expect(condition(snapshot, 'Stalled')).toMatchObject({ status: 'True', reason: 'FlavorMismatch' });
    expect(stepOf({ ...snapshot, object: adopting({ flavor: 'Linux' }) })).toEqual({ do: 'adoptDomain' });
  });

  test('is never made, wired, started or taken for a rival', () => {
    expect(stepOf(found({ object: aStubDomain() }))).toBeUndefined();
    expect(condition(found({ object: aStubDomain() }), 'Stalled')).toMatchObject({ reason: 'TargetTaken' });
    expect(condition(found(), 'Stalled')).toMatchObject({ status: 'False' });
  });
});

describe('an adopted stub domain', () => {
  test('is Ready when its device model answers', () => {
    expect(stepOf(adopted())).toBeUndefined();
    expect(condition(adopted(), 'Ready')).toMatchObject({ status: 'True', reason: 'AsDesired' });
    expect(condition(adopted(), 'DevicesWired')?.message).toMatch(/^Another toolstack laid everything out/);
  });

  test('is paused and sent devices like any other', () => {
    expect(stepOf(adopted({ object: adopting({ runState: 'Paused' }) }))).toMatchObject({
      do: 'send',
      command: 'save',
    });
    expect(stepOf(adopted({ attachments: [anAttachment()] }))).toMatchObject({ do: 'claim' });
  });

  test('is let go of when the guest is gone or was started anew', () => {
    expect(stepOf(adopted({ target: undefined }))).toEqual({ do: 'teardown', because: 'targetGone' });
    const { target } = aSnapshot();
    expect(stepOf(adopted({ target: { ...target!, domid: 9 } }))).toEqual({
      do: 'teardown',
      because: 'targetRestarted',
    });
  });

  test('whose object is gone is taken over by another that adopts, and by no other', () => {
    const orphan = { note: { ...adoptedNote, owner: 'gone' }, noteOwnerExists: false };
    expect(stepOf(adopted(orphan))).toEqual({ do: 'takeOver' });
    expect(stepOf(adopted({ ...orphan, object: aStubDomain(), notePlanFits: true }))).toEqual({
      do: 'teardown',
      because: 'orphanNote',
    });
  });

  test('that is deleted: its devices leave first', () => {
    const object = adopting({}, deleted);
    const pciNotes = new Map([[theAddress, aPciNote({ stage: 'attached', vdevfn: 32 })]]);
    const attachments = [anAttachment()];
    expect(stepOf(adopted({ object, pciNotes, attachments }))).toMatchObject({ do: 'send', command: 'pci-rem' });
    expect(stepOf(adopted({ object }))).toEqual({ do: 'teardown', because: 'deleted' });
  });

  describe('that is deleted, and nobody lets its devices go', () => {
    const object = adopting({}, deleted);
    const { channel } = aSnapshot();
    const having = (change: Parameters<typeof aPciNote>[0], view = aBackend(theAddress)): Snapshot =>
      adopted({
        object,
        channel: { ...channel!, state: 'paused' },
        pciNotes: new Map([[theAddress, aPciNote(change)]]),
        pciBackend: view,
      });

    test('they are taken', () => {
      expect(stepOf(having({ stage: 'attached', vdevfn: 48 }))).toEqual({
        do: 'abandonRemoval',
        address: theAddress,
        forced: { by: 'gone' },
      });
    });

    test('and leave its back end, which lives on, before it is let go of', () => {
      const taken = { stage: 'removed', unconfirmed: true, forcedAt: 1_000_000 } as const;
      expect(stepOf(having(taken))).toEqual({ do: 'closeBackend', address: theAddress });
      expect(stepOf(having(taken, { ...aBackend(theAddress), state: 5 }))).toBeUndefined();
      expect(stepOf(having(taken, { ...aBackend(theAddress), state: 6 }))).toMatchObject({ do: 'release' });
      expect(stepOf({ ...having(taken), pciNotes: new Map() })).toEqual({ do: 'teardown', because: 'deleted' });
    });
  });

  test('a device that its toolstack gave the guest is not inserted a second time', () => {
    const claims = new Map([[theAddress, adoptedNote.target.domid]]);
    const snapshot = adopted({ claims, attachments: [anAttachment()] });
    expect(attachmentObstacle(snapshot, anAttachment())).toMatchObject({
      reason: 'DeviceInUse',
      message: expect.stringMatching(/its toolstack gave it .* Delete this PciAttachment; or .* start the guest anew/),
    });
    expect(stepOf(snapshot)).toBeUndefined();
  });

  test('a back end that pciback gave up stays as long as its toolstack has a device there', () => {
    const closed = { ...aBackend(theAddress, '0000:03:00.1'), state: 6 };
    const pciNotes = new Map([[theAddress, aPciNote()]]);
    const claims = new Map([[theAddress, adoptedNote.target.domid]]);
    const memory = { attempts: new Map(), readied: new Map([[theAddress, theStub.uuid]]) };
    const snapshot = adopted({ pciBackend: closed, pciNotes, claims, memory, attachments: [anAttachment()] });
    expect(stepOf(snapshot)).toBeUndefined();
    const ours = { ...snapshot, pciBackend: { ...aBackend(theAddress), state: 6 } };
    expect(stepOf(ours)).toEqual({ do: 'dropBackend' });
  });

  test('of flavor Linux takes no devices for now', () => {
    const snapshot = adopted({ object: adopting({ flavor: 'Linux' }), attachments: [anAttachment()] });
    expect(attachmentObstacle(snapshot, anAttachment())).toMatchObject({ reason: 'Unsupported', forGood: true });
    expect(stepOf(snapshot)).toBeUndefined();
    expect(condition(snapshot, 'Ready')).toMatchObject({ status: 'True' });
  });

  test('of flavor Linux is never given a command, and is let go of like any other', () => {
    const paused = adopting({ flavor: 'Linux', runState: 'Paused' });
    expect(stepOf(adopted({ object: paused }))).toBeUndefined();
    expect(condition(adopted({ object: paused }), 'Stalled')).toMatchObject({ status: 'True', reason: 'Unsupported' });
    const object = adopting({ flavor: 'Linux' }, deleted);
    expect(stepOf(adopted({ object }))).toEqual({ do: 'teardown', because: 'deleted' });
  });
});

describe('a guest that is started with its stub domain', () => {
  const object = aStubDomain({ guest });
  const guestNote = { owner: 'sd-1', stage: 'intended' } as const;
  const { adoptable: _, ...bare } = found({ object, target: undefined, foreignStub: undefined });
  const none: Snapshot = { ...bare, stubDomainsMadeBy: 'toolstack' };
  const running = adopted({ object, stubDomainsMadeBy: 'toolstack', guestNote: { ...guestNote, stage: 'started' } });

  test('is made, adopted and let run, in this order', () => {
    expect(stepOf(none)).toEqual({ do: 'createGuest' });
    expect(stepOf(found({ object, stubDomainsMadeBy: 'toolstack', guestNote }))).toEqual({ do: 'adoptDomain' });
    expect(stepOf(adopted({ object, stubDomainsMadeBy: 'toolstack', guestNote }))).toEqual({ do: 'startGuest' });
    expect(stepOf(running)).toBeUndefined();
  });

  test('runs also where another StubDomain for it asked the toolstack last, and lost', () => {
    const others = { ...guestNote, owner: 'sd-2' };
    expect(stepOf(adopted({ object, stubDomainsMadeBy: 'toolstack', guestNote: others }))).toEqual({
      do: 'startGuest',
    });
    const adopts = adopted({ stubDomainsMadeBy: 'toolstack', guestNote: others });
    expect(stepOf(adopts)).toBeUndefined();
  });

  test('does not run before its device model answers: an xl that an earlier agent started may be at work yet', () => {
    const asked = adopted({ object, stubDomainsMadeBy: 'toolstack', guestNote });
    const silent = { ...asked.channel!, state: 'Absent' } as const;
    expect(stepOf({ ...asked, channel: silent })).toBeUndefined();
    // It never says so on the new node.
    expect(stepOf({ ...asked, channel: { ...silent, legacy: true } })).toEqual({ do: 'startGuest' });
  });

  test('is made again when it is gone, after its notes were put in order', () => {
    expect(stepOf({ ...running, target: undefined, stub: undefined, channel: undefined })).toEqual({
      do: 'teardown',
      because: 'targetGone',
    });
    expect(stepOf({ ...none, guestNote: { ...guestNote, stage: 'started' } })).toEqual({ do: 'createGuest' });
  });

  test('that the toolstack refuses is said and tried again later', () => {
    const attempt = { reason: 'HypervisorFailed', detail: 'xl said no', count: 1, retryAt: none.now + 1000 };
    const snapshot: Snapshot = { ...none, memory: { attempts: new Map([['sd-1', attempt]]) } };
    expect(planOf(snapshot)).toEqual({ step: undefined, wakeAt: attempt.retryAt });
    expect(condition(snapshot, 'Ready')).toMatchObject({
      status: 'False',
      reason: 'GuestFailed',
      message: 'Guest web could not be started: xl said no. It is tried again.',
    });
    const said = { ...attempt, detail: 'Cannot create guest web: no room. It is tried again.' };
    const twice = { ...snapshot, memory: { attempts: new Map([['sd-1', said]]) } };
    expect(condition(twice, 'Ready')?.message).toBe(
      'Guest web could not be started: Cannot create guest web: no room. It is tried again.',
    );
    expect(condition(none, 'Ready')).toMatchObject({ reason: 'GuestStarting' });
  });

  test('ends with its object, before the notes go', () => {
    const gone = aStubDomain({ guest }, deleted);
    expect(stepOf({ ...running, object: gone })).toEqual({ do: 'endGuest' });
    expect(stepOf({ ...running, object: gone, target: undefined, channel: undefined })).toEqual({
      do: 'teardown',
      because: 'deleted',
    });
    expect(stepOf({ ...none, object: gone, guestNote })).toEqual({ do: 'sweep' });
    expect(stepOf({ ...none, object: gone })).toMatchObject({ do: 'removeFinalizer' });
  });

  test('whose creation ended half way is said to be in the way, and what to do', () => {
    const { adoptable: __, ...half } = found({ object, stubDomainsMadeBy: 'toolstack', guestNote });
    const snapshot = { ...half, foreignStub: undefined };
    expect(stepOf(snapshot)).toBeUndefined();
    expect(condition(snapshot, 'Ready')).toMatchObject({ status: 'False', reason: 'NoStubDomain' });
    expect(condition(snapshot, 'Ready')?.message).toMatch(/ended half way.*xl destroy 5.*made again/);
  });

  test('that another started, or that is to be orphaned, is not ended', () => {
    const { guestNote: __, ...others } = { ...running, object: aStubDomain({ guest }, deleted) };
    expect(stepOf(others)).toEqual({ do: 'teardown', because: 'deleted' });
    const orphaned = aStubDomain({ guest, deletionPolicy: 'Orphan' }, deleted);
    expect(stepOf({ ...running, object: orphaned })).toEqual({ do: 'forget' });
  });
});
