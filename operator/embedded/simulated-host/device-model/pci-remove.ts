import type { DeviceModelRules, DeviceModelState, Step } from './model.ts';
import { parsePciParameter } from './pci-parameter.ts';
import { findDevice, withoutSlot } from './slots.ts';

/**
 * pci-rem: tells the guest and waits for it, without bound (stubdom-protocol §4.5). An unknown device and a function
 * other than 0 are only logged. A second removal overwrites the expectation of the first.
 */
export function startRemove(state: DeviceModelState, text: string, rules: DeviceModelRules): Step {
  const parameter = parsePciParameter(text);
  const devfn = parameter === undefined ? undefined : findDevice(state.slots, parameter.device);
  if (devfn === undefined) return { state, effects: [{ kind: 'log', text: 'no such device to remove' }] };
  if (rules.shim) {
    return {
      state: { ...state, slots: withoutSlot(state.slots, devfn) },
      effects: [{ kind: 'reply', state: 'pci-removed' }],
    };
  }
  if ((devfn & 7) !== 0) return { state, effects: [{ kind: 'log', text: 'only function 0 can be removed' }] };
  const occupant = state.slots.get(devfn);
  const next: DeviceModelState = { ...state, expectedEject: devfn };
  // A guest that never saw the device has nothing to eject.
  if (occupant?.kind !== 'device' || !occupant.visible) return { state: next, effects: [] };
  return { state: next, effects: [{ kind: 'notifyGuest', event: 'remove', devfn }] };
}

/** The guest lets go of a slot. While the main loop stands still (paused), its register write waits. */
export function guestEject(state: DeviceModelState, devfn: number): Step {
  if (state.phase === 'paused') return { state: { ...state, heldEjects: [...state.heldEjects, devfn] }, effects: [] };
  if (state.expectedEject !== devfn) return { state, effects: [{ kind: 'log', text: 'not expecting this eject' }] };
  return {
    state: { ...state, expectedEject: undefined, slots: withoutSlot(state.slots, devfn) },
    effects: [{ kind: 'reply', state: 'pci-removed' }],
  };
}
