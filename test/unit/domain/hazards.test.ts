import { describe, expect, test } from '@jest/globals';
import { agentFinalizer } from '../../../operator/api/names.ts';
import { attachmentObstacle } from '../../../operator/domain/pci/attachment-obstacle.ts';
import { pciAttachmentConditions } from '../../../operator/domain/pci/conditions.ts';
import type { InflightNote } from '../../../operator/domain/notes.ts';
import { nextStep } from '../../../operator/domain/next-step.ts';
import type { Attempt, Snapshot } from '../../../operator/domain/snapshot.ts';
import { stubDomainConditions } from '../../../operator/domain/stub-domain/conditions.ts';
import {
  aBackend,
  aDevice,
  aPciNote,
  aSnapshot,
  aStubDomain,
  anAttachment,
  hostDevices,
  theAddress,
  theStub,
  theTarget,
} from '../../support/builders.ts';

const step = (change: Partial<Snapshot>) => nextStep(aSnapshot(change), agentFinalizer);
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const deletedAt = Date.parse(deleting.deletionTimestamp);
const channel = aSnapshot().channel!;
const refused: Attempt = { reason: 'HypervisorFailed', detail: 'no', count: 1, retryAt: 2_000_000 };
const attempts = (uid: string, attempt = refused): Snapshot['memory'] => ({ attempts: new Map([[uid, attempt]]) });
const notes = (change: Parameters<typeof aPciNote>[0] = {}): Snapshot['pciNotes'] =>
  new Map([[theAddress, aPciNote(change)]]);
const insertUnderWay: InflightNote = {
  id: 'c1',
  command: 'pci-ins',
  parameter: `${theAddress},msitranslate=0,power_mgmt=0`,
  owner: 'pa-1',
  address: theAddress,
  stub: theStub,
  target: theTarget,
  sentAt: 999_000,
};

describe('a device whose insert is under way is not taken back before the answer is known', () => {
  const underWay = {
    channel: { ...channel, inflight: insertUnderWay, parameter: { kind: 'request' } },
    pciBackend: aBackend(theAddress),
    pciNotes: notes({ stage: 'claimed' }),
  } as const;

  test.each<[string, Partial<Snapshot>]>([
    ['its attachment is being deleted', { attachments: [anAttachment({ metadata: deleting })] }],
    ['its attachment is gone', { attachments: [] }],
    ['the StubDomain is gone', { attachments: [anAttachment()], object: undefined }],
  ])('%s', (_, change) => {
    const deadline = insertUnderWay.sentAt + 60_000;
    expect(step({ ...underWay, ...change })).toEqual({ step: undefined, wakeAt: deadline });
  });

  test('nor is it forgotten with a stub domain that is left running', () => {
    const object = aStubDomain({ deletionPolicy: 'Orphan' }, deleting);
    expect(step({ ...underWay, object, attachments: [anAttachment()] }).step).toBeUndefined();
  });
});

describe('what the hypervisor refused is tried again later, not at once', () => {
  test.each<[string, Partial<Snapshot>]>([
    ['grant', { attachments: [anAttachment()], pciNotes: notes({ stage: 'inserted' }), memory: attempts('pa-1') }],
    [
      'revoke',
      {
        attachments: [anAttachment({ metadata: deleting })],
        pciNotes: notes({ stage: 'removed' }),
        pciBackend: aBackend(theAddress, '0000:04:00.0'),
        memory: attempts('pa-1'),
      },
    ],
    [
      'release',
      {
        attachments: [anAttachment({ metadata: deleting })],
        pciNotes: notes({ stage: 'removed' }),
        memory: attempts('pa-1'),
      },
    ],
    ['teardown of a deleted one', { object: aStubDomain({}, deleting), memory: attempts('sd-1') }],
    ['teardown when the guest is gone', { target: undefined, channel: undefined, memory: attempts('sd-1') }],
  ])('%s', (_, change) => {
    expect(step(change)).toEqual({ step: undefined, wakeAt: refused.retryAt });
    expect(step({ ...change, now: refused.retryAt }).step).toBeDefined();
  });

  test('what did not pause does not hold up the end', () => {
    const failed: Attempt = { reason: 'PauseFailed', count: 9, retryAt: 2_000_000 };
    expect(step({ object: aStubDomain({}, deleting), memory: attempts('sd-1', failed) }).step).toEqual({
      do: 'teardown',
      because: 'deleted',
    });
  });

  test('as long as the old stub domain cannot be ended, its devices are not prepared for the next', () => {
    const restarted = { domid: 12, uuid: theTarget.uuid, name: 'web' };
    const plan = step({
      target: restarted,
      attachments: [anAttachment()],
      pciNotes: notes({ stage: 'attached' }),
      memory: attempts('sd-1'),
    });
    expect(plan).toEqual({ step: undefined, wakeAt: refused.retryAt });
  });
});

describe('a device that somebody else has is waited for', () => {
  test('an earlier attachment, gone by force, whose device is still on its way out', () => {
    const snapshot = aSnapshot({
      attachments: [anAttachment({ metadata: { uid: 'pa-2', name: 'next' } })],
      pciNotes: notes({ owner: 'pa-1', stage: 'attached' }),
      claims: new Map([[theAddress, theTarget.domid]]),
      pciBackend: aBackend(theAddress),
      channel: {
        ...channel,
        inflight: { ...insertUnderWay, command: 'pci-rem', parameter: theAddress },
      },
    });
    expect(nextStep(snapshot, agentFinalizer).step).toBeUndefined();
    expect(attachmentObstacle(snapshot, snapshot.attachments[0]!)).toMatchObject({ reason: 'DeviceClaimed' });
  });

  test('another toolstack, which took it while our guest was down', () => {
    const snapshot = aSnapshot({
      attachments: [anAttachment()],
      pciNotes: notes({ stage: 'claimed', target: { ...theTarget, domid: 3 } }),
      claims: new Map([[theAddress, 9]]),
    });
    expect(nextStep(snapshot, agentFinalizer).step).toBeUndefined();
    expect(attachmentObstacle(snapshot, snapshot.attachments[0]!)).toMatchObject({ reason: 'DeviceInUse' });
  });

  test('the claim of our own earlier incarnation is none of somebody else', () => {
    const plan = step({
      attachments: [anAttachment()],
      pciNotes: notes({ stage: 'claimed', target: { ...theTarget, domid: 3 } }),
      claims: new Map([[theAddress, 3]]),
    });
    expect(plan.step).toEqual({ do: 'claim', devices: [{ uid: 'pa-1', address: theAddress }] });
  });

  test('a driver of dom0 that took the device after it was claimed is not robbed of it', () => {
    const snapshot = aSnapshot({
      attachments: [anAttachment()],
      pciNotes: notes({ stage: 'claimed' }),
      claims: new Map([[theAddress, theTarget.domid]]),
      hostDevices: hostDevices(aDevice({ driver: 'ixgbe' })),
    });
    expect(nextStep(snapshot, agentFinalizer).step).toBeUndefined();
    expect(attachmentObstacle(snapshot, snapshot.attachments[0]!)).toMatchObject({ reason: 'DeviceNotAssignable' });
  });
});

describe('removalPolicy Force ends a removal that the device model cannot even be asked for', () => {
  const forced = (state: 'running' | 'paused' | 'Unrecognised' | 'Absent', change: Partial<Snapshot> = {}) => ({
    attachments: [anAttachment({ spec: { removalPolicy: 'Force' }, metadata: deleting })],
    pciNotes: notes({ stage: 'attached' }),
    pciBackend: aBackend(theAddress),
    channel: { ...channel, state },
    memory: { attempts: new Map(), removingSince },
    ...change,
  });
  const removingSince = new Map([['pa-1', deletedAt]]);
  const deadline = deletedAt + 300_000;

  test.each(['paused', 'Unrecognised', 'Absent'] as const)('state %s', (state) => {
    const running = aStubDomain(state === 'paused' ? { runState: 'Paused' } : {});
    expect(step(forced(state, { object: running, now: deadline - 1 }))).toEqual({ step: undefined, wakeAt: deadline });
    expect(step(forced(state, { object: running, now: deadline })).step).toEqual({
      do: 'abandonRemoval',
      address: theAddress,
      forced: { by: 'policy' },
    });
  });

  test('a model that does not take the command', () => {
    const memory = {
      ...attempts('pa-1', { reason: 'NotDelivered', count: 3, retryAt: deadline + 1000 }),
      removingSince,
    };
    expect(step(forced('running', { memory, now: deadline })).step).toMatchObject({ do: 'abandonRemoval' });
  });

  test('one that can be asked is asked first, however late', () => {
    expect(step(forced('running', { now: deadline + 1 })).step).toMatchObject({ do: 'send', command: 'pci-rem' });
  });

  test('a graceful removal waits', () => {
    const attachments = [anAttachment({ metadata: deleting })];
    expect(step(forced('Unrecognised', { attachments, now: deadline }))).toEqual({
      step: undefined,
      wakeAt: undefined,
    });
  });
});

describe('links in XenStore that are not as they were laid out', () => {
  test('nothing is sent', () => {
    const object = aStubDomain({ runState: 'Paused' });
    expect(step({ object, channel: { ...channel, linked: false } }).step).toBeUndefined();
  });

  test('a command under way is not called gone, since it may have been carried out', () => {
    const plan = step({
      attachments: [anAttachment()],
      pciNotes: notes(),
      claims: new Map([[theAddress, theTarget.domid]]),
      pciBackend: aBackend(theAddress),
      channel: { ...channel, linked: false, inflight: insertUnderWay, parameter: { kind: 'request' } },
    });
    expect(plan).toEqual({ step: undefined, wakeAt: insertUnderWay.sentAt + 60_000 });
  });
});

describe('what is laid out and is no longer so', () => {
  const link = { path: '/local/domain/7/target', kind: 'missing' } as const;
  const back = { path: '/local/domain/0/backend/vbd/7/51712/params', kind: 'different' } as const;
  const wired = (wiring: Snapshot['memory']['wiring'] & object) =>
    aSnapshot({ memory: { attempts: new Map(), wiring } });
  const said = (wiring: Snapshot['memory']['wiring'] & object) => {
    const decisions = stubDomainConditions(wired(wiring), { kind: 'idle', state: 'running' });
    return Object.fromEntries(
      decisions.map(({ type, status, reason, message }) => [type, { status, reason, message }]),
    );
  };

  test('is written again where that is safe', () => {
    const wiring = { specChanged: false, drift: [link, back], repairable: [link.path] };
    expect(nextStep(wired(wiring), agentFinalizer).step).toEqual({ do: 'rewire', paths: [link.path] });
  });

  test('is named where it is not; a device model that runs stays Ready', () => {
    const wiring = { specChanged: false, drift: [back], repairable: [] };
    expect(nextStep(wired(wiring), agentFinalizer).step).toBeUndefined();
    expect(said(wiring)).toMatchObject({
      DevicesWired: {
        status: 'False',
        reason: 'Drifted',
        message: expect.stringContaining(`${back.path} is different`),
      },
      Ready: { status: 'True' },
    });
  });

  test('a changed spec is said to need a restart', () => {
    expect(said({ specChanged: true, drift: [], repairable: [] })).toMatchObject({
      DevicesWired: { status: 'False', reason: 'RestartNeeded' },
      Ready: { status: 'True' },
    });
  });
});

describe('what holds a device up is said', () => {
  const said = (change: Partial<Snapshot>) => {
    const snapshot = aSnapshot(change);
    const decisions = pciAttachmentConditions(snapshot, snapshot.attachments[0]!, { kind: 'idle', state: 'running' });
    return Object.fromEntries(decisions.map(({ type, status, reason }) => [type, `${status} ${reason}`]));
  };
  const leaving = [anAttachment({ metadata: deleting })];

  test.each<[string, Partial<Snapshot>, object]>([
    [
      'a hypervisor that does not take it back',
      { attachments: leaving, pciNotes: notes({ stage: 'removed' }), memory: attempts('pa-1') },
      { Removing: 'True HypervisorFailed' },
    ],
    [
      'a device model that is paused',
      { attachments: leaving, pciNotes: notes({ stage: 'attached' }), channel: { ...channel, state: 'paused' } },
      { Removing: 'True StubDomainPaused' },
    ],
    [
      'a hypervisor that does not grant it to the guest',
      { attachments: [anAttachment()], pciNotes: notes({ stage: 'inserted' }), memory: attempts('pa-1') },
      { Inserted: 'True Inserted', Ready: 'False HypervisorFailed' },
    ],
  ])('%s', (_, change, expected) => {
    expect(said(change)).toMatchObject(expected);
  });
});

test.each(['my vm', 'web -monitor stdio', '../../etc/cron.d/web'])(
  'a guest named %j gets no stub domain of ours: that would be more than one argument, or another log',
  (name) => {
    const change = {
      object: aStubDomain({ target: { uuid: theTarget.uuid } }),
      target: { ...theTarget, name },
      note: undefined,
      stub: undefined,
      channel: undefined,
    };
    expect(step(change).step).toBeUndefined();
    const stalled = stubDomainConditions(aSnapshot(change), undefined).find(({ type }) => type === 'Stalled');
    expect(stalled).toMatchObject({ status: 'True', reason: 'Unsupported' });
    expect(stalled?.message).not.toContain(name);
  },
);
