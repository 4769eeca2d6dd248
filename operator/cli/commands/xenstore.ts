import type { Command } from 'commander';
import { integer } from '../arguments.ts';
import type { CommandContext } from '../context.ts';

/** Options that every `stubdom xenstore …` command has. */
export interface XenstoreOptions {
  readonly socket?: string;
}

/** Adds `stubdom xenstore ls|read|write|rm|watch`, the debugging client. */
export function addXenstoreCommands(program: Command, context: CommandContext): void {
  const xenstore = program.command('xenstore').description('look into a XenStore, and change it (a debugging client)');
  const add = (usage: string, description: string): Command =>
    xenstore
      .command(usage)
      .description(description)
      .option(
        '-s, --socket <path>',
        "socket of the daemon, or /dev/xen/xenbus (default: $XENSTORED_PATH, else the host's)",
      );
  const work = () => import('./xenstore-work.ts');

  add('ls [path]', 'list the tree below a path, values escaped')
    .option('-p, --permissions', 'show permissions, as (n0,r5)')
    .option('-f, --full', 'show full paths, one node a line')
    .action(async (path: string | undefined, options: XenstoreOptions & { permissions?: true; full?: true }) => {
      await (await work()).list(context, options, path ?? '/');
    });
  add('read <paths...>', 'print values, escaped')
    .option('-p, --permissions', 'show permissions, as (n0,r5)')
    .option('--raw', 'print the bytes as they are, without a line end')
    .action(async (paths: string[], options: XenstoreOptions & { permissions?: true; raw?: true }) => {
      await (await work()).read(context, options, paths);
    });
  add('write <path> <value> [more...]', 'write values; \\n, \\t, \\\\, \\xHH and \\NNN stand for bytes')
    .option('--raw', 'take the values as they are')
    .action(async (path: string, value: string, more: string[], options: XenstoreOptions & { raw?: true }) => {
      await (await work()).write(context, options, [path, value, ...more]);
    });
  add('rm <paths...>', 'remove nodes with everything below').action(
    async (paths: string[], options: XenstoreOptions) => {
      await (await work()).remove(context, options, paths);
    },
  );
  add('watch <paths...>', 'print the path of each change, until interrupted')
    .option('-n, --count <events>', 'end after so many events', integer(1, 1_000_000))
    .action(async (paths: string[], options: XenstoreOptions & { count?: number }) => {
      await (await work()).watch(context, options, paths);
    });
}
