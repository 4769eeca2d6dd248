import { dispatch, type CommandName } from './dispatch.ts';
import type { DeviceModelRules, DeviceModelState, Effect, Input, Step } from './model.ts';
import { guestEject, startRemove } from './pci-remove.ts';
import { enumerated, finishInsert, startInsert } from './pci-insert.ts';

/**
 * qemu-traditional's side of the channel (stubdom-protocol §4), one input at a time. Where it stays silent, so does
 * this: an unknown word, a missing parameter, a removal of what is not there give no reply at all.
 */
export function step(state: DeviceModelState, input: Input, rules: DeviceModelRules): Step {
  switch (input.kind) {
    case 'started':
      return { state: { ...state, phase: 'running' }, effects: [{ kind: 'reply', state: 'running' }] };
    case 'command':
      return pickUp(state, input.value, rules);
    case 'parameter':
      return withParameter(state, input.command, input.value, rules);
    case 'scanned':
      return enumerated(state, input.devices, rules);
    case 'probed':
      return finishInsert(state, input.readable);
    case 'mainLoop':
      return mainLoop(state);
    case 'guestEject':
      return guestEject(state, input.devfn);
  }
}

/** The node is deleted before anything else: that is the only receipt a toolstack gets. */
function pickUp(state: DeviceModelState, value: string | undefined, rules: DeviceModelRules): Step {
  if (value === undefined) return { state, effects: [] };
  const command = dispatch(value);
  const taken: Effect[] = [{ kind: 'picked', command }];
  if (!rules.shim) taken.push({ kind: 'deleteCommand' });
  switch (command) {
    case undefined:
      return { state, effects: [...taken, { kind: 'log', text: 'unknown command' }] };
    case 'save': {
      const wake: Effect[] = state.phase === 'running' ? [{ kind: 'wakeMainLoop' }] : [];
      return { state: { ...state, pauseRequested: true }, effects: [...taken, ...wake] };
    }
    case 'continue': {
      const next = resume(state);
      return { state: next.state, effects: [...taken, ...next.effects] };
    }
    default:
      return { state, effects: [...taken, { kind: 'readParameter', command }] };
  }
}

function withParameter(
  state: DeviceModelState,
  command: CommandName,
  value: string | undefined,
  rules: DeviceModelRules,
): Step {
  if (value === undefined) return { state, effects: [{ kind: 'log', text: 'command without a parameter' }] };
  switch (command) {
    case 'pci-ins':
      return startInsert(state, value, rules);
    case 'pci-rem':
      return startRemove(state, value, rules);
    // The result of the USB code is not looked at.
    case 'usb-add':
      return { state, effects: [{ kind: 'reply', state: 'usb-added' }] };
    case 'usb-del':
      return { state, effects: [{ kind: 'reply', state: 'usb-deleted' }] };
    case 'save':
    case 'continue':
      return { state, effects: [] };
  }
}

/** Errors of saving are not reported: `paused` is the answer in any case. */
function mainLoop(state: DeviceModelState): Step {
  if (!state.pauseRequested || state.phase !== 'running') return { state, effects: [] };
  return { state: { ...state, phase: 'paused' }, effects: [{ kind: 'saveFile' }, { kind: 'reply', state: 'paused' }] };
}

/** No reply if it was not paused: a `continue` that overtakes a `save` cancels it silently. */
function resume(state: DeviceModelState): Step {
  const asked: DeviceModelState = { ...state, pauseRequested: false };
  if (state.phase !== 'paused') return { state: asked, effects: [] };
  const effects: Effect[] = [{ kind: 'reply', state: 'running' }];
  let next: DeviceModelState = { ...asked, phase: 'running', heldEjects: [] };
  for (const devfn of state.heldEjects) {
    const ejected = guestEject(next, devfn);
    next = ejected.state;
    effects.push(...ejected.effects);
  }
  return { state: next, effects };
}
