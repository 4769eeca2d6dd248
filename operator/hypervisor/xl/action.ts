import type { ChildProcess } from 'node:child_process';
import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { errnoOf } from '../errno-of.ts';
import { HypervisorError } from '../hypervisor.ts';
import type { Clock } from '../../runtime/ports.ts';
import { spawnChild } from './spawn-child.ts';
import { spawnFailure } from './spawn-failure.ts';

/** How a program ended that changed something. */
export interface Ending {
  /** Undefined if a signal ended it. */
  readonly status: number | undefined;
  /** The end of what it printed, errors and all. */
  readonly output: string;
}

export interface ActionOptions {
  /** How long the caller waits; the process is left to its end. */
  readonly patienceMs: number;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  /** A name in a folder that is ours alone, for what it prints. It is removed at once. */
  readonly outputFile: string;
}

const maxOutput = 8192;
/** What a process that runs on prints is thrown away beyond that. */
const maxFile = 1_048_576;
const watchMs = 1000;

/** A running change: `ended` resolves when the process is gone, which may be after `ending` was given up. */
export interface RunningAction {
  readonly ending: Promise<Ending>;
  readonly ended: Promise<unknown>;
}

/**
 * Runs a program that changes the host and must not be killed half way: a device model that waits for the rest of a
 * command, a domain half made. When it takes too long, or the agent stops or dies, it goes on by itself. Its output goes to
 * a file without a name, since a pipe whose reader died would kill it.
 */
export function startAction(program: string, args: readonly string[], options: ActionOptions): RunningAction {
  const { promise: ended, resolve } = Promise.withResolvers<undefined>();
  const end = (): void => {
    resolve(undefined);
  };
  const ending = act(program, args, options, end);
  ending.catch(() => undefined);
  return { ending, ended };
}

async function act(program: string, args: readonly string[], options: ActionOptions, end: () => void): Promise<Ending> {
  const { patienceMs, signal, clock } = options;
  const command = `${program} ${args[0] ?? ''}`.trim();
  let file: FileHandle;
  try {
    file = await openNameless(options.outputFile);
  } catch (error) {
    end();
    throw error;
  }
  const { promise, resolve, reject } = Promise.withResolvers<Ending>();
  let child: ChildProcess;
  try {
    child = spawnChild(program, args, ['ignore', file.fd, file.fd]);
  } catch (error) {
    await file.close();
    end();
    throw error;
  }
  let cancelWatch = (): void => {};
  const watch = (): void => {
    cancelWatch = clock.setTimer(watchMs, () => void shorten(file).then(watch, () => undefined));
  };
  watch();
  const cancelPatience = clock.setTimer(patienceMs, () =>
    reject(
      new HypervisorError(
        'Unavailable',
        `${command} has not come to its end in ${patienceMs / 1000} s and is left to run. See what it waits for (ps, /var/log/xen).`,
      ),
    ),
  );
  const abort = (): void => {
    child.unref();
    reject(new HypervisorError('Unavailable', `${command}: the agent is stopping; the command goes on by itself.`));
  };
  signal.addEventListener('abort', abort, { once: true });
  const finish = async (): Promise<void> => {
    cancelWatch();
    cancelPatience();
    signal.removeEventListener('abort', abort);
    await file.close();
    end();
  };
  child.on('error', (error) => {
    reject(spawnFailure(program, error));
    if (child.pid === undefined) void finish();
  });
  child.on('exit', (status) => {
    void tail(file)
      .then((output) => resolve({ status: status ?? undefined, output }), reject)
      .then(finish);
  });
  return promise;
}

async function openNameless(path: string): Promise<FileHandle> {
  const { O_CREAT, O_EXCL, O_RDWR, O_APPEND, O_NOFOLLOW } = constants;
  try {
    const file = await open(path, O_CREAT | O_EXCL | O_RDWR | O_APPEND | O_NOFOLLOW, 0o600);
    await unlink(path);
    return file;
  } catch (error) {
    const why = errnoOf(error) ?? 'EIO';
    throw new HypervisorError(
      'Unavailable',
      `No file can be made in ${posix.dirname(path)} (${why}). See its file system: full, or read-only.`,
      { cause: error },
    );
  }
}

async function shorten(file: FileHandle): Promise<void> {
  if ((await file.stat()).size > maxFile) await file.truncate(0);
}

async function tail(file: FileHandle): Promise<string> {
  const { size } = await file.stat();
  const from = Math.max(0, size - maxOutput);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(maxOutput), 0, maxOutput, from);
  return buffer.toString('latin1', 0, bytesRead);
}
