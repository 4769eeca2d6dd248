import { describe, expect, test } from '@jest/globals';
import { agentFinalizer } from '../../../../operator/api/names.ts';
import { nextStep } from '../../../../operator/domain/next-step.ts';
import type { PciNote } from '../../../../operator/domain/notes.ts';
import { requestText } from '../../../../operator/domain/pci/heir.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import { aPciNote, aSnapshot, aStubDomain, anAttachment, theAddress, theTarget } from '../../../support/builders.ts';

const stepOf = (change: Partial<Snapshot>) => nextStep(aSnapshot(change), agentFinalizer).step;
const note = { ...aSnapshot().note!, owner: 'gone' };

describe('a stub domain whose object is gone', () => {
  const found = { note, noteOwnerExists: false, notePlanFits: true } as const;

  test('is taken over by one that asks for the same', () => {
    expect(stepOf(found)).toEqual({ do: 'takeOver' });
  });

  test('is taken over when nothing was laid out yet', () => {
    const { domid: _, ...intended } = note;
    const change = { ...found, note: { ...intended, stage: 'intended' as const }, stub: undefined, channel: undefined };
    expect(stepOf({ ...change, notePlanFits: false })).toEqual({ do: 'takeOver' });
  });

  test.each<[string, Partial<Snapshot>]>([
    ['asks for something else', { notePlanFits: false }],
    ['came after the stub domain died', { stub: undefined, channel: undefined }],
    ['is for another incarnation of the guest', { target: { ...theTarget, domid: 6, name: 'web' } }],
    ['asks for what is not supported', { object: aStubDomain({ flavor: 'Linux' }) }],
  ])('is taken down for one that %s', (_, change) => {
    expect(stepOf({ ...found, ...change })).toEqual({ do: 'teardown', because: 'orphanNote' });
  });

  test('is left alone while its object exists, and not taken over by one that is being deleted', () => {
    expect(stepOf({ ...found, noteOwnerExists: true })).toBeUndefined();
    const object = aStubDomain({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(stepOf({ ...found, object })).toMatchObject({ do: 'removeFinalizer' });
  });
});

describe('a device whose attachment is gone', () => {
  const attachment = anAttachment({ metadata: { uid: 'pa-2' } });
  const held = (change: Partial<PciNote> = {}): Partial<Snapshot> => ({
    attachments: [attachment],
    pciNotes: new Map([
      [theAddress, aPciNote({ stage: 'attached', vdevfn: 32, request: requestText(attachment), ...change })],
    ]),
  });
  const handedOver = { do: 'handOver', uid: 'pa-2', address: theAddress };

  test.each(['claimed', 'inserted', 'attached'] as const)('is handed over: %s', (stage) => {
    expect(stepOf(held({ stage }))).toEqual(handedOver);
  });

  test.each<[string, Partial<Snapshot>]>([
    ['was asked for in another way', held({ request: 'slot=8' })],
    ['was asked for by an agent that did not note how', held({ stage: 'attached' as const, request: '' })],
    ['left the guest', held({ stage: 'removed' })],
    ['may be in the guest or not', held({ stage: 'unknown' })],
    ['is of another incarnation', held({ target: { domid: 4, uuid: theTarget.uuid } })],
    ['has its attachment still', { ...held(), attachments: [attachment, anAttachment()] }],
    ['is asked for by nobody', { ...held(), attachments: [] }],
  ])('is not when it %s', (_, change) => {
    expect(stepOf(change)).not.toEqual(handedOver);
  });

  test('of two ways to ask, each has its own words', () => {
    const other = anAttachment({ spec: { virtualSlot: 4 } });
    expect(requestText(attachment)).toBe(
      'slot=any,msitranslate=false,power_mgmt=false,permissive=false,rdm_policy=strict',
    );
    expect(requestText(other)).toMatch(/^slot=32,/);
  });
});
