import { Option, type Command } from 'commander';
import type { Quirk } from '../../embedded/simulated-host/quirks.ts';
import { collect, fabric, guest, integer, objectName, quirkHelp, quirkOption } from '../arguments.ts';
import type { FabricArgument, GuestArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import type { LogLevel } from '../../runtime/logger.ts';
import { logLevelOption } from './operator.ts';

/** Options of `stubdom embedded xenstored`. */
export interface XenstoredOptions {
  readonly socket: string;
  readonly guestDir?: string;
  readonly logLevel: LogLevel;
}

/** Options of `stubdom embedded api-server`. */
export interface ApiServerOptions {
  readonly kubeconfig: string;
  readonly dataDir?: string;
  readonly port?: number;
  readonly crds: boolean;
  readonly logLevel: LogLevel;
}

/** Options of `stubdom embedded host`. */
export interface HostOptions {
  readonly name: string;
  readonly kubeconfig?: string;
  readonly xenstore: string;
  readonly hypervisorSocket?: string;
  readonly withoutAgent?: true;
  readonly guest?: readonly GuestArgument[];
  readonly pci?: number;
  readonly quirk?: readonly Quirk[];
  readonly fabric: FabricArgument;
  readonly guestDir?: string;
  readonly fakexen?: string;
  readonly logLevel: LogLevel;
}

/** Adds the parts of the embedded world, each alone, so that other programs can be pointed at them. */
export function addEmbeddedCommands(program: Command, context: CommandContext): void {
  const embedded = program.command('embedded').description('run one part of the embedded world alone');
  embedded
    .command('xenstored')
    .description('a XenStore daemon: dom0 on one socket, each introduced domain on its own')
    .requiredOption('-s, --socket <path>', 'socket of dom0')
    .option('--guest-dir <dir>', 'where the sockets of domains appear, as N.sock (default: <socket>.guests)')
    .addOption(logLevelOption())
    .action(async (options: XenstoredOptions) => {
      await (await import('./xenstored-work.ts')).runXenstored(context, options);
    });
  embedded
    .command('api-server')
    .description('a small Kubernetes API server on loopback')
    .requiredOption('-k, --kubeconfig <file>', 'where to write the kubeconfig for kubectl')
    .option('--data-dir <dir>', 'keep objects over restarts (default: in memory)')
    .option('--port <port>', 'TCP port on 127.0.0.1 (default: a free one)', integer(1, 65535))
    .option('--no-crds', "start without this operator's CustomResourceDefinitions")
    .addOption(logLevelOption())
    .action(async (options: ApiServerOptions) => {
      await (await import('./api-server-work.ts')).runApiServer(context, options);
    });
  embedded
    .command('host')
    .description('a simulated Xen host on a XenStore daemon, with its agent')
    .requiredOption('-n, --name <name>', 'name of the host', objectName)
    .requiredOption('-x, --xenstore <path>', 'socket of the XenStore daemon')
    .option('-k, --kubeconfig <file>', 'cluster of the agent (not needed with --without-agent)')
    .option('--hypervisor-socket <path>', 'where to serve the simulated hypervisor to an agent elsewhere')
    .option('--without-agent', 'run the host alone')
    .option('--guest <name=uuid>', 'a HVM guest that runs there (several times)', collect(guest))
    .option('--pci <number>', 'how many PCI devices it has (default: a small mixed set)', integer(0, 1024))
    .option('--guest-dir <dir>', 'where the embedded daemon opens the sockets of domains (default: <socket>.guests)')
    .option('--fakexen <program>', 'the program fakexen, for --fabric fakexen:DIR (default: $FAKEXEN)')
    .addOption(quirkOption())
    .addOption(
      new Option('--fabric <kind>', 'who serves the guests: embedded, or fakexen:DIR for a real daemon')
        .argParser(fabric)
        .default({ kind: 'embedded' }, 'embedded'),
    )
    .addOption(logLevelOption())
    .addHelpText('after', quirkHelp)
    .action(async (options: HostOptions) => {
      await (await import('./host-work.ts')).runHost(context, options);
    });
}
