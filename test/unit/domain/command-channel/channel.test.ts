import { describe, expect, test } from '@jest/globals';
import { type ChannelView, decideChannel } from '../../../../operator/domain/command-channel/channel.ts';
import type { CommandName, InflightNote } from '../../../../operator/domain/notes.ts';

const sentAt = 1_000_000;

function note(command: CommandName): InflightNote {
  const stub = { domid: 7, uuid: 'stub' };
  const target = { domid: 5, uuid: 'target' };
  return { id: 'id', command, parameter: '0000:03:00.0', owner: 'uid', stub, target, sentAt };
}

function view(change: Partial<ChannelView>): ChannelView {
  return {
    inflight: undefined,
    samePins: true,
    linked: true,
    state: 'running',
    command: 'absent',
    parameter: { kind: 'absent' },
    ...change,
  };
}

const at = (view: ChannelView, afterMs = 0) => decideChannel(view, sentAt + afterMs);

describe('nothing of ours under way', () => {
  test.each<[string, Partial<ChannelView>, object]>([
    ['running and free', {}, { kind: 'idle', state: 'running' }],
    ['paused and free', { state: 'paused' }, { kind: 'idle', state: 'paused' }],
    ['still booting', { state: 'Absent' }, { kind: 'blocked', reason: 'Starting' }],
    ['somebody else sent a command', { command: 'foreign' }, { kind: 'blocked', reason: 'ForeignCommand' }],
    ['an old reply', { state: 'pci-removed' }, { kind: 'blocked', reason: 'StaleState', stale: 'pci-removed' }],
    ['no known word', { state: 'Unrecognised' }, { kind: 'blocked', reason: 'UnrecognisedState' }],
  ])('%s', (_, change, expected) => {
    expect(at(view(change))).toEqual(expected);
  });
});

describe('until the device model takes the command', () => {
  const waiting = view({ inflight: note('pci-ins'), command: 'ours' });

  test('it is awaited', () => {
    expect(at(waiting, 9999)).toEqual({ kind: 'await', phase: 'consumption', deadline: sentAt + 10_000 });
  });

  test('a reply that is there before counts for nothing: stale or forged', () => {
    const forged = { ...waiting, state: 'pci-inserted' as const, parameter: { kind: 'vdevfn' as const, vdevfn: 8 } };
    expect(at(forged)).toMatchObject({ kind: 'await', phase: 'consumption' });
  });

  test('too late, it is withdrawn', () => {
    expect(at(waiting, 10_000)).toEqual({ kind: 'withdraw' });
  });
});

describe('once taken', () => {
  const request = { kind: 'request' } as const;
  test.each<[string, CommandName, Partial<ChannelView>, object]>([
    [
      'inserted, with its slot',
      'pci-ins',
      { state: 'pci-inserted', parameter: { kind: 'vdevfn', vdevfn: 0x20 } },
      { conclusion: { outcome: 'Applied', reason: 'Inserted', vdevfn: 0x20 }, terminal: 'pci-inserted' },
    ],
    [
      'no free slot: the text comes, the state stays',
      'pci-ins',
      { parameter: { kind: 'failure', reason: 'NoFreeSlot' } },
      { conclusion: { outcome: 'NotApplied', reason: 'NoFreeSlot' } },
    ],
    [
      'a text that nobody knows is a failure too',
      'pci-ins',
      { parameter: { kind: 'unrecognised', bytes: 17 } },
      { conclusion: { outcome: 'NotApplied', reason: 'InsertFailed' } },
    ],
    [
      'the failure that libxl expects',
      'pci-ins',
      { state: 'pci-insert-failed', parameter: request },
      { conclusion: { outcome: 'NotApplied', reason: 'InsertRefused' }, terminal: 'pci-insert-failed' },
    ],
    ['removed', 'pci-rem', { state: 'pci-removed' }, { conclusion: { outcome: 'Applied' }, terminal: 'pci-removed' }],
    [
      'paused is not acknowledged: it stays',
      'save',
      { state: 'paused' },
      { conclusion: { outcome: 'Applied', reason: 'Paused' } },
    ],
    ['goes on', 'continue', { state: 'running' }, { conclusion: { outcome: 'Applied', reason: 'Running' } }],
    ['another domain has the number now', 'pci-ins', { samePins: false }, { conclusion: { outcome: 'Gone' } }],
  ])('%s', (_, command, change, expected) => {
    expect(at(view({ inflight: note(command), parameter: request, ...change }))).toMatchObject({
      kind: 'conclude',
      ...expected,
    });
  });

  test('pci-inserted with the request still in parameter is a stale or forged reply', () => {
    const stale = view({ inflight: note('pci-ins'), state: 'pci-inserted', parameter: request });
    expect(at(stale)).toMatchObject({ kind: 'await', phase: 'completion' });
  });

  test('an insert that nobody answers ends as unknown, never as failed', () => {
    const silent = view({ inflight: note('pci-ins'), parameter: request });
    expect(at(silent, 59_999)).toMatchObject({ kind: 'await', phase: 'completion' });
    expect(at(silent, 60_000)).toMatchObject({
      kind: 'conclude',
      conclusion: { outcome: 'Unknown', reason: 'InsertUnknown' },
    });
  });

  test('a removal waits for the guest, for as long as it takes', () => {
    expect(at(view({ inflight: note('pci-rem') }), 86_400_000)).toEqual({ kind: 'waitingForGuest', since: sentAt });
  });
});
