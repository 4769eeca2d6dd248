import { describe, expect, test } from '@jest/globals';
import type { ConditionDecision } from '../../../operator/api/conditions.ts';
import { conditionTypes, reasons } from '../../../operator/api/reasons.ts';
import { channelPhase } from '../../../operator/domain/command-channel/look.ts';
import { pciAttachmentConditions } from '../../../operator/domain/pci/conditions.ts';
import type { Snapshot } from '../../../operator/domain/snapshot.ts';
import { stubDomainConditions } from '../../../operator/domain/stub-domain/conditions.ts';
import { stubDomainFacts } from '../../../operator/domain/stub-domain/status.ts';
import {
  aBackend,
  aDevice,
  aPciNote,
  aSave,
  aSnapshot,
  aStubDomain,
  anAttachment,
  hostDevices,
  theAddress,
  theStub,
  theTarget,
} from '../../support/builders.ts';

const of = (decisions: readonly ConditionDecision[], type: string): string => {
  const found = decisions.find((decision) => decision.type === type);
  return `${found?.status ?? 'missing'} ${found?.reason ?? ''}`;
};
const stub = (change: Partial<Snapshot>) => {
  const snapshot = aSnapshot(change);
  return stubDomainConditions(snapshot, channelPhase(snapshot));
};
const channel = aSnapshot().channel!;
const note = aSnapshot().note!;
const messageOf = (decisions: readonly ConditionDecision[], type: string): string | undefined =>
  decisions.find((decision) => decision.type === type)?.message;
const nothing = { note: undefined, stub: undefined, channel: undefined } as const;

describe('a stub domain is ready', () => {
  test.each<[string, Partial<Snapshot>, string]>([
    ['when it runs', {}, 'True AsDesired'],
    [
      'when it is paused on purpose',
      { object: aStubDomain({ runState: 'Paused' }), channel: { ...channel, state: 'paused' } },
      'True AsDesired',
    ],
    ['not when it shall be paused and is not', { object: aStubDomain({ runState: 'Paused' }) }, 'False NotPaused'],
    [
      'not when we paused it and it shall run',
      { channel: { ...channel, state: 'paused' }, last: aSave() },
      'False Resuming',
    ],
    ['not when another program paused it', { channel: { ...channel, state: 'paused' } }, 'False PausedByOther'],
    ['not without its guest', { target: undefined, ...nothing }, 'False TargetNotFound'],
    [
      'not with a guest of another name',
      { object: aStubDomain({ target: { uuid: theTarget.uuid, name: 'db' } }), ...nothing },
      'False TargetNameMismatch',
    ],
    ['not before it is laid out', nothing, 'False Wiring'],
    [
      'not before its back ends are connected',
      { devices: [{ kind: 'vbd', label: 'xvda', state: 2 }] },
      'False BackendsConnecting',
    ],
    ['not before it says so', { channel: { ...channel, state: 'Absent' } }, 'False Starting'],
    [
      'not when it takes too long to say so',
      { channel: { ...channel, state: 'Absent' }, now: 990_000 + 30_000 },
      'False StartTimeout',
    ],
    [
      'unknown when it says nothing that anybody knows',
      { channel: { ...channel, state: 'Unrecognised' } },
      'Unknown UnrecognisedState',
    ],
    ['not with what is not supported', { object: aStubDomain({ flavor: 'Linux' }), ...nothing }, 'False Unsupported'],
    ['not when another serves the guest', { note: { ...note, owner: 'other' } }, 'False TargetTaken'],
    ['not when somebody else made a stub domain', { ...nothing, foreignStub: 9 }, 'False TargetTaken'],
    [
      'not when it is deleted',
      { object: aStubDomain({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }) },
      'False Deleting',
    ],
  ])('%s', (_, change, expected) => {
    expect(of(stub(change), 'Ready')).toBe(expected);
  });

  test.each<[string, Partial<Snapshot>, string, string]>([
    ['a pause that failed', { object: aStubDomain({ runState: 'Paused' }) }, 'PauseFailed', 'False PauseFailed'],
    ['a resume that failed', { channel: { ...channel, state: 'paused' } }, 'ResumeFailed', 'True ResumeFailed'],
    ['a resume that was not taken', { channel: { ...channel, state: 'paused' } }, 'NotDelivered', 'True NotDelivered'],
  ])('%s is said, in Ready too', (_, change, reason, expected) => {
    const attempts = new Map([['sd-1', { reason, count: 1, retryAt: 2_000_000 }]]);
    const decisions = stub({ ...change, memory: { attempts } });
    expect(of(decisions, 'Paused')).toBe(expected);
    expect(of(decisions, 'Ready')).toBe(`False ${reason}`);
  });

  test('the device model of a guest that another serves is not spoken of', () => {
    const decisions = stub({ note: { ...note, owner: 'other' } });
    expect(of(decisions, 'DeviceModelRunning')).toBe('False NotRunning');
    expect(of(decisions, 'ChannelIdle')).toBe('Unknown NotRunning');
  });

  test('what is not supported is stalled, and says so', () => {
    expect(of(stub({ object: aStubDomain({ flavor: 'Linux' }), ...nothing }), 'Stalled')).toBe('True Unsupported');
    expect(of(stub({}), 'Stalled')).toBe('False NotStalled');
  });
});

const prepared = {
  claims: new Map([[theAddress, 5]]),
  pciNotes: new Map([[theAddress, aPciNote()]]),
  pciBackend: aBackend(theAddress),
  memory: { attempts: new Map(), frontendConnectedSince: 900_000 },
};
const pci = (change: Partial<Snapshot>, attachment = anAttachment()) => {
  const snapshot = aSnapshot({ attachments: [attachment], ...prepared, ...change });
  return pciAttachmentConditions(snapshot, attachment, channelPhase(snapshot));
};
const failed = (reason: string) => ({
  memory: { ...prepared.memory, attempts: new Map([['pa-1', { reason, count: 1, retryAt: 2_000_000 }]]) },
});

describe('the back end of an attachment', () => {
  const unsettled = { memory: { attempts: new Map() } };
  test.each<[string, Partial<Snapshot>, string]>([
    ['is ready when the front end has settled', {}, 'True BackendReady'],
    ['is not while an insert has to wait for the front end to settle', unsettled, 'False BackendPending'],
    [
      'stays ready once the device is in, for an agent that has just started and saw nothing settle',
      { ...unsettled, pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached', vdevfn: 32 })]]) },
      'True BackendReady',
    ],
    [
      'stays ready while another device comes or goes',
      {
        pciBackend: { ...aBackend(theAddress), state: 7, frontendState: 7 },
        pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached', vdevfn: 32 })]]),
      },
      'True BackendReady',
    ],
    [
      'is not for an insert while another device comes or goes',
      { pciBackend: { ...aBackend(theAddress), state: 7 } },
      'False BackendPending',
    ],
    [
      'is not, whatever was before, when the back end has lost the device',
      { pciBackend: aBackend(), pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached', vdevfn: 32 })]]) },
      'False BackendPending',
    ],
  ])('%s', (_, change, expected) => {
    expect(of(pci(change), 'BackendReady')).toBe(expected);
  });
});

test('a stub domain that is deleted says that it waits for the guest, and for how long', () => {
  const inflight = {
    id: 'i',
    command: 'pci-rem',
    parameter: theAddress,
    owner: 'pa-1',
    address: theAddress,
    stub: theStub,
    target: theTarget,
    sentAt: 900_000,
  } as const;
  const decisions = stub({
    object: aStubDomain({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }),
    channel: { ...channel, inflight, parameter: { kind: 'request' } },
  });
  expect(of(decisions, 'ChannelIdle')).toBe('False WaitingForGuest');
  expect(of(decisions, 'Ready')).toBe('False Deleting');
  expect(messageOf(decisions, 'Ready')).toMatch(/guest .* has not done so yet.* removalTimeoutSeconds/);
});

describe('an attachment is ready', () => {
  test.each<[string, Partial<Snapshot>, string]>([
    [
      'when the guest has the device and its grants',
      { pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached', vdevfn: 32 })]]) },
      'True AsDesired',
    ],
    [
      'not before the grants',
      { pciNotes: new Map([[theAddress, aPciNote({ stage: 'inserted', vdevfn: 32 })]]) },
      'False Progressing',
    ],
    [
      'unknown when the insert was never answered',
      { pciNotes: new Map([[theAddress, aPciNote({ stage: 'unknown' })]]) },
      'Unknown InsertUnknown',
    ],
    ['not without a free slot', failed('NoFreeSlot'), 'False NoFreeSlot'],
    ['not in a busy slot', failed('SlotBusy'), 'False SlotBusy'],
    ['not with a device that is not there', { hostDevices: new Map(), pciNotes: new Map() }, 'False DeviceNotFound'],
    [
      'not with a device of another domain',
      { claims: new Map([[theAddress, 9]]), pciNotes: new Map() },
      'False DeviceInUse',
    ],
    [
      'not with a device that dom0 drives',
      { hostDevices: hostDevices(aDevice({ driver: 'igb' })), pciNotes: new Map() },
      'False DeviceNotAssignable',
    ],
    [
      'not while paused',
      { object: aStubDomain({ runState: 'Paused' }), channel: { ...channel, state: 'paused' } },
      'False StubDomainPaused',
    ],
    [
      'not without a stub domain',
      { object: undefined, note: undefined, stub: undefined, channel: undefined, pciNotes: new Map() },
      'False StubDomainNotFound',
    ],
    [
      'not after the one listing',
      { pciNotes: new Map(), enumerated: { stub: { domid: 7, uuid: aSnapshot().stub!.uuid }, addresses: [] } },
      'False EnumerationStale',
    ],
  ])('%s', (_, change, expected) => {
    expect(of(pci(change), 'Ready')).toBe(expected);
  });
});

test('all conditions that an agent writes are there, in every case', () => {
  const written = (kind: 'StubDomain' | 'PciAttachment') =>
    Object.entries(conditionTypes[kind])
      .filter(([, { writer }]) => writer === 'agent')
      .map(([type]) => type)
      .sort();
  expect(
    stub(nothing)
      .map(({ type }) => type)
      .sort(),
  ).toEqual(written('StubDomain'));
  expect(
    pci({})
      .map(({ type }) => type)
      .sort(),
  ).toEqual(written('PciAttachment'));
});

test('every reason is documented', () => {
  for (const { reason } of [...stub({}), ...stub(nothing), ...pci({}), ...pci(failed('SlotBusy'))]) {
    expect(Object.keys(reasons)).toContain(reason);
  }
});

test('the status names disks, nics and consoles in order', () => {
  const object = aStubDomain({
    disks: [{ name: 'system', source: '/dev/vg0/web', backend: 'Block', access: 'ReadWrite', device: 'Disk' }],
    graphics: { type: 'VNC', listen: '::1' },
  });
  const facts = stubDomainFacts(
    aSnapshot({
      object,
      devices: [{ kind: 'vbd', label: 'xvda', state: 4 }],
      displayPort: 5901,
      saved: { path: '/x', time: 0 },
    }),
    true,
    false,
  );
  expect(facts).toMatchObject({
    phase: 'Running',
    domid: 7,
    targetDomid: 5,
    state: 'running',
    disks: [{ name: 'system', vdev: 'xvda', state: 'Connected' }],
    graphics: { address: '[::1]:5901' },
    savedState: { path: '/x', time: '1970-01-01T00:00:00Z' },
  });
});
