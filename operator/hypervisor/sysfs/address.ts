/** PCI addresses as the kernel writes them in sysfs: `dddd:bb:ss.f`. Segments beyond ffff (VMD) cannot be given away. */
const whole = /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;

/** Whether the text is a PCI address. */
export function isAddress(text: string): boolean {
  return whole.test(text);
}

/**
 * The PCI devices that a canonical sysfs path goes through, from the root complex down: what is at its end hangs on all of
 * them. A disk behind a VMD controller shows the controller alone: what is behind it has a longer segment.
 */
export function addressesOn(path: string): string[] {
  return path.split('/').filter(isAddress);
}
