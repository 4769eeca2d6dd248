import { type CommandName } from './dispatch.ts';
import { emulatedSlots, type Slots } from './slots.ts';

/**
 * The device model as a pure machine: what it knows (`DeviceModelState`), what can happen to it (`Input`), and what it
 * does then (`Effect`), in order. `machine.ts` has the transitions; `driver.ts` does the effects on a real socket.
 */
export interface DeviceModelState {
  readonly phase: 'starting' | 'running' | 'paused';
  /** `save` only asks; the main loop acts when it comes round, unless `continue` was quicker. */
  readonly pauseRequested: boolean;
  readonly slots: Slots;
  /** Every insert that was answered with success, in order: for the record. */
  readonly inserted: readonly PendingInsert[];
  /** What libpci found at the first pci-ins. It looks once and never again (§4.7). */
  readonly enumeration: readonly string[] | undefined;
  /** The one device and function number whose eject is awaited. */
  readonly expectedEject: number | undefined;
  /** Ejects that the guest asked for while the main loop stood still. */
  readonly heldEjects: readonly number[];
  /** The insert that waits for libpci or for the device's configuration space. */
  readonly insert: PendingInsert | undefined;
}

export interface PendingInsert {
  readonly device: string;
  readonly devfn: number;
}

export type Input =
  /** The main loop begins. */
  | { readonly kind: 'started' }
  /** The value of `command` after a watch event; undefined if there is none. */
  | { readonly kind: 'command'; readonly value: string | undefined }
  /** The answer to `readParameter`. */
  | { readonly kind: 'parameter'; readonly command: CommandName; readonly value: string | undefined }
  /** The answer to `scan`: devices of the PV back end, `bb:dd.f`; undefined if pcifront is not connected. */
  | { readonly kind: 'scanned'; readonly devices: readonly string[] | undefined }
  /** The answer to `probe`: whether the configuration space can be read. */
  | { readonly kind: 'probed'; readonly readable: boolean }
  | { readonly kind: 'mainLoop' }
  /** The guest wrote the eject register. */
  | { readonly kind: 'guestEject'; readonly devfn: number };

export type Effect =
  /** For the record; before the deletion, so that whoever sees that finds the record complete. */
  | { readonly kind: 'picked'; readonly command: CommandName | undefined }
  | { readonly kind: 'deleteCommand' }
  | { readonly kind: 'readParameter'; readonly command: CommandName }
  /** First `parameter`, then `state`, each if given. */
  | { readonly kind: 'reply'; readonly parameter?: string; readonly state?: StateWord }
  | { readonly kind: 'scan' }
  | { readonly kind: 'probe'; readonly device: string }
  /** Comes back as `mainLoop`, after the device model has drained its I/O. */
  | { readonly kind: 'wakeMainLoop' }
  | { readonly kind: 'saveFile' }
  /** Raises the SCI: the guest is told, and may answer with `guestEject` for a removal. */
  | { readonly kind: 'notifyGuest'; readonly event: 'insert' | 'remove'; readonly devfn: number }
  | { readonly kind: 'log'; readonly text: string };

/** What a real device model writes to `state`. */
export type StateWord = 'running' | 'paused' | 'pci-inserted' | 'pci-removed' | 'usb-added' | 'usb-deleted';

/** What differs between device models of one kind: properties of the program, not of its state. */
export interface DeviceModelRules {
  /** Registration fails although the device is there: a false success (§4.4, 7). */
  readonly falseSuccess: boolean;
  /** A failure text for every pci-ins, whatever the slots say. */
  readonly insertFailure: string | undefined;
  /** The Qubes 4.0 shim (§8): `command` stays, removal is answered at once. */
  readonly shim: boolean;
}

export interface Step {
  readonly state: DeviceModelState;
  readonly effects: readonly Effect[];
}

/** A device model before its main loop, with `emulated` slots in use from the start. */
export function initialState(emulated: number): DeviceModelState {
  return {
    phase: 'starting',
    pauseRequested: false,
    slots: emulatedSlots(emulated),
    inserted: [],
    enumeration: undefined,
    expectedEject: undefined,
    heldEjects: [],
    insert: undefined,
  };
}
