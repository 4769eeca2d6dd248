import { Command } from 'commander';
import { addDoctorCommand } from './commands/doctor.ts';
import { addEmbeddedCommands } from './commands/embedded.ts';
import { addHostDevicesCommand } from './commands/host-devices.ts';
import { addOperatorCommands } from './commands/operator.ts';
import { addSupportBundleCommand } from './commands/support-bundle.ts';
import { addUpCommand } from './commands/up.ts';
import { addXenstoreCommands } from './commands/xenstore.ts';
import type { CommandContext } from './context.ts';
import { packageInfo } from './package-root.ts';

/**
 * The command line. Each command's file holds its options alone and loads its work when it runs, so that `stubdom version`
 * does not wait for the API server.
 */
export function buildProgram(context: CommandContext): Command {
  const { terminal } = context;
  const program = new Command('stubdom')
    .description("The toolstack for Xen's device-model stub domains, as a Kubernetes operator.")
    .exitOverride()
    .showSuggestionAfterError()
    .configureOutput({
      writeOut: (text) => terminal.raw(text),
      writeErr: (text) => terminal.err(text.trimEnd()),
      // run.ts prints the one line of a failure.
      outputError: () => {},
    })
    .version(versionText(), '-V, --version', 'print the version')
    .helpCommand('help [command]', 'show what a command does');
  program
    .command('version')
    .description('print the version')
    .action(() => {
      terminal.out(versionText());
    });
  addUpCommand(program, context);
  addOperatorCommands(program, context);
  addDoctorCommand(program, context);
  addSupportBundleCommand(program, context);
  addHostDevicesCommand(program, context);
  addXenstoreCommands(program, context);
  addEmbeddedCommands(program, context);
  return program;
}

function versionText(): string {
  return `stubdom ${packageInfo().version} (node ${process.version})`;
}
