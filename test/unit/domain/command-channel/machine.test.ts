import { describe, expect, test } from '@jest/globals';
import type { ChannelView } from '../../../../operator/domain/command-channel/channel.ts';
import {
  type ChannelState,
  type Stepped,
  step,
  unseenChannel,
} from '../../../../operator/domain/command-channel/machine.ts';
import type { CommandName, InflightNote, LastCommandNote } from '../../../../operator/domain/notes.ts';

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

const look = (state: ChannelState, seen: ChannelView, afterMs = 0): Stepped =>
  step(state, { kind: 'look', view: seen, now: sentAt + afterMs });
const at = (seen: ChannelView, afterMs = 0) => look(unseenChannel, seen, afterMs).state.phase;

describe('nothing of ours under way', () => {
  test.each<[string, Partial<ChannelView>, object]>([
    ['running and free', {}, { kind: 'idle', state: 'running' }],
    ['paused and free', { state: 'paused' }, { kind: 'idle', state: 'paused' }],
    ['still booting', { state: 'Absent' }, { kind: 'blocked', reason: 'Starting' }],
    ['somebody else sent a command', { command: 'foreign' }, { kind: 'blocked', reason: 'ForeignCommand' }],
    ['an old reply', { state: 'pci-removed' }, { kind: 'blocked', reason: 'StaleState', stale: 'pci-removed' }],
    ['no known word', { state: 'Unrecognised' }, { kind: 'blocked', reason: 'UnrecognisedState' }],
    ['links that lead elsewhere', { linked: false }, { kind: 'blocked', reason: 'Drifted' }],
    ['a model of before Xen 4.6', { state: 'Absent', legacy: true }, { kind: 'blocked', reason: 'LegacyLayout' }],
    ['a model that keeps commands', { keepsCommands: true }, { kind: 'blocked', reason: 'CommandNotDeleted' }],
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

  test('a text that nobody knows is a failure when it has stood for a second: state might still follow', () => {
    const odd = view({ inflight: note('pci-ins'), parameter: { kind: 'unrecognised', bytes: 17 } });
    const first = look(unseenChannel, odd);
    expect(first.effects).toEqual([{ do: 'wake', at: sentAt + 1000 }]);
    expect(look(first.state, odd, 1000).effects).toMatchObject([
      { do: 'conclude', conclusion: { outcome: 'NotApplied', reason: 'InsertFailed' } },
    ]);
    const followed = look(first.state, { ...odd, state: 'Unrecognised' }, 500);
    expect(followed.effects).toEqual([{ do: 'wake', at: sentAt + 60_000 }]);
  });

  test('a slot without pci-inserted counts when it has stood for a second: somebody wrote running over the reply', () => {
    const alone = view({ inflight: note('pci-ins'), parameter: { kind: 'vdevfn', vdevfn: 0x20 } });
    const first = look(unseenChannel, alone);
    expect(first.effects).toEqual([{ do: 'wake', at: sentAt + 1000 }]);
    const [effect] = look(first.state, alone, 1000).effects;
    expect(effect).toMatchObject({ do: 'conclude', conclusion: { outcome: 'Applied', vdevfn: 0x20 } });
    expect(effect).not.toHaveProperty('terminal');
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

describe('a command is sent', () => {
  const request = note('pci-ins');
  test.each<[string, Partial<ChannelView>, CommandName, boolean]>([
    ['to a model that runs', {}, 'pci-ins', true],
    ['not to one that is paused', { state: 'paused' }, 'pci-ins', false],
    ['continue to one that is paused', { state: 'paused' }, 'continue', true],
    ['continue not to one that runs', {}, 'continue', false],
    ['not over an old reply', { state: 'pci-removed' }, 'pci-ins', false],
    ['not over a foreign command', { command: 'foreign' }, 'pci-ins', false],
    ['not while another is under way', { inflight: note('pci-rem') }, 'pci-ins', false],
  ])('%s', (_, change, command, sent) => {
    const { state } = look(unseenChannel, view(change));
    const { effects } = step(state, { kind: 'request', note: { ...request, command }, now: sentAt });
    expect(effects.map((effect) => effect.do)).toEqual(sent ? ['submit'] : []);
  });

  test('nothing for two seconds after a withdrawal', () => {
    const withdrawn = { do: 'withdraw', note: request } as const;
    const quiet = step(unseenChannel, { kind: 'committed', effect: withdrawn, now: sentAt }).state;
    const during = look(quiet, view({}), 1999);
    expect(during.effects).toEqual([{ do: 'wake', at: sentAt + 2000 }]);
    expect(step(during.state, { kind: 'request', note: request, now: sentAt + 1999 }).effects).toEqual([]);
    const after = look(during.state, view({}), 2000).state;
    expect(step(after, { kind: 'request', note: request, now: sentAt + 2000 }).effects).toHaveLength(1);
  });
});

describe('deadlines', () => {
  const waiting = view({ inflight: { ...note('pci-ins'), sentAt: sentAt - 3_600_000 }, command: 'ours' });

  test('count from when the command was seen to be sent: a wall clock that is set forward withdraws nothing', () => {
    const before = look(unseenChannel, view({})).state;
    const sent = look(before, waiting, 5);
    expect(sent.effects).toEqual([{ do: 'wake', at: sentAt + 10_005 }]);
    expect(look(sent.state, waiting, 9000).effects).toEqual([{ do: 'wake', at: sentAt + 10_005 }]);
  });

  test('of a command of another life count from its note, or from now if that lies ahead', () => {
    expect(look(unseenChannel, waiting).effects).toMatchObject([{ do: 'withdraw' }]);
    const ahead = view({ inflight: { ...note('pci-ins'), sentAt: sentAt + 3_600_000 }, command: 'ours' });
    expect(look(unseenChannel, ahead).effects).toEqual([{ do: 'wake', at: sentAt + 10_000 }]);
  });
});

describe('an old reply', () => {
  const old = view({ state: 'pci-removed' });

  test('is left alone for five seconds and cleared then', () => {
    const first = look(unseenChannel, old);
    expect(first.effects).toEqual([{ do: 'wake', at: sentAt + 5000 }]);
    expect(look(first.state, old, 5000).effects).toEqual([{ do: 'repair', stale: 'pci-removed', steady: 'running' }]);
  });

  test('that turns into another one begins anew', () => {
    const first = look(unseenChannel, old).state;
    expect(look(first, view({ state: 'usb-added' }), 5000).effects).toEqual([{ do: 'wake', at: sentAt + 10_000 }]);
  });

  test('over a model that was paused gives way to paused: somebody inserted a device into it (reference §4.3)', () => {
    const paused = look(unseenChannel, view({ state: 'paused' })).state;
    const covered = look(paused, view({ state: 'pci-inserted' })).state;
    const repair = { do: 'repair', stale: 'pci-inserted', steady: 'paused' };
    expect(look(covered, view({ state: 'pci-inserted' }), 5000).effects).toEqual([repair]);
    const anew = look(unseenChannel, view({ state: 'pci-inserted', pausedByUs: true })).state;
    expect(look(anew, view({ state: 'pci-inserted' }), 5000).effects).toEqual([repair]);
  });

  test('of a model that is not driven stays', () => {
    const kept = view({ state: 'pci-inserted', keepsCommands: true });
    expect(look(look(unseenChannel, kept).state, kept, 3_600_000).effects).toEqual([]);
  });

  test('paused is no old reply', () => {
    const first = look(unseenChannel, view({ state: 'paused' })).state;
    expect(look(first, view({ state: 'paused' }), 3_600_000).effects).toEqual([]);
  });
});

describe('an insert that was given up', () => {
  const undecided: LastCommandNote = {
    id: 'id',
    command: 'pci-ins',
    owner: 'uid',
    address: '0000:03:00.0',
    outcome: 'Unknown',
    reason: 'InsertUnknown',
    sentAt,
    finishedAt: sentAt,
  };
  test.each<[string, Partial<ChannelView>, object[]]>([
    [
      'and answered after all is adopted',
      { state: 'pci-inserted', parameter: { kind: 'vdevfn', vdevfn: 0x20 } },
      [{ do: 'adopt', last: undecided, conclusion: { outcome: 'Applied', vdevfn: 0x20 }, terminal: 'pci-inserted' }],
    ],
    [
      'and refused in known words after all is not in the guest',
      { parameter: { kind: 'failure', reason: 'NoFreeSlot' } },
      [{ do: 'adopt', conclusion: { outcome: 'NotApplied', reason: 'NoFreeSlot' } }],
    ],
    ['stays open over any other word', { parameter: { kind: 'unrecognised', bytes: 9 } }, []],
    [
      'is not decided by pci-inserted alone',
      { state: 'pci-inserted', parameter: { kind: 'request' } },
      [{ do: 'wake' }],
    ],
    ['waits for somebody else to be done', { command: 'foreign', state: 'pci-inserted' }, []],
  ])('%s', (_, change, effects) => {
    expect(look(unseenChannel, view({ undecided, ...change })).effects).toMatchObject(effects);
  });
});

describe('a model that answers without deleting the command', () => {
  const kept = view({
    inflight: note('pci-ins'),
    command: 'ours',
    state: 'pci-inserted',
    parameter: { kind: 'vdevfn', vdevfn: 0x20 },
  });

  test('is not believed while the command can still be taken', () => {
    expect(look(unseenChannel, kept, 9999).effects).toEqual([{ do: 'wake', at: sentAt + 10_000 }]);
  });

  test('is told apart from one that never took it: what it did is unknown, and its command is cleared away', () => {
    expect(look(unseenChannel, kept, 10_000).effects).toMatchObject([
      { do: 'conclude', conclusion: { outcome: 'Unknown', reason: 'CommandNotDeleted' }, leftover: true },
    ]);
  });
});

describe("somebody else's command", () => {
  const theirs = { kind: 'foreign' } as const;
  const waiting = look(unseenChannel, view({ command: 'foreign', parameter: theirs })).state;
  const taken = view({ parameter: theirs });

  test('that was taken holds the channel until it is answered', () => {
    const after = look(waiting, taken, 300);
    expect(after.state.phase).toEqual({ kind: 'blocked', reason: 'ForeignCommand' });
    expect(after.effects).toEqual([{ do: 'wake', at: sentAt + 60_000 }]);
    expect(look(after.state, view({ parameter: { kind: 'vdevfn', vdevfn: 8 } }), 400).state.phase.kind).toBe('idle');
  });

  test('that is never answered holds it for a minute', () => {
    const after = look(waiting, taken, 300).state;
    expect(look(after, taken, 60_000).state.phase).toEqual({ kind: 'idle', state: 'running' });
  });

  test('of long ago, whose request still stands there, holds nothing', () => {
    expect(at(taken)).toEqual({ kind: 'idle', state: 'running' });
  });

  test('that inserts a device before any of ours has what it lists noted', () => {
    const insert = view({ command: 'foreign', parameter: theirs, foreignInsert: true });
    expect(look(unseenChannel, insert).effects).toEqual([{ do: 'noteListing' }]);
  });

  test.each<[CommandName, Partial<ChannelView>]>([
    ['pci-ins', { state: 'pci-inserted', parameter: { kind: 'vdevfn', vdevfn: 8 } }],
    ['pci-ins', { parameter: { kind: 'failure', reason: 'NoFreeSlot' } }],
    ['pci-rem', { state: 'pci-removed', parameter: theirs }],
  ])('beside our %s: nobody can tell whose answer came, and it is left to whoever waits for it', (command, reply) => {
    const inflight = note(command);
    const beside = look(unseenChannel, view({ inflight, command: 'foreign', parameter: theirs })).state;
    const [effect] = look(beside, view({ inflight, ...reply }), 10).effects;
    expect(effect).toMatchObject({ do: 'conclude', conclusion: { outcome: 'Unknown', reason: 'CommandContested' } });
    expect(effect).not.toHaveProperty('terminal');
  });
});
