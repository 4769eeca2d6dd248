import { describe, expect, test } from '@jest/globals';
import { step } from '../../../../../operator/embedded/simulated-host/device-model/machine.ts';
import {
  initialState,
  type DeviceModelRules,
  type DeviceModelState,
  type Effect,
  type Input,
} from '../../../../../operator/embedded/simulated-host/device-model/model.ts';

const rules: DeviceModelRules = { falseSuccess: false, insertFailure: undefined, shim: false };
const cardA = '0000:03:00.0';
const cardB = '0000:04:00.0';

/** Effects of all inputs together, logs left out. */
function run(
  state: DeviceModelState,
  inputs: readonly Input[],
  how = rules,
): { state: DeviceModelState; effects: Effect[] } {
  const effects: Effect[] = [];
  let now = state;
  for (const input of inputs) {
    const next = step(now, input, how);
    now = next.state;
    effects.push(...next.effects.filter(({ kind }) => kind !== 'log'));
  }
  return { state: now, effects };
}

const started = run(initialState(4), [{ kind: 'started' }]).state;
const send = (value: string): Input => ({ kind: 'command', value });
const insert = (value: string): Input[] => [send('pci-ins'), { kind: 'parameter', command: 'pci-ins', value }];
const remove = (value: string): Input[] => [send('pci-rem'), { kind: 'parameter', command: 'pci-rem', value }];
const found: Input = { kind: 'scanned', devices: ['03:00.0', '04:00.0'] };
const readable: Input = { kind: 'probed', readable: true };
const withCardA = run(started, [...insert(cardA), found, readable]).state;

describe('device model', () => {
  test('running is its first word', () => {
    expect(run(initialState(4), [{ kind: 'started' }]).effects).toEqual([{ kind: 'reply', state: 'running' }]);
  });

  test('a watch that fires without a command is nothing', () => {
    expect(run(started, [{ kind: 'command', value: undefined }]).effects).toEqual([]);
  });

  test('an insert: delete, read, look, probe, answer, tell the guest', () => {
    const { effects } = run(started, [...insert(cardA), found, readable]);
    expect(effects).toEqual([
      { kind: 'picked', command: 'pci-ins' },
      { kind: 'deleteCommand' },
      { kind: 'readParameter', command: 'pci-ins' },
      { kind: 'scan' },
      { kind: 'probe', device: '03:00.0' },
      { kind: 'reply', parameter: '0x20', state: 'pci-inserted' },
      { kind: 'notifyGuest', event: 'insert', devfn: 0x20 },
    ]);
  });

  test('libpci looks once: the second insert does not scan', () => {
    expect(run(withCardA, insert(cardB)).effects.slice(3)).toEqual([{ kind: 'probe', device: '04:00.0' }]);
  });

  test('an empty first look stays for ever', () => {
    const { state } = run(started, [...insert(cardA), { kind: 'scanned', devices: undefined }]);
    const { effects } = run(state, insert(cardB));
    expect(effects.at(-1)).toEqual({ kind: 'reply', parameter: '0x28', state: 'pci-inserted' });
  });

  test('functions other than 0 do not raise an event', () => {
    const { effects } = run(started, [...insert(`${cardA}@51`), found, readable]);
    expect(effects.at(-1)).toEqual({ kind: 'reply', parameter: '0x51', state: 'pci-inserted' });
  });

  test('the guest is told of functions other than 0 when function 0 comes, and of later ones not at all', () => {
    const told = ({ slots }: DeviceModelState) =>
      [...slots].flatMap(([devfn, held]) => (held.kind === 'device' && held.told ? [devfn] : []));
    const late = '0000:05:00.0';
    const high = run(started, [
      ...insert(`${cardB}@52`),
      { kind: 'scanned', devices: ['03:00.0', '04:00.0', '05:00.0'] },
      readable,
    ]).state;
    expect(told(high)).toEqual([]);
    const both = run(high, [...insert(`${cardA}@50`), readable]).state;
    expect(told(both)).toEqual([0x52, 0x50]);
    const three = run(both, [...insert(`${late}@51`), readable]).state;
    expect(told(three)).toEqual([0x52, 0x50]);
    expect(three.inserted.map(({ devfn }) => devfn)).toEqual([0x52, 0x50, 0x51]);
  });

  test('a failure writes the sentence alone', () => {
    expect(run(started, insert('nonsense')).effects.at(-1)).toEqual({
      kind: 'reply',
      parameter: 'no free hotplug devfn',
    });
  });

  test('a removal asks the guest and answers when it lets go', () => {
    const asked = run(withCardA, remove(cardA));
    expect(asked.effects.at(-1)).toEqual({ kind: 'notifyGuest', event: 'remove', devfn: 0x20 });
    const gone = run(asked.state, [{ kind: 'guestEject', devfn: 0x20 }]);
    expect(gone.effects).toEqual([{ kind: 'reply', state: 'pci-removed' }]);
    expect(gone.state.slots.has(0x20)).toBe(false);
  });

  test('an eject that nobody waits for is refused', () => {
    const { state, effects } = run(withCardA, [{ kind: 'guestEject', devfn: 0x20 }]);
    expect(effects).toEqual([]);
    expect(state.slots.has(0x20)).toBe(true);
  });

  test('a second removal overwrites the first expectation', () => {
    const both = run(withCardA, [...insert(cardB), readable, ...remove(cardA), ...remove(cardB)]).state;
    expect(run(both, [{ kind: 'guestEject', devfn: 0x20 }]).effects).toEqual([]);
    expect(run(both, [{ kind: 'guestEject', devfn: 0x28 }]).effects).toEqual([{ kind: 'reply', state: 'pci-removed' }]);
  });

  test('save asks, the main loop acts, continue goes on', () => {
    const asked = run(started, [send('save')]);
    expect(asked.effects.at(-1)).toEqual({ kind: 'wakeMainLoop' });
    const paused = run(asked.state, [{ kind: 'mainLoop' }]);
    expect(paused.effects).toEqual([{ kind: 'saveFile' }, { kind: 'reply', state: 'paused' }]);
    expect(run(paused.state, [send('continue')]).effects.at(-1)).toEqual({ kind: 'reply', state: 'running' });
  });

  test('a quick continue cancels the save in silence', () => {
    const { effects, state } = run(started, [send('save'), send('continue'), { kind: 'mainLoop' }]);
    expect(effects.some(({ kind }) => kind === 'reply' || kind === 'saveFile')).toBe(false);
    expect(state.phase).toBe('running');
  });

  test('save when paused already is only picked up', () => {
    const { state } = run(started, [send('save'), { kind: 'mainLoop' }]);
    expect(run(state, [send('save'), { kind: 'mainLoop' }]).effects).toEqual([
      { kind: 'picked', command: 'save' },
      { kind: 'deleteCommand' },
    ]);
  });

  test('the guest is heard again after continue', () => {
    const paused = run(withCardA, [...remove(cardA), send('save'), { kind: 'mainLoop' }]).state;
    const held = run(paused, [{ kind: 'guestEject', devfn: 0x20 }]);
    expect(held.effects).toEqual([]);
    expect(run(held.state, [send('continue')]).effects.slice(2)).toEqual([
      { kind: 'reply', state: 'running' },
      { kind: 'reply', state: 'pci-removed' },
    ]);
  });

  test('the shim leaves the command and removes at once', () => {
    const shim = { ...rules, shim: true };
    expect(run(withCardA, remove(cardA), shim).effects).toEqual([
      { kind: 'picked', command: 'pci-rem' },
      { kind: 'readParameter', command: 'pci-rem' },
      { kind: 'reply', state: 'pci-removed' },
    ]);
  });
});
