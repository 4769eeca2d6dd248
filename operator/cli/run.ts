import { CommanderError, type Command } from 'commander';
import { describeFailure, oneLine, usageExitCode } from './failure.ts';
import { buildProgram } from './program.ts';
import { listenForSignals } from './shutdown.ts';
import { processTerminal } from './terminal.ts';

const stopLimitMs = 15_000;

/** Runs one command line to its end and gives the exit code. Prints one line when it fails. */
export async function run(argv: readonly string[]): Promise<number> {
  const terminal = processTerminal();
  const say = (line: string): void => terminal.err(`stubdom: ${line}`);
  const broken = brokenPipe();
  const shutdown = listenForSignals(stopLimitMs, say);
  // The operator's own timers do not keep the process: while it waits to reconnect, nothing else may.
  const alive = setInterval(() => {}, 0x7fffffff);
  try {
    return await Promise.race([execute(argv, { terminal, shutdown }, say), shutdown.forced, broken]);
  } finally {
    clearInterval(alive);
    shutdown.dispose();
  }
}

async function execute(
  argv: readonly string[],
  context: Parameters<typeof buildProgram>[0],
  say: (line: string) => void,
): Promise<number> {
  const program = buildProgram(context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) return commandLineFailure(error, commandNamed(program, argv), say);
    const failure = describeFailure(error);
    say(failure.line);
    if (failure.stack !== undefined) context.terminal.err(failure.stack);
    return failure.exitCode;
  }
}

/** What commander threw: help and version are no failures; the rest gets one line. */
function commandLineFailure(error: CommanderError, command: string, say: (line: string) => void): number {
  if (error.exitCode === 0) return 0;
  if (error.code !== 'commander.help') {
    const message = oneLine(error.message.replace(/^error: /, ''));
    say(`${message}${message.endsWith('.') ? '' : '.'} See: ${command} --help`);
  }
  return usageExitCode;
}

/** The command that the words of the command line lead to, as one would type it. */
function commandNamed(program: Command, argv: readonly string[]): string {
  const path = [program.name()];
  let command = program;
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) break;
    path.push(word);
    command = next;
  }
  return path.join(' ');
}

/** Resolves with the exit code when whoever reads our output went away (`stubdom xenstore ls / | head`). */
function brokenPipe(): Promise<number> {
  return new Promise((resolve, reject) => {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') resolve(0);
      // The terminal was closed: SIGHUP asks for a clean end, and nobody reads any more.
      else if (error.code !== 'EIO') reject(error);
    });
    process.stderr.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EIO' && error.code !== 'EPIPE') reject(error);
    });
  });
}
