import type { Snapshot } from '../snapshot.ts';

/** Whether this life of the agent made the device ready for the stub domain that lives now. */
export function isReadied({ memory, stub }: Snapshot, address: string): boolean {
  return stub !== undefined && memory.readied?.get(address) === stub.uuid;
}
