import { xenbus, type XenbusState } from './xenbus.ts';
import { stateOf, type BackendWrite } from './pv-backend.ts';

/** One device of pciback's directory for a domain, as the toolstack wrote it there. */
export interface PcibackDevice {
  readonly index: number;
  /** `dev-N`. */
  readonly address: string;
  /** `state-N`. */
  readonly state: XenbusState | undefined;
  /** `vdev-N`; absent until pciback has exported the device. */
  readonly vdev: string | undefined;
}

/** What pciback sees in one directory. */
export interface PcibackView {
  readonly backend: XenbusState | undefined;
  readonly frontend: XenbusState | undefined;
  readonly devices: readonly PcibackDevice[];
  /** Whether the device is bound to pciback and no other domain has it exported. */
  readonly available: (address: string) => boolean;
  readonly quirks: { readonly missingVdev: boolean };
}

/** What it writes, and why it gave up if it did: the text that Linux puts below `error/`. */
export interface PcibackStep {
  readonly writes: readonly BackendWrite[];
  readonly error?: string;
}

/**
 * Linux's xen-pciback (stubdom-protocol §5.3). At 1 it exports all devices and goes to 3, at the front end's 3 to 4; a
 * toolstack's 7, answered by the front end's 7, makes it export what is new and go to 8, at the front end's 4 to 4.
 */
export function pcibackStep(view: PcibackView): PcibackStep {
  const { backend, frontend } = view;
  switch (backend) {
    case xenbus.initialising:
      return exportDevices(view, xenbus.initialised);
    case xenbus.initialised:
      return frontend === xenbus.initialised ? { writes: [stateOf(xenbus.connected)] } : { writes: [] };
    case xenbus.reconfiguring:
      return frontend === xenbus.reconfiguring ? exportDevices(view, xenbus.reconfigured) : { writes: [] };
    case xenbus.reconfigured:
      return frontend === xenbus.connected ? { writes: [stateOf(xenbus.connected)] } : { writes: [] };
    case xenbus.connected:
      return frontend === undefined || frontend === xenbus.closed
        ? { writes: [stateOf(xenbus.closed)] }
        : { writes: [] };
    case xenbus.closing:
      return frontend === undefined || frontend === xenbus.closed || frontend === xenbus.initialising
        ? { writes: [stateOf(xenbus.closed)] }
        : { writes: [] };
    default:
      return { writes: [] };
  }
}

function exportDevices(view: PcibackView, next: XenbusState): PcibackStep {
  const missing = view.devices.find((one) => isNew(one) && !view.available(one.address));
  if (missing !== undefined) {
    return {
      writes: [stateOf(xenbus.closing)],
      error: `Couldn't locate PCI device (${missing.address})! perhaps already in-use?`,
    };
  }
  const places = placesOf(view.devices);
  const writes = view.devices
    .filter(isNew)
    .flatMap((one): BackendWrite[] => [
      ...(view.quirks.missingVdev ? [] : [{ node: `vdev-${one.index}`, value: places.get(one.index) ?? '' }]),
      { node: `state-${one.index}`, value: String(xenbus.initialised) },
    ]);
  const roots =
    next === xenbus.initialised
      ? [
          { node: 'root-0', value: '0000:00' },
          { node: 'root_num', value: '1' },
        ]
      : [];
  return { writes: [...writes, ...roots, stateOf(next)] };
}

function isNew({ state }: PcibackDevice): boolean {
  return state === xenbus.initialising;
}

/** Virtual addresses, `%04x:%02x:%02x.%02x`: functions of one card share a slot, everything else has its own. */
function placesOf(devices: readonly PcibackDevice[]): Map<number, string> {
  const places = new Map<number, string>();
  const slots = new Map<string, number>();
  const taken = new Set(devices.flatMap(({ vdev }) => (vdev === undefined ? [] : [slotOf(vdev)])));
  for (const { address, vdev } of devices) {
    if (vdev !== undefined) slots.set(cardOf(address), slotOf(vdev));
  }
  for (const { index, address, vdev } of devices) {
    if (vdev !== undefined) continue;
    const card = cardOf(address);
    let slot = slots.get(card);
    if (slot === undefined) {
      slot = 0;
      while (taken.has(slot)) slot += 1;
      taken.add(slot);
      slots.set(card, slot);
    }
    const fn = address.slice(-1).padStart(2, '0');
    places.set(index, `0000:00:${slot.toString(16).padStart(2, '0')}.${fn}`);
  }
  return places;
}

function cardOf(address: string): string {
  return address.slice(0, -2);
}

function slotOf(vdev: string): number {
  return Number.parseInt(vdev.slice(8, 10), 16);
}
