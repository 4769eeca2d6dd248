import type { HostileBehaviour } from '../quirks.ts';

/** A value as a stub domain can write it: any bytes. */
export type Bytes = string | Uint8Array;

/** The channel as a compromised device model uses it. */
export interface HostileChannel {
  writeState(value: Bytes): Promise<void>;
  writeParameter(value: Bytes): Promise<void>;
  deleteNodes(): Promise<void>;
}

/** What hostile behaviours put in place of a reply; `honest` leaves the reply as it is. */
export async function hostileReply(
  behaviour: HostileBehaviour,
  channel: HostileChannel,
): Promise<'replaced' | 'honest'> {
  switch (behaviour) {
    case 'garbage':
      await channel.writeParameter('\u001b[31m0x20\u001b[0m; DROP TABLE devices');
      await channel.writeState('pci-inserted\n');
      return 'replaced';
    case 'huge':
      await channel.writeParameter('A'.repeat(hugeValue));
      await channel.writeState('B'.repeat(hugeValue));
      return 'replaced';
    case 'binary':
      await channel.writeParameter(Uint8Array.of(0x30, 0x78, 0x32, 0x30, 0x00, 0xff, 0xfe));
      await channel.writeState(Uint8Array.of(0x70, 0x63, 0x69, 0x00, 0xc3, 0x28, 0xff));
      return 'replaced';
    case 'deletes-nodes':
      await channel.deleteNodes();
      return 'replaced';
    // These act on their own: around the pick-up, or all the time.
    case 'forges-removed':
    case 'forges-inserted':
    case 'flapping':
      return 'honest';
  }
}

/** Before the command node is deleted: success is claimed for a request that nobody has read. */
export async function hostileBeforePickUp(
  behaviour: HostileBehaviour | undefined,
  channel: HostileChannel,
): Promise<void> {
  if (behaviour !== 'forges-inserted') return;
  await channel.writeParameter('0x20');
  await channel.writeState('pci-inserted');
}

/** At the pick-up: a removal is claimed while the guest still has the device, the most dangerous lie there is. */
export async function hostileAtPickUp(
  behaviour: HostileBehaviour | undefined,
  command: string | undefined,
  channel: HostileChannel,
): Promise<void> {
  if (behaviour === 'forges-removed' && command === 'pci-rem') await channel.writeState('pci-removed');
}

/** Close to the 2048 bytes that the quota allows a node with its path and permissions. */
const hugeValue = 1900;

/** What a flapping `state` goes through, one after another. */
export const flappingStates = ['pci-inserted', 'running', 'pci-removed', 'paused', 'running', 'usb-added'] as const;

/** Between two of them, in milliseconds. */
export const flappingIntervalMs = 20;
