import { Option, type Command } from 'commander';
import { hypervisor, integer, objectName, type HypervisorArgument } from '../arguments.ts';
import type { CommandContext } from '../context.ts';
import { logLevels, type LogLevel } from '../../runtime/logger.ts';

/** Options of the two programs that run in production. */
export interface ProgramOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly probePort?: number;
  readonly logLevel: LogLevel;
}

/** Options of `stubdom controller`. */
export interface ControllerOptions extends ProgramOptions {
  readonly leaderElect?: true;
}

/** Options of `stubdom agent`. */
export interface AgentOptions extends ProgramOptions {
  readonly name: string;
  readonly xenstore: string;
  readonly hypervisor: HypervisorArgument;
}

/** The option that says how much is logged. */
export function logLevelOption(): Option {
  return new Option('--log-level <level>', 'how much to log').choices(logLevels).default('info');
}

/** Adds `stubdom controller` and `stubdom agent`. */
export function addOperatorCommands(program: Command, context: CommandContext): void {
  const add = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option('-k, --kubeconfig <file>', "the cluster (default: $KUBECONFIG, else the pod's service account)")
      .option('--context <name>', 'context of the kubeconfig')
      .option('--probe-port <port>', 'serve /livez, /readyz and /metrics on this port', integer(0, 65535))
      .addOption(logLevelOption());

  add('controller', 'decide where stub domains run and who gets which PCI device (one a cluster)')
    .option('--leader-elect', 'where several run: decide only with the Lease stubdom-system/stubdom-controller')
    .action(async (options: ControllerOptions) => {
      await (await import('./operator-work.ts')).runController(context, options);
    });
  add('agent', 'drive the stub domains of this Xen host (one a host)')
    .requiredOption('-n, --name <name>', 'name of the XenHost', objectName)
    .requiredOption('--xenstore <path>', "the host's XenStore: a daemon's socket, or /dev/xen/xenbus")
    .requiredOption('--hypervisor <driver>', 'the hypervisor: xl, xl:PROGRAM or simulated:SOCKET', hypervisor)
    .action(async (options: AgentOptions) => {
      await (await import('./operator-work.ts')).runAgent(context, options);
    });
}
