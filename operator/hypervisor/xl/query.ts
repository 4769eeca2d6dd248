import type { ChildProcess } from 'node:child_process';
import { HypervisorError } from '../hypervisor.ts';
import type { Clock } from '../../runtime/ports.ts';
import { spawnChild } from './spawn-child.ts';
import { spawnFailure } from './spawn-failure.ts';

/** What a program answered that came to its end by itself. */
export interface Answer {
  readonly status: number;
  readonly stdout: string;
  /** The end of it. */
  readonly stderr: string;
}

export interface QueryOptions {
  readonly timeoutMs: number;
  /** More than so many bytes on stdout is no answer. */
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const maxStderr = 8192;
/** Between SIGTERM and SIGKILL; and how long output is waited for when a grandchild keeps it open. */
const graceMs = 2000;

/** A running question: `ended` resolves when the process is gone, which may be after `answer` was given up. */
export interface Query {
  readonly answer: Promise<Answer>;
  readonly ended: Promise<unknown>;
}

/**
 * Runs a program that only looks, so that it may be killed at any moment: when it takes too long, prints too much, or the
 * agent stops. It has a process group of its own, which is killed as a whole.
 */
export function startQuery(program: string, args: readonly string[], options: QueryOptions): Query {
  const { timeoutMs, maxBytes, signal, clock } = options;
  const { promise: answer, resolve, reject } = Promise.withResolvers<Answer>();
  const { promise: ended, resolve: end } = Promise.withResolvers<undefined>();
  const command = `${program} ${args[0] ?? ''}`.trim();
  let child: ChildProcess;
  try {
    child = spawnChild(program, args, ['ignore', 'pipe', 'pipe']);
  } catch (error) {
    reject(error);
    end(undefined);
    return { answer, ended };
  }
  const chunks: Buffer[] = [];
  let total = 0;
  let stderr = '';
  const cancels: (() => void)[] = [];
  const finish = (): void => {
    for (const cancel of cancels.splice(0)) cancel();
    signal.removeEventListener('abort', abort);
    child.stdout?.destroy();
    child.stderr?.destroy();
    end(undefined);
  };
  const giveUp = (error: Error): void => {
    reject(error);
    killGroup(child, 'SIGTERM');
    cancels.push(clock.setTimer(graceMs, () => killGroup(child, 'SIGKILL')));
  };
  const abort = (): void => giveUp(new HypervisorError('Unavailable', `${command}: the agent is stopping.`));
  signal.addEventListener('abort', abort, { once: true });
  cancels.push(
    clock.setTimer(timeoutMs, () =>
      giveUp(
        new HypervisorError(
          'Unavailable',
          `${command} did not answer in ${timeoutMs / 1000} s. Try it by hand; if it hangs there too, see xenstored and other xl processes (ps).`,
        ),
      ),
    ),
  );
  child.stdout?.on('data', (chunk: Buffer) => {
    total += chunk.length;
    if (total <= maxBytes) chunks.push(chunk);
    else giveUp(new HypervisorError('Failed', `${command} printed more than ${maxBytes} bytes: that is no answer.`));
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr = (stderr + chunk.toString('latin1')).slice(-maxStderr);
  });
  child.on('error', (error) => {
    reject(spawnFailure(program, error));
    if (child.pid === undefined) finish();
  });
  child.on('exit', () => {
    const cancel = clock.setTimer(graceMs, () => {
      // What it started keeps its output open, and is nobody's any more.
      killGroup(child, 'SIGKILL');
      settle();
    });
    cancels.push(cancel);
  });
  const settle = (): void => {
    const { exitCode, signalCode } = child;
    if (exitCode === null)
      reject(
        new HypervisorError('Unavailable', `${command} was killed (${signalCode ?? 'unknown'}). It is tried again.`),
      );
    else resolve({ status: exitCode, stdout: Buffer.concat(chunks).toString('utf8'), stderr });
    finish();
  };
  child.on('close', () => {
    if (child.pid !== undefined) settle();
  });
  return { answer, ended };
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group is gone.
  }
}
