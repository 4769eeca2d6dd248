/** The words that the device model knows, in the order in which it compares them (stubdom-protocol §4.2). */
export const commandNames = ['save', 'continue', 'usb-add', 'usb-del', 'pci-rem', 'pci-ins'] as const;

export type CommandName = (typeof commandNames)[number];

/**
 * Which command a value of `command` means. The comparison is `strncmp(received, NAME, strlen(received))`: any prefix
 * matches, in this order, so that the empty string is `save` and `p` is `pci-rem`; a trailing newline matches nothing.
 * As in C, the value ends at its first NUL.
 */
export function dispatch(received: string): CommandName | undefined {
  const nul = received.indexOf('\0');
  const word = nul < 0 ? received : received.slice(0, nul);
  return commandNames.find((name) => name.startsWith(word));
}
