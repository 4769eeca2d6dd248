import type { Command } from 'commander';
import { collect, hypervisor, type HypervisorArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

/** Options of `stubdom support-bundle`. */
export interface SupportBundleOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly output?: string;
  readonly logs?: readonly string[];
  readonly metrics?: readonly string[];
  readonly host?: true;
  readonly xenstore?: string;
  readonly hypervisor?: HypervisorArgument;
  readonly root: string;
}

const verbatim = (text: string): string => text;

/** Adds `stubdom support-bundle`. */
export function addSupportBundleCommand(program: Command, context: CommandContext): void {
  program
    .command('support-bundle')
    .description('gather what helps to find a fault, without secrets, in a .tar.gz (changes nothing)')
    .option('-k, --kubeconfig <file>', "the cluster (default: $KUBECONFIG, else the pod's service account)")
    .option('--context <name>', 'context of the kubeconfig')
    .option('-o, --output <file>', 'the file to write (default: stubdom-support-TIME.tar.gz)')
    .option('--logs <file>', "a log of a program's, redacted; may be given several times", collect(verbatim))
    .option('--metrics <url>', "a program's probe port, as http://127.0.0.1:8080; several times", collect(verbatim))
    .option('--host', 'check this host, too, as stubdom doctor does')
    .option('--xenstore <path>', "with --host: the host's XenStore (default: $XENSTORED_PATH, else the usual places)")
    .option('--hypervisor <driver>', 'with --host: the hypervisor, as stubdom agent takes it', hypervisor)
    .option('--root <folder>', "with --host: where the host's /sys and /proc are", '/')
    .action(async (options: SupportBundleOptions) => {
      await (await import('./support-bundle-work.ts')).runSupportBundle(context, options);
    });
}
