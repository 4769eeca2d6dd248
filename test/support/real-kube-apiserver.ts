import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const build = fileURLToPath(new URL('../../hack/real-kube-apiserver/build.sh', import.meta.url));

/** The oldest release that the operator runs on, as hack/real-kube-apiserver/build.sh names it. */
export const oldestKube = '1.31';

/** Whether STUBDOM_KUBE_VERSION chose the oldest release for this run, in place of the newest. */
export const runsOldestKube = (): boolean => process.env.STUBDOM_KUBE_VERSION === oldestKube;

/** How long the server may take to stop before it is killed, in milliseconds. */
const STOP_DEADLINE_MS = 20_000;

/** A real kube-apiserver with its own etcd. */
export interface RealKubeApiserver {
  /** Path of a kubeconfig with all rights. */
  readonly kubeconfig: string;
  readonly url: string;
  /** Stops it and removes its data, if the folder was not the caller's. */
  stop(): Promise<void>;
  /** SIGKILL, in the middle of whatever it does; resolves when it is gone. Its data stay for another one. */
  kill(): Promise<void>;
}

/** Where the program is, or why it cannot be had. */
export type RealKubeApiserverSetup =
  { readonly available: true; readonly program: string } | { readonly available: false; readonly reason: string };

/**
 * Looks for the program, of the release STUBDOM_KUBE_VERSION if that is set. It is built here only when STUBDOM_BUILD_REAL=1 or CI=true says so, since that may take many
 * minutes; otherwise standard error says loudly that tests are skipped, and how to get them run.
 */
export async function setUpRealKubeApiserver(): Promise<RealKubeApiserverSetup> {
  const found = await run(['--path'], 'inherit');
  if (found.code === 0) return { available: true, program: found.stdout.trim() };
  if (found.code !== 1) throw new Error(`hack/real-kube-apiserver/build.sh --path ended with ${String(found.code)}`);
  if (process.env.STUBDOM_BUILD_REAL === '1' || process.env.CI === 'true') {
    process.stderr.write('\n*** Building the real kube-apiserver for tests\n\n');
    const built = await run([], 'inherit');
    if (built.code !== 0) throw new Error(`hack/real-kube-apiserver/build.sh ended with ${String(built.code)}`);
    return { available: true, program: built.stdout.trim() };
  }
  const reason = 'it is not built: run hack/real-kube-apiserver/build.sh, or set STUBDOM_BUILD_REAL=1';
  process.stderr.write(`\n*** SKIPPED: tests against a real kube-apiserver cannot run here: ${reason}\n\n`);
  return { available: false, reason };
}

/** How to start one. */
export interface RealKubeApiserverOptions {
  /** Where it keeps its data, which stays afterwards. Left out, a folder of its own that goes. */
  readonly dir?: string;
  /** Further flags of kube-apiserver. */
  readonly flags?: readonly string[];
}

/** Starts a real kube-apiserver, and waits until it is ready. */
export async function startRealKubeApiserver(options: RealKubeApiserverOptions = {}): Promise<RealKubeApiserver> {
  const setup = await setUpRealKubeApiserver();
  if (!setup.available) throw new Error(`no real kube-apiserver: ${setup.reason}`);
  const dir = options.dir ?? (await mkdtemp(join(tmpdir(), 'rk-')));
  const remove = async (): Promise<void> => {
    if (options.dir === undefined) await rm(dir, { recursive: true, force: true });
  };
  const kubeconfig = join(dir, 'kubeconfig');
  // Its stdin is a lifeline: however the tests end, the server ends with them.
  const args = ['serve', '--stdin-lifeline', '--dir', dir, '--kubeconfig', kubeconfig, '--', ...(options.flags ?? [])];
  const child = spawn(setup.program, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  try {
    const ready = JSON.parse(await firstLine(child)) as { server: string };
    return {
      kubeconfig,
      url: ready.server,
      stop: async () => {
        await end(child);
        await remove();
      },
      kill: () => end(child, 'SIGKILL'),
    };
  } catch (error) {
    await end(child);
    await remove();
    throw error;
  }
}

/** The bearer token in a kubeconfig of this server or of the embedded one. */
export async function tokenOf(kubeconfig: string): Promise<string> {
  const token = /^\s*token: "?([^"\s]+)"?\s*$/m.exec(await readFile(kubeconfig, 'utf8'))?.[1];
  if (token === undefined) throw new Error(`no token in ${kubeconfig}`);
  return token;
}

function run(args: readonly string[], stderr: 'ignore' | 'inherit'): Promise<{ code: number | null; stdout: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(build, args, { stdio: ['ignore', 'pipe', stderr] });
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.on('error', reject);
    child.on('close', (code) => {
      resolve({ code, stdout });
    });
  });
}

function firstLine(child: ChildProcess): Promise<string> {
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error('the server has no pipes');
  return new Promise((resolve, reject) => {
    let log = '';
    stderr.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-4000)));
    createInterface({ input: stdout }).once('line', resolve);
    child.once('error', reject);
    child.once('close', (code) => {
      reject(new Error(`the real kube-apiserver ended with ${String(code)}: ${log}`));
    });
  });
}

async function end(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = new Promise<void>((resolve) =>
    child.once('close', () => {
      resolve();
    }),
  );
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS);
  await closed;
  clearTimeout(timer);
}
