/** An HVM guest that a simulated host runs from its start, as `xl create` would have made it. */
export interface GuestDefinition {
  /** Lower case; it stays the same over restarts of the guest. */
  readonly uuid: string;
  readonly name: string;
  /** Default 512. */
  readonly memoryMiB?: number;
  /** How long the guest takes to let go of a PCI device, in milliseconds. Default 50. */
  readonly ejectDelayMs?: number;
  /** Whether the guest has an ACPI hot-plug driver. Without one it never lets go. Default true. */
  readonly acceptsEject?: boolean;
}
