import { type DeviceName, devices } from './scenario.ts';
import type { Stage } from './stage.ts';

/** What `xl pci-attach` writes first: two plain writes, no transaction, whatever stands there. */
export async function xlSends(stage: Stage, command: string, parameter: string): Promise<void> {
  await stage.write('parameter', parameter);
  await stage.write('command', command);
}

/**
 * `xl pci-attach` as libxl has it: waits for `running`, remembers it, sends, waits for the reply, and writes back what it
 * remembers. `slot`: the vdevfn to ask for, in hexadecimal.
 */
export async function xlAttaches(stage: Stage, name: DeviceName, slot?: string): Promise<void> {
  await stage.node('state', 'running');
  const at = slot === undefined ? '' : `@${slot}`;
  await xlSends(stage, 'pci-ins', `${devices[name]}${at},msitranslate=0,power_mgmt=0`);
  await stage.node('state', 'pci-inserted');
  await stage.write('state', 'running');
}
