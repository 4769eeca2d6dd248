import { describe, expect, test } from '@jest/globals';
import { KeyMemory } from '../../../../operator/agent/observe/key-memory.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import { aPciNote, aSnapshot, aStubDomain, theAddress } from '../../../support/builders.ts';

const asLaidOut = { specChanged: false, drift: [], repairable: [] };
const seen = (change: Partial<Snapshot> = {}) => aSnapshot(change);

describe('when what is laid out is compared', () => {
  test.each<[string, number]>([
    ['0000', 420_000],
    ['8000', 510_000],
    ['ffff', 600_000],
  ])('at once by a new agent, then within ten minutes, each at another time: %s', (digits, delay) => {
    const memory = new KeyMemory();
    const one = seen({ note: { ...seen().note!, uuid: `${digits}4a11-1111-4222-8333-444455556666` } });
    expect(memory.inspectAt(one)).toBe(one.now);
    memory.inspected(one, asLaidOut);
    expect(Math.round((memory.inspectAt(one)! - one.now) / 10) * 10).toBe(delay);
  });

  test.each<[string, Partial<Snapshot>, number]>([
    ['at once for a new spec', { object: aStubDomain({}, { generation: 2 }) }, 1_000_000],
    ['at once for a new stub domain', { note: { ...seen().note!, uuid: 'another' } }, 1_000_000],
    ['soon while no command can be sent', { channel: { ...seen().channel!, linked: false } }, 1_030_000],
  ])('%s', (_, change, at) => {
    const memory = new KeyMemory();
    memory.inspected(seen(), asLaidOut);
    expect(memory.inspectAt(seen(change))).toBe(at);
  });

  test.each<[string, Partial<Snapshot>]>([
    ['it is being deleted', { object: aStubDomain({}, { deletionTimestamp: '2026-01-01T00:00:00Z' }) }],
    ['it is not started', { note: { ...seen().note!, stage: 'wired' } }],
    ['it is dead', { stub: undefined }],
    ['its guest is gone', { target: undefined }],
    ['it belongs to another object', { note: { ...seen().note!, owner: 'other' } }],
  ])('not when %s', (_, change) => {
    expect(new KeyMemory().inspectAt(seen(change))).toBeUndefined();
  });
});

describe('failed tries', () => {
  test('of a device whose attachment is gone are remembered as long as it is noted', () => {
    const memory = new KeyMemory();
    memory.failed('pa-1', 'HypervisorFailed', 0);
    memory.observe(seen({ pciNotes: new Map([[theAddress, aPciNote()]]) }));
    expect(memory.view().attempts.has('pa-1')).toBe(true);
    memory.observe(seen());
    expect(memory.view().attempts.has('pa-1')).toBe(false);
  });

  test.each([
    ['goes on counting when it answered for less than a minute', 59_999, 2],
    ['begins anew when it answered for a minute', 60_000, 1],
  ])('of a stub domain that dies again: %s', (_, livedMs, count) => {
    const memory = new KeyMemory();
    const { object, now } = seen();
    const uid = object?.metadata.uid ?? '';
    memory.failed(uid, 'DomainDied', now);
    memory.observe(seen());
    // Nobody looks at one that is well; the next that is seen is that it is dead.
    memory.observe(seen({ now: now + livedMs, stub: undefined, channel: undefined }));
    memory.failed(uid, 'DomainDied', now + livedMs);
    expect(memory.view().attempts.get(uid)?.count).toBe(count);
  });

  test('that got no answer are told when that lasts, and are made again sooner than refused ones', () => {
    const memory = new KeyMemory();
    expect(memory.isSilent('sd-1', 1000)).toBe(false);
    expect(memory.isSilent('sd-1', 2999)).toBe(false);
    expect(memory.isSilent('sd-1', 3000)).toBe(true);
    for (let tries = 0; tries < 12; tries += 1) memory.failed('sd-1', 'HypervisorFailed', 0);
    expect(memory.view().attempts.get('sd-1')?.retryAt).toBe(30_000);
    memory.answered('sd-1');
    memory.failed('sd-1', 'HypervisorFailed', 0);
    expect(memory.view().attempts.get('sd-1')?.retryAt).toBe(300_000);
    expect(memory.isSilent('sd-1', 9000)).toBe(false);
  });

  test('of the hypervisor are over when it accepts, others are not', () => {
    const memory = new KeyMemory();
    memory.failed('a', 'HypervisorFailed', 0);
    memory.failed('b', 'NotDelivered', 0);
    memory.accepted('a');
    memory.accepted('b');
    expect([...memory.view().attempts.keys()]).toEqual(['b']);
  });
});
