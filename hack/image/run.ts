/**
 * run.ts FOLDER [OPTION…] [-- ARGUMENT…]: runs the program of an image that build.sh made (`folder` of what it prints) as a kubelet
 * would: its user, its environment, root file system read-only, no capabilities. The network is the machine's. Needs root.
 * Signals are handed on; SIGUSR2 kills.
 *
 *   --user UID:GID           instead of the image's
 *   --env NAME=VALUE         besides the image's
 *   --volume SOURCE:TARGET:ro|rw
 *   --tmpfs TARGET
 *   --host-pid               the processes of the machine, as with hostPID
 *   --command PROGRAM        instead of the image's entry point
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { constants } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { parseArgs } from 'node:util';
import { readImageConfig } from './image-config.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    user: { type: 'string' },
    env: { type: 'string', multiple: true, default: [] },
    volume: { type: 'string', multiple: true, default: [] },
    tmpfs: { type: 'string', multiple: true, default: [] },
    'host-pid': { type: 'boolean', default: false },
    command: { type: 'string' },
  },
});
const [folder, ...given] = positionals;
if (folder === undefined) throw new Error('usage: run.ts FOLDER [OPTION…] [-- ARGUMENT…]');
const config = readImageConfig(folder);
const entry = values.command === undefined ? config.Entrypoint : [values.command];
const args = given.length > 0 || values.command !== undefined ? given : (config.Cmd ?? []);

const child = spawn(
  'unshare',
  [
    ...['--mount', '--propagation', 'private', ...(values['host-pid'] ? [] : ['--pid', '--fork'])],
    ...['sh', join(import.meta.dirname, 'container.sh')],
    ...[join(folder, 'rootfs'), config.WorkingDir, values.user ?? config.User],
    ...values.volume.flatMap((volume) => ['-v', volume]),
    ...values.tmpfs.flatMap((target) => ['-t', target]),
    ...[...config.Env, ...values.env].flatMap((variable) => ['-e', variable]),
    ...(values['host-pid'] ? ['-h'] : []),
    ...['--', ...entry, ...args],
  ],
  { stdio: ['inherit', 'inherit', 'inherit', 'pipe'] },
);
const pid = once(createInterface(child.stdio[3] as Readable), 'line').then(([line]) => Number(line));
const handOn = (signal: NodeJS.Signals, as: NodeJS.Signals = signal): void => {
  process.on(signal, () => {
    void pid.then((number) => process.kill(number, as));
  });
};
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) handOn(signal);
handOn('SIGUSR2', 'SIGKILL');
const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
process.exitCode = code ?? 128 + constants.signals[signal ?? 'SIGKILL'];
