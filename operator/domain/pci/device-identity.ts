/** What a device is, wherever it stands: four hexadecimal digits each. */
export interface DeviceIdentity {
  readonly vendorID: string;
  readonly deviceID: string;
}

const words = ({ vendorID, deviceID }: DeviceIdentity): string => `${vendorID}:${deviceID}`;

/** Why `found`, at an address where `claimed` was claimed, is not inserted; undefined if it is the same. */
export function changedDeviceMessage(
  address: string,
  claimed: DeviceIdentity | undefined,
  found: DeviceIdentity,
): string | undefined {
  if (claimed === undefined || words(claimed) === words(found)) return undefined;
  return `${address} is ${words(found)} now, and was ${words(claimed)} when it was claimed: the host's bus was numbered anew, or the card was changed. Nothing is inserted. Delete the PciAttachment and create it again to claim a device anew.`;
}
