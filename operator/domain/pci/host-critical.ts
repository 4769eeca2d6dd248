/** As far as a device of a host is known to both programs. */
interface Device {
  readonly address: string;
  readonly classID: string;
  readonly hostUse?: string | undefined;
}

/** Words of a use that the hypervisor driver could not find out begin so; the rest says why. */
const unknown = 'unknown: ';

/** Whether the device is a bridge (PCI base class 06): it holds the host's bus together, and no guest can have it. */
export function isBridge({ classID }: Pick<Device, 'classID'>): boolean {
  return classID.startsWith('06');
}

/** What the host itself needs the device for, e.g. `root disk`; undefined if it can do without. */
export function hostUseOf(device: Device): string | undefined {
  if (isBridge(device)) return 'bridge';
  return device.hostUse === undefined || device.hostUse === '' ? undefined : device.hostUse.slice(0, 64);
}

/** The same as the end of a sentence about the device. */
export function hostUseWords(device: Device): string {
  if (isBridge(device)) return 'is a bridge of the host itself';
  const use = hostUseOf(device);
  if (use === undefined) return 'is in use by the host itself';
  return use.startsWith(unknown)
    ? `may be in use by the host itself (${use.slice(unknown.length)})`
    : `holds the host's ${use}`;
}

function nextStep(device: Device): string {
  if (isBridge(device)) return 'Choose another device.';
  return hostUseOf(device)?.startsWith(unknown) === true
    ? `Choose another device; or let the agent read the host's /proc and /sys; or, if the host can do without it, bind it to pciback by hand (xl pci-assignable-add ${device.address}).`
    : 'Choose another device, or free this one in dom0 first.';
}

/** Why such a device is refused, and what to do. */
export function hostUseMessage(device: Device): string {
  return `${device.address} ${hostUseWords(device)} and is never given away. ${nextStep(device)}`;
}
