import { Option, type Command } from 'commander';
import { hypervisor, type HypervisorArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

/** Whose permissions are checked: of one who only looks, or of a program. */
export type Role = 'viewer' | 'controller' | 'agent';
const roles: readonly Role[] = ['viewer', 'controller', 'agent'];

/** Options of `stubdom doctor`. */
export interface DoctorOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly for: Role;
  readonly host?: true;
  readonly xenstore?: string;
  readonly hypervisor?: HypervisorArgument;
  readonly root: string;
  readonly output: 'table' | 'json';
}

/** Adds `stubdom doctor`. */
export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command('doctor')
    .description('check a cluster, and with --host this Xen host, and say what to do (changes nothing)')
    .option('-k, --kubeconfig <file>', "the cluster (default: $KUBECONFIG, else the pod's service account)")
    .option('--context <name>', 'context of the kubeconfig')
    .addOption(new Option('--for <role>', 'whose permissions to check').choices(roles).default('viewer'))
    .option('--host', 'check this host, too: XenStore, what nobody owns in it, pciback, the hypervisor')
    .option('--xenstore <path>', "with --host: the host's XenStore (default: $XENSTORED_PATH, else the usual places)")
    .option('--hypervisor <driver>', 'with --host: the hypervisor, as stubdom agent takes it', hypervisor)
    .option('--root <folder>', "with --host: where the host's /sys and /proc are", '/')
    .addOption(new Option('-o, --output <format>', 'table or json').choices(['table', 'json']).default('table'))
    .action(async (options: DoctorOptions) => {
      await (await import('./doctor-work.ts')).runDoctor(context, options);
    });
}
