import type { Command } from 'commander';
import type { CommandContext } from '../context.ts';

/** Options of `stubdom host-devices`. */
export interface HostDevicesOptions {
  readonly root: string;
  readonly output: string;
}

/** Adds `stubdom host-devices`, which looks at a host before there is an agent. */
export function addHostDevicesCommand(program: Command, context: CommandContext): void {
  program
    .command('host-devices')
    .description('list the PCI devices of this host, and which of them guests could have (changes nothing)')
    .option('--root <folder>', "where the host's /sys and /proc are", '/')
    .option('-o, --output <format>', 'table, or json with all uses of each device', 'table')
    .action(async (options: HostDevicesOptions) => {
      const { listHostDevices } = await import('./host-devices-work.ts');
      await listHostDevices(context, options);
    });
}
