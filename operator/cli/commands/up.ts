import { Option, type Command } from 'commander';
import type { Quirk } from '../../embedded/simulated-host/quirks.ts';
import { collect, guest, integer, quirkHelp, quirkOption, type GuestArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

/** Options of `stubdom up`. */
export interface UpOptions {
  readonly hosts: number;
  readonly stubDomains?: number;
  readonly pciPerDomain: number;
  readonly samples?: true;
  readonly kubeconfig: string;
  readonly cluster?: string;
  readonly dataDir?: string;
  readonly port?: number;
  readonly exitWhenReady?: true;
  readonly timeout: number;
  readonly guest?: readonly GuestArgument[];
  readonly quirk?: readonly Quirk[];
  readonly verbose?: true;
}

/** Adds `stubdom up`, the embedded world in one command. */
export function addUpCommand(program: Command, context: CommandContext): void {
  program
    .command('up')
    .description('run the whole operator here: API server, simulated Xen hosts, controller and agents')
    .option('--hosts <number>', 'simulated Xen hosts', integer(1, 200), 1)
    .option(
      '--stub-domains <number>',
      'apply a fleet of so many StubDomains, spread over the hosts',
      integer(1, 20_000),
    )
    .option('--pci-per-domain <number>', 'PciAttachments for each StubDomain of the fleet', integer(0, 8), 0)
    .option('--samples', 'apply crds/samples/ (the default without --stub-domains)')
    .option('--kubeconfig <file>', 'where to write the kubeconfig for kubectl', '.stubdom/kubeconfig')
    .addOption(
      new Option('--cluster <file>', 'use the cluster of this kubeconfig instead of the embedded API server').conflicts(
        ['dataDir', 'port'],
      ),
    )
    .option('--data-dir <dir>', 'keep the API objects over restarts (default: in memory)')
    .option('--port <port>', 'TCP port of the embedded API server (default: a free one)', integer(1, 65535))
    .option('--exit-when-ready', 'end as soon as everything is Ready')
    .option('--timeout <seconds>', 'with --exit-when-ready: how long that may take', integer(1, 86_400), 300)
    .option('--guest <name=uuid>', 'one more HVM guest on the first host (several times)', collect(guest))
    .addOption(quirkOption())
    .option('-v, --verbose', 'log to stderr, not to a file beside the kubeconfig')
    .addHelpText('after', quirkHelp)
    .action(async (options: UpOptions) => {
      await (await import('./up-work.ts')).runUp(context, options);
    });
}
