import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../../hack/real-xenstored/', import.meta.url));

/** Which real daemon: C xenstored or OCaml oxenstored, of Debian's Xen 4.17 or 4.20. */
export interface RealXenstoredKind {
  readonly flavor: 'c' | 'ocaml';
  readonly version: '4.17' | '4.20';
}

/** All of them. */
export const realXenstoredKinds: readonly RealXenstoredKind[] = [
  { flavor: 'c', version: '4.17' },
  { flavor: 'c', version: '4.20' },
  { flavor: 'ocaml', version: '4.17' },
  { flavor: 'ocaml', version: '4.20' },
];

/** A real daemon that runs in a folder of the test's. */
export interface RealXenstored {
  /** The unix socket of domain 0. */
  readonly socket: string;
  /** Creates and introduces domain `domid`; gives the unix socket that serves its ring, one client at a time. */
  startGuest(domid: number): Promise<string>;
  /** Releases a guest of `startGuest`, ends its ring and has Xen forget it. */
  stopGuest(domid: number): Promise<void>;
  /** Runs `fakexen COMMAND DIR ARGS…`, such as `shutdown`, and waits for its end. */
  fakexen(command: string, ...args: string[]): Promise<void>;
  /** Ends the guests' rings and the daemon, and waits until they are gone. */
  stop(): Promise<void>;
}

/** Where the real daemons are, or why they cannot be had. */
export type RealXenstoredSetup =
  { readonly available: true; readonly cache: string } | { readonly available: false; readonly reason: string };

/**
 * Sets the real daemons up if that was not done before (about a minute, once for a machine). When they cannot be had it
 * says so on standard error and gives the reason; with STUBDOM_REQUIRE_REAL_XENSTORED=1 (CI) that is an error.
 */
export async function setUpRealXenstored(): Promise<RealXenstoredSetup> {
  const result = await run(join(folder, 'setup.sh'), []);
  if (result.code === 0) return { available: true, cache: result.stdout.trim() };
  const reason = result.stderr.trim() || `setup.sh ended with ${String(result.code)}`;
  if (process.env.STUBDOM_REQUIRE_REAL_XENSTORED === '1') throw new Error(`no real xenstored: ${reason}`);
  process.stderr.write(`\n*** SKIPPED: tests against real xenstored daemons cannot run here: ${reason}\n\n`);
  return { available: false, reason };
}

/** Starts a real daemon in `dir` (short: its sockets are there; made if missing) and waits until it answers. */
export async function startRealXenstored(
  options: RealXenstoredKind & { readonly dir: string },
): Promise<RealXenstored> {
  const setup = await setUpRealXenstored();
  if (!setup.available) throw new Error(`no real xenstored: ${setup.reason}`);
  const { dir } = options;
  await mkdir(dir, { recursive: true });
  const fakexen = join(setup.cache, 'bin', 'fakexen');
  const guests = new Map<number, ChildProcess>();
  const start = (command: string, args: readonly string[], env = {}): ChildProcess =>
    spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  const script = options.flavor === 'c' ? 'run-xenstored.sh' : 'run-oxenstored.sh';
  const daemon = start(join(folder, script), [dir], { XEN_VER: options.version, FOREGROUND: '1' });
  return {
    socket: await firstLine(daemon, script),
    startGuest: async (domid) => {
      const child = start(fakexen, ['guest', dir, String(domid), join(dir, `g${String(domid)}`)]);
      guests.set(domid, child);
      return await firstLine(child, 'fakexen guest');
    },
    stopGuest: async (domid) => {
      // A test may have released or destroyed it already, which fakexen calls an error.
      await run(fakexen, ['release', dir, String(domid)]);
      const child = guests.get(domid);
      guests.delete(domid);
      if (child !== undefined) await end(child);
      await run(fakexen, ['destroy', dir, String(domid)]);
    },
    fakexen: async (command, ...args) => {
      const result = await run(fakexen, [command, dir, ...args]);
      if (result.code !== 0) throw new Error(`fakexen ${command}: ${result.stderr.trim()}`);
    },
    stop: async () => {
      for (const child of guests.values()) await end(child);
      guests.clear();
      await end(daemon);
    },
  };
}

/** Runs a program to its end. */
async function run(
  command: string,
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      resolve({ code: null, stdout, stderr: error.message });
    });
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** The first line that `child` prints, which says that it is ready; its words on standard error if it ends before. */
async function firstLine(child: ChildProcess, what: string): Promise<string> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-2000)));
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error(`${what} ended before it was ready: ${words.trim()}`));
    });
    if (child.stdout !== null) createInterface(child.stdout).once('line', resolve);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const closed = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  await closed;
}
