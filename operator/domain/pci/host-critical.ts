/** As far as a device of a host is known to both programs. */
interface Device {
  readonly address: string;
  readonly classID: string;
  readonly hostUse?: string | undefined;
}

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
  return use === undefined ? 'is in use by the host itself' : `holds the host's ${use}`;
}

/** Why such a device is refused. */
export function hostUseMessage(device: Device): string {
  return `${device.address} ${hostUseWords(device)} and is never given away.`;
}
