/**
 * Values that a stub domain can write. Lengths are capped before anything is looked at, and only words from an
 * allow-list get through; the rest is `Unrecognised` and never quoted anywhere.
 */
const maxWord = 64;

/** What `state` may say, and how its absence and everything else are named. */
export const deviceModelStates = [
  'running',
  'paused',
  'pci-inserted',
  'pci-removed',
  'pci-insert-failed',
  'usb-added',
  'usb-deleted',
] as const;
export type DeviceModelWord = (typeof deviceModelStates)[number];
export type DeviceModelState = DeviceModelWord | 'Absent' | 'Unrecognised';

function word(value: Uint8Array): string | undefined {
  if (value.length > maxWord) return undefined;
  for (const byte of value) if (byte < 0x20 || byte > 0x7e) return undefined;
  return String.fromCharCode(...value);
}

/** The device model's state, compared exactly as libxl does. */
export function parseDeviceModelState(value: Uint8Array | undefined): DeviceModelState {
  if (value === undefined) return 'Absent';
  const text = word(value);
  return deviceModelStates.find((state) => state === text) ?? 'Unrecognised';
}

/** What `parameter` holds after a command: nothing, our own request still, a slot, a known failure, or something else. */
export type ParameterReply =
  | { readonly kind: 'absent' }
  | { readonly kind: 'request' }
  /** The request of somebody else, who gave a command beside ours. It answers nothing. */
  | { readonly kind: 'foreign' }
  | { readonly kind: 'vdevfn'; readonly vdevfn: number }
  | { readonly kind: 'failure'; readonly reason: 'NoFreeSlot' | 'SlotBusy' }
  | { readonly kind: 'unrecognised'; readonly bytes: number };

// qemu-traditional, hw/piix4acpi.c: the first also answers an address that it cannot parse.
const failures = new Map<string, 'NoFreeSlot' | 'SlotBusy'>([
  ['no free hotplug devfn', 'NoFreeSlot'],
  ['wrong bdf or vdevfn', 'SlotBusy'],
]);

// A BDF, as pci-ins and pci-rem begin (reference, appendix C).
const foreignRequest = /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?:[@,]|$)/;

/** Reads `parameter` in the light of the request that was sent. */
export function parseParameterReply(value: Uint8Array | undefined, request: string): ParameterReply {
  if (value === undefined) return { kind: 'absent' };
  const text = word(value);
  if (text === undefined) return { kind: 'unrecognised', bytes: value.length };
  if (text === request) return { kind: 'request' };
  if (/^0x[0-9a-f]{1,2}$/.test(text)) return { kind: 'vdevfn', vdevfn: Number.parseInt(text.slice(2), 16) };
  if (foreignRequest.test(text)) return { kind: 'foreign' };
  const reason = failures.get(text);
  return reason === undefined ? { kind: 'unrecognised', bytes: value.length } : { kind: 'failure', reason };
}

/** A decimal number without sign or leading zeros, at most `max`; undefined for anything else. */
export function parseDecimal(value: Uint8Array | undefined, max: number): number | undefined {
  if (value === undefined || value.length === 0 || value.length > 10) return undefined;
  const text = word(value);
  if (text === undefined || !/^(0|[1-9][0-9]*)$/.test(text)) return undefined;
  const number = Number(text);
  return number <= max ? number : undefined;
}

// Domids from DOMID_FIRST_RESERVED on are no domains (xen.h).
const maxDomid = 0x7fef;

/** A domid; undefined for anything else. */
export function parseDomid(value: Uint8Array | undefined): number | undefined {
  return parseDecimal(value, maxDomid);
}

/** The uuid in a `/vm/<uuid>` path; undefined for anything else. */
export function parseVmPath(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = word(value);
  return /^\/vm\/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text ?? '')?.[1];
}

/** How a vdevfn is written for people and in the status. */
export function formatVdevfn(vdevfn: number): string {
  return `0x${vdevfn.toString(16).padStart(2, '0')}`;
}
