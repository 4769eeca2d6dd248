import { describe, expect, test } from '@jest/globals';
import { agentFinalizer, reconcilePausedAnnotation } from '../../../operator/api/names.ts';
import { KeyMemory } from '../../../operator/agent/observe/key-memory.ts';
import { channelPhase } from '../../../operator/domain/command-channel/look.ts';
import { nextStep } from '../../../operator/domain/next-step.ts';
import { pciAttachmentConditions } from '../../../operator/domain/pci/conditions.ts';
import { pciAttachmentFacts } from '../../../operator/domain/pci/status.ts';
import type { Snapshot } from '../../../operator/domain/snapshot.ts';
import { stubDomainConditions } from '../../../operator/domain/stub-domain/conditions.ts';
import { stubDomainFacts } from '../../../operator/domain/stub-domain/status.ts';
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

const annotations = { [reconcilePausedAnnotation]: 'disk swap, ask Ann' };
const deletionTimestamp = '2026-01-01T00:00:00Z';
const pausedDomain = aStubDomain({}, { annotations });
const step = (change: Partial<Snapshot>) => nextStep(aSnapshot(change), agentFinalizer).step;
const nothing = { note: undefined, stub: undefined, channel: undefined } as const;
const channel = aSnapshot().channel!;
const claims = new Map([[theAddress, theStub.domid]]);
const inGuest = { claims, pciBackend: aBackend(theAddress) };
const noted = (stage: 'claimed' | 'inserted' | 'attached') =>
  new Map([[theAddress, aPciNote({ stage, vdevfn: 0x28 })]]);

describe('a StubDomain that is left alone', () => {
  test.each<[string, Partial<Snapshot>]>([
    ['is not made', nothing],
    ['has no stub domain made in place of one that died', { stub: undefined, channel: undefined }],
    ['does not follow a guest that was started anew', { target: { ...theTarget, domid: 9, name: 'web' } }],
    ['is not paused', { object: aStubDomain({ runState: 'Paused' }, { annotations }) }],
    ['is not taken down', { object: aStubDomain({}, { annotations, deletionTimestamp }) }],
    [
      'keeps its finalizer when there is nothing left to do',
      { ...nothing, object: aStubDomain({}, { annotations, deletionTimestamp }) },
    ],
    ['gets no device', { attachments: [anAttachment()] }],
    [
      'keeps a device that shall leave',
      { ...inGuest, attachments: [anAttachment({ metadata: { deletionTimestamp } })], pciNotes: noted('attached') },
    ],
  ])('%s', (_, change) => {
    expect(step({ object: pausedDomain, ...change })).toBeUndefined();
    const object = change.object ?? pausedDomain;
    const same = { ...object, metadata: { ...object.metadata, annotations: {} } };
    expect(step({ ...change, object: same })).toBeDefined();
  });

  test('a command that it answered is still acknowledged', () => {
    const inflight = {
      id: 'c',
      command: 'save' as const,
      parameter: '',
      owner: 'sd-1',
      target: theTarget,
      stub: theStub,
      sentAt: 9,
    };
    const answered = { ...channel, state: 'paused', inflight } as const;
    expect(step({ object: pausedDomain, channel: answered })).toMatchObject({ do: 'conclude' });
  });

  test('a device that was just put into the guest gets its grants', () => {
    const change = { ...inGuest, attachments: [anAttachment()], pciNotes: noted('inserted') };
    expect(step({ object: pausedDomain, ...change })).toMatchObject({ do: 'grant' });
  });

  test('and is as it shall be stays Ready; what is not done names the cause', () => {
    const of = (change: Partial<Snapshot>) => {
      const snapshot = aSnapshot({ object: pausedDomain, ...change });
      const decisions = stubDomainConditions(snapshot, channelPhase(snapshot));
      return Object.fromEntries(decisions.map((one) => [one.type, one]));
    };
    expect(of({})).toMatchObject({
      Ready: { status: 'True', reason: 'AsDesired' },
      Stalled: { status: 'False', reason: 'ReconcilePaused' },
    });
    const waiting = of(nothing);
    expect(waiting).toMatchObject({
      Ready: { status: 'False', reason: 'ReconcilePaused' },
      Stalled: { status: 'True', reason: 'ReconcilePaused' },
    });
    expect(waiting['Ready']?.message).toBe(
      'StubDomain web is left alone: stubdom.io/paused says "disk swap, ask Ann". To go on: kubectl annotate stubdomain -n default web stubdom.io/paused-. The stub domain is not laid out yet.',
    );
    expect(of({ object: aStubDomain({}, { annotations, deletionTimestamp }) })['Ready']?.message).toContain(
      'Its deletion waits.',
    );
    expect(stubDomainFacts(aSnapshot({ object: pausedDomain, ...nothing }), false, true).phase).toBe('Pending');
  });

  test.each(['', '  ', '\u0000'])('a reason is not needed: %j', (value) => {
    const object = aStubDomain({}, { annotations: { [reconcilePausedAnnotation]: value } });
    expect(step({ ...nothing, object })).toBeUndefined();
    const snapshot = aSnapshot({ ...nothing, object });
    const [ready] = stubDomainConditions(snapshot, channelPhase(snapshot));
    expect(ready?.message).toContain('stubdom.io/paused gives no reason.');
  });

  test('the time that its devices have to leave begins when it goes on', () => {
    const memory = new KeyMemory();
    const leaving = aStubDomain({}, { annotations, deletionTimestamp });
    memory.observe(aSnapshot({ object: leaving, now: 1000 }));
    expect(memory.view().deletingSince).toBeUndefined();
    memory.observe(aSnapshot({ object: aStubDomain({}, { deletionTimestamp }), now: 5000 }));
    expect(memory.view().deletingSince).toBe(5000);
  });
});

describe('a PciAttachment that is left alone', () => {
  const held = anAttachment({ metadata: { annotations } });
  const leaving = anAttachment({ metadata: { annotations, deletionTimestamp } });

  test('is not claimed in XenStore, and its device does not leave', () => {
    expect(step({ attachments: [held] })).toBeUndefined();
    expect(step({ ...inGuest, attachments: [leaving], pciNotes: noted('attached') })).toBeUndefined();
    expect(step({ attachments: [leaving] })).toBeUndefined();
  });

  test('others of its stub domain go on', () => {
    const address = '0000:04:00.0';
    const other = anAttachment({
      spec: { device: { address } },
      metadata: { uid: 'pa-2', name: 'b' },
      claimed: address,
    });
    expect(
      step({ attachments: [held, other], hostDevices: hostDevices(aDevice(), aDevice({ address })) }),
    ).toMatchObject({ do: 'claim', devices: [{ uid: 'pa-2' }] });
  });

  test('gets its grants when the device is in the guest already', () => {
    expect(step({ ...inGuest, attachments: [held], pciNotes: noted('inserted') })).toMatchObject({ do: 'grant' });
  });

  test('says so, also when it is its StubDomain that is left alone', () => {
    for (const [object, attachment, name] of [
      [aStubDomain(), held, 'PciAttachment web-nic'],
      [pausedDomain, anAttachment(), 'StubDomain web'],
    ] as const) {
      const snapshot = aSnapshot({ object, attachments: [attachment] });
      const [ready] = pciAttachmentConditions(snapshot, attachment, channelPhase(snapshot));
      expect(ready).toMatchObject({ status: 'False', reason: 'ReconcilePaused' });
      expect(ready?.message).toContain(`${name} is left alone`);
      expect(pciAttachmentFacts(snapshot, attachment, true, false).phase).toBe('Claimed');
    }
  });
});
