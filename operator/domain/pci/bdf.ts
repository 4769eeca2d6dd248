/**
 * PCI addresses. Text form `dddd:bb:ss.f` (BDF with domain, lower case); in XenStore paths `:` and `.` are not allowed
 * and libxl writes `dddd-bb-ss-f` (libxl_pci.c).
 */
export interface Bdf {
  readonly domain: number;
  readonly bus: number;
  readonly slot: number;
  readonly func: number;
}

const pattern = /^([0-9a-f]{4}):([0-9a-f]{2}):([01][0-9a-f])\.([0-7])$/;

/** Parses the text form; undefined for anything else. */
export function parseBdf(text: string): Bdf | undefined {
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const [, domain = '', bus = '', slot = '', func = ''] = match;
  return {
    domain: Number.parseInt(domain, 16),
    bus: Number.parseInt(bus, 16),
    slot: Number.parseInt(slot, 16),
    func: Number.parseInt(func, 16),
  };
}

/** Whether the text is a BDF. */
export function isBdf(text: string): boolean {
  return pattern.test(text);
}

/** The form that is allowed in XenStore paths. */
export function xenstoreBdf(address: string): string {
  return address.replaceAll(/[:.]/g, '-');
}

/** The text form again, of what `xenstoreBdf` gave. Undefined if it was not one. */
export function fromXenstoreBdf(name: string): string | undefined {
  const text = name.replace(/^(.{4})-(..)-(..)-(.)$/, '$1:$2:$3.$4');
  return isBdf(text) ? text : undefined;
}

/** Whether the two differ in the PCI segment alone: the device model ignores it (qemu-traditional, pass-through.c). */
export function differInSegmentOnly(a: string, b: string): boolean {
  return a !== b && a.slice(4) === b.slice(4);
}

/** Whether the two are functions of one card: they differ in the function alone. */
export function isSameCard(a: string, b: string): boolean {
  return a.slice(0, -1) === b.slice(0, -1);
}
