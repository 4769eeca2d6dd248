import { describe, expect, test } from '@jest/globals';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import { agentFinalizer, forceRemovalAnnotation } from '../../../../operator/api/names.ts';
import { channelPhase } from '../../../../operator/domain/command-channel/look.ts';
import { nextStep } from '../../../../operator/domain/next-step.ts';
import type { PciNote } from '../../../../operator/domain/notes.ts';
import { pciAttachmentConditions } from '../../../../operator/domain/pci/conditions.ts';
import { forceRequest } from '../../../../operator/domain/pci/force-removal.ts';
import { pciAttachmentFacts } from '../../../../operator/domain/pci/status.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import {
  aBackend,
  aPciNote,
  aSnapshot,
  aStubDomain,
  anAttachment,
  theAddress,
  theStub,
  theTarget,
} from '../../../support/builders.ts';

const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const other = '0000:04:00.0';
const annotated = (words: string): PciAttachment =>
  anAttachment({ metadata: { ...deleting, annotations: { [forceRemovalAnnotation]: words } } });
const request = (words: string) => forceRequest(annotated(words));
const notes = (change: Partial<PciNote> = {}) => new Map([[theAddress, aPciNote({ stage: 'attached', ...change })]]);
const channel = aSnapshot().channel!;
const underWay = (command: 'pci-rem' | 'pci-ins', address: string, taken: boolean): Snapshot['channel'] => ({
  ...channel,
  command: taken ? 'absent' : 'ours',
  parameter: { kind: 'request' },
  inflight: {
    id: 'i',
    command,
    parameter: address,
    owner: address === theAddress ? 'pa-1' : 'pa-2',
    address,
    stub: theStub,
    target: theTarget,
    sentAt: 999_000,
  },
});
const going = (change: Partial<Snapshot> = {}): Snapshot =>
  aSnapshot({
    attachments: [annotated('ticket 42')],
    pciNotes: notes(),
    pciBackend: aBackend(theAddress),
    ...change,
  });
const next = (snapshot: Snapshot) => nextStep(snapshot, agentFinalizer);
const taken = { do: 'abandonRemoval', address: theAddress, forced: { by: 'annotation', words: 'ticket 42' } } as const;

describe('what the annotation says', () => {
  test.each<[string, string, object]>([
    ['a reason', 'ticket 42: driver hangs', { kind: 'asked', words: 'ticket 42: driver hangs' }],
    ['a reason in any script', 'устройство зависло', { kind: 'asked', words: 'устройство зависло' }],
    ['nothing', '', { kind: 'unexplained' }],
    ['blanks', ' \t\n ', { kind: 'unexplained' }],
    ['signs alone', '!?\u202e\u0007', { kind: 'unexplained' }],
    ['a terminal escape', 'x\u001b[31mred', { kind: 'asked', words: 'x??31mred' }],
    ['text that turns around', 'no\u202edeR', { kind: 'asked', words: 'no?deR' }],
    ['several lines', 'one\n  two', { kind: 'asked', words: 'one two' }],
    ['quotes and markup', '"<b>`$(x)`', { kind: 'asked', words: '??b???(x)?' }],
    ['an essay', 'a'.repeat(300_000), { kind: 'asked', words: `${'a'.repeat(127)}…` }],
  ])('%s', (_, words, expected) => {
    expect(request(words)).toEqual(expected);
  });

  test('no annotation asks nothing', () => {
    expect(forceRequest(anAttachment())).toEqual({ kind: 'none' });
    expect(forceRequest(undefined)).toEqual({ kind: 'none' });
  });
});

describe('the annotation forces the removal at once', () => {
  test.each<[string, Snapshot]>([
    ['without the guest being asked', going()],
    ['while the guest is waited for', going({ channel: underWay('pci-rem', theAddress, true) })],
    ['while another device is waited for', going({ channel: underWay('pci-rem', other, true) })],
    ['while another device is being inserted', going({ channel: underWay('pci-ins', other, true) })],
    [
      'while the device model is paused',
      going({ object: aStubDomain({ runState: 'Paused' }), channel: { ...channel, state: 'paused' } }),
    ],
    ['while the device model says nothing sensible', going({ channel: { ...channel, state: 'Unrecognised' } })],
    ['where nobody knows whether the guest has the device', going({ pciNotes: notes({ stage: 'unknown' }) })],
    ['before the guest has its grants', going({ pciNotes: notes({ stage: 'inserted' }) })],
    [
      'with the StubDomain on its way out, and the attachment not',
      going({
        object: aStubDomain({}, deleting),
        attachments: [anAttachment({ metadata: { annotations: { [forceRemovalAnnotation]: 'ticket 42' } } })],
      }),
    ],
  ])('%s', (_, snapshot) => {
    expect(next(snapshot)).toEqual({ step: taken });
  });

  test('a command that the model has not taken yet is seen through first', () => {
    expect(next(going({ channel: underWay('pci-rem', theAddress, false) }))).toEqual({
      step: undefined,
      wakeAt: 1_009_000,
    });
    expect(next(going({ channel: underWay('pci-ins', theAddress, true) })).step).toBeUndefined();
  });

  test('not while the device is wanted', () => {
    const attachments = [anAttachment({ metadata: { annotations: { [forceRemovalAnnotation]: 'ticket 42' } } })];
    expect(next(going({ attachments })).step).toBeUndefined();
  });

  test('not without a reason: the guest is asked, and the condition says what to write', () => {
    const snapshot = going({ attachments: [annotated(' ')] });
    expect(next(snapshot).step).toMatchObject({ do: 'send', command: 'pci-rem' });
    const [attachment] = snapshot.attachments;
    const conditions = pciAttachmentConditions(snapshot, attachment!, channelPhase(snapshot));
    expect(conditions.find(({ type }) => type === 'Removing')).toEqual({
      type: 'Removing',
      status: 'True',
      reason: 'ForceUnexplained',
      message:
        'The annotation stubdom.io/force-removal gives no reason, and nothing is forced. Say why the device is taken from a guest that may still use it: kubectl annotate --overwrite pciattachment -n default web-nic stubdom.io/force-removal="why". The device is on its way out.',
    });
  });
});

describe('the back end of a device that was taken by force', () => {
  const backend = { ...aBackend(theAddress, other), state: 7 };
  const removed = (forcedAt?: number) =>
    going({
      pciBackend: backend,
      pciNotes: notes({ stage: 'removed', unconfirmed: true, ...(forcedAt === undefined ? {} : { forcedAt }) }),
      memory: { attempts: new Map(), removingSince: new Map([['pa-1', 985_000]]) },
    });

  test('has ten seconds to let it go; it is not told twice', () => {
    expect(next(removed(995_000))).toEqual({ step: undefined, wakeAt: 1_005_000 });
    expect(next(removed(990_000))).toEqual({ step: { do: 'release', address: theAddress, quarantine: true } });
  });

  test('of one that had left the guest is given up by the annotation, and that is told', () => {
    expect(next(removed()).step).toEqual({
      do: 'release',
      address: theAddress,
      quarantine: true,
      forced: { by: 'annotation', words: 'ticket 42' },
    });
  });
});

describe('since when', () => {
  const facts = (snapshot: Snapshot) => pciAttachmentFacts(snapshot, snapshot.attachments[0]!, false, false);

  test('a device that is on its way out says since when', () => {
    expect(facts(going())).toMatchObject({ removingSince: '2026-01-01T00:00:00Z' });
  });

  test('what was shown once stays', () => {
    const [attachment] = going().attachments;
    const shown = { ...attachment!, status: { ...attachment!.status, removingSince: '2025-12-31T00:00:00Z' } };
    expect(facts(going({ attachments: [shown] }))).toMatchObject({ removingSince: '2025-12-31T00:00:00Z' });
  });

  test('its StubDomain is gone: since the agent saw that', () => {
    const attachments = [anAttachment()];
    expect(facts(going({ attachments, object: undefined }))).toMatchObject({ removingSince: '1970-01-01T00:16:40Z' });
  });

  test('one that is wanted, or was never noted, says nothing', () => {
    expect(facts(going({ attachments: [anAttachment()] }))).not.toHaveProperty('removingSince');
    expect(facts(going({ pciNotes: new Map() }))).not.toHaveProperty('removingSince');
  });
});
