import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { spawnFailure } from './spawn-failure.ts';

/** All that programs of the host get to know of our environment. */
const childEnvironment: NodeJS.ProcessEnv = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
};

/**
 * Starts a program of the host: arguments as they are, no shell, a process group of its own. Throws as `spawnFailure` says;
 * what the system refuses later comes as the child's `error`.
 */
export function spawnChild(program: string, args: readonly string[], stdio: StdioOptions): ChildProcess {
  try {
    return spawn(program, [...args], { stdio, env: childEnvironment, cwd: '/', detached: true });
  } catch (error) {
    throw spawnFailure(program, error);
  }
}
