import type { Shutdown } from './shutdown.ts';
import type { Terminal } from './terminal.ts';

/** What every command gets beside its own arguments. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly shutdown: Shutdown;
}
