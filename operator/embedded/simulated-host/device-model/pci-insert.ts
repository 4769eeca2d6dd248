import type { DeviceModelRules, DeviceModelState, Effect, Step } from './model.ts';
import { parsePciParameter } from './pci-parameter.ts';
import { chooseSlot, withOccupant, withTold } from './slots.ts';

/**
 * pci-ins, first part: parse and choose a slot. Failure is a sentence in `parameter`, and `state` stays as it is. It is
 * not idempotent: a device that is already in gets another slot.
 */
export function startInsert(state: DeviceModelState, text: string, rules: DeviceModelRules): Step {
  if (rules.insertFailure !== undefined) return failure(state, rules.insertFailure);
  const parameter = parsePciParameter(text);
  if (parameter === undefined) return failure(state, 'no free hotplug devfn');
  const choice = chooseSlot(state.slots, parameter.vdevfn);
  if (choice.kind === 'refused') return failure(state, choice.text);
  const waiting: DeviceModelState = { ...state, insert: { device: parameter.device, devfn: choice.devfn } };
  return waiting.enumeration === undefined
    ? { state: waiting, effects: [{ kind: 'scan' }] }
    : register(waiting, waiting.enumeration, rules);
}

/** libpci has looked, once for good: what was not there (or nothing, if pcifront was late) is never found later. */
export function enumerated(
  state: DeviceModelState,
  devices: readonly string[] | undefined,
  rules: DeviceModelRules,
): Step {
  const enumeration = devices ?? [];
  const effects: Effect[] =
    devices === undefined ? [{ kind: 'log', text: 'pcifront is not connected: empty bus' }] : [];
  const next = register({ ...state, enumeration }, enumeration, rules);
  return { state: next.state, effects: [...effects, ...next.effects] };
}

/** The last part. The result of registration is ignored: success is reported in any case. */
export function finishInsert(state: DeviceModelState, readable: boolean): Step {
  const effects: Effect[] = readable ? [] : [{ kind: 'log', text: 'configuration space reads as zeros' }];
  return succeed(state, { registered: true, visible: readable }, effects);
}

function register(state: DeviceModelState, enumeration: readonly string[], rules: DeviceModelRules): Step {
  const { insert } = state;
  if (insert === undefined) return { state, effects: [] };
  if (rules.falseSuccess || !enumeration.includes(insert.device)) {
    const log: Effect = { kind: 'log', text: 'could not locate the device in libpci structures' };
    return succeed(state, { registered: false, visible: false }, [log]);
  }
  return { state, effects: [{ kind: 'probe', device: insert.device }] };
}

function failure(state: DeviceModelState, text: string): Step {
  return { state, effects: [{ kind: 'reply', parameter: text }] };
}

function succeed(
  state: DeviceModelState,
  outcome: { readonly registered: boolean; readonly visible: boolean },
  before: readonly Effect[],
): Step {
  const { insert } = state;
  if (insert === undefined) return { state, effects: before };
  const { device, devfn } = insert;
  const effects: Effect[] = [
    ...before,
    { kind: 'reply', parameter: `0x${devfn.toString(16).padStart(2, '0')}`, state: 'pci-inserted' },
  ];
  const hotPlug = (devfn & 7) === 0;
  const tells = hotPlug && outcome.visible;
  if (tells) effects.push({ kind: 'notifyGuest', event: 'insert', devfn });
  const taken = withOccupant(state.slots, devfn, { kind: 'device', device, ...outcome, told: false });
  const slots = tells ? withTold(taken, devfn >> 3) : taken;
  const inserted = [...state.inserted, { device, devfn }];
  // One variable holds the slot of the last hot-plug event: a pending removal is forgotten.
  const expectedEject = hotPlug ? undefined : state.expectedEject;
  return { state: { ...state, slots, inserted, expectedEject, insert: undefined }, effects };
}
