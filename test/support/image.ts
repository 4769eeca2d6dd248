import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { packageRoot, StubdomProcess } from './stubdom.ts';

/** An image that was built from this checkout. */
export interface BuiltImage {
  readonly builder: 'buildah' | 'chroot';
  /** For run.ts: `rootfs`, `config.json`, `inventory.json`, `sbom.cdx.json`. */
  readonly folder: string;
  /** What build.sh printed: names with their values, the last of each. */
  readonly facts: ReadonlyMap<string, string>;
}

/** How a container is run. */
export interface ContainerOptions {
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** `SOURCE:TARGET:ro|rw`. */
  readonly volumes?: readonly string[];
  readonly tmpfs?: readonly string[];
  readonly hostPid?: boolean;
  /** Instead of the image's entry point. */
  readonly command?: string;
}

const buildLimitMs = 20 * 60_000;

/** Builds the image, which takes minutes when nothing is cached. Throws with the end of what the builder said. */
export function buildImage(builder?: BuiltImage['builder']): Promise<BuiltImage> {
  const env = { ...process.env, ...(builder === undefined ? {} : { STUBDOM_IMAGE_BUILDER: builder }) };
  const script = join(packageRoot, 'hack', 'image', 'build.sh');
  return new Promise((resolve, reject) => {
    execFile(script, { env, timeout: buildLimitMs, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error !== null) {
        reject(new Error(stderr.slice(-3000).trim() || error.message));
        return;
      }
      // What was asked for needs no warning.
      const loud = builder === undefined ? stderr.split('\n').filter((text) => text.startsWith('***')) : [];
      for (const line of loud) process.stderr.write(`\n${line}\n\n`);
      const facts = new Map(stdout.split('\n').map((line) => [line.split(' ')[0] ?? '', line.replace(/^\S+ /, '')]));
      resolve({
        builder: facts.get('builder') === 'buildah' ? 'buildah' : 'chroot',
        folder: facts.get('folder') ?? '',
        facts,
      });
    });
  });
}

/**
 * The image of this checkout, or undefined where it can be built in no way, which is said on standard error. With
 * STUBDOM_REQUIRE_IMAGE_BUILDER=1 (CI) a machine without a builder is an error.
 */
export async function setUpImage(): Promise<BuiltImage | undefined> {
  const required = process.env['STUBDOM_REQUIRE_IMAGE_BUILDER'] === '1';
  try {
    return await buildImage(required ? 'buildah' : undefined);
  } catch (error) {
    if (required) throw error;
    const reason = error instanceof Error ? error.message : 'unknown';
    process.stderr.write(`\n*** SKIPPED: tests of the image cannot run here: ${reason}\n\n`);
    return undefined;
  }
}

/** Starts a program of the image as a kubelet would. `stop('SIGUSR2')` kills it. */
export function startInImage(
  image: BuiltImage,
  args: readonly string[],
  options: ContainerOptions = {},
): StubdomProcess {
  const flags = [
    ...(options.user === undefined ? [] : ['--user', options.user]),
    ...Object.entries(options.env ?? {}).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...(options.volumes ?? []).flatMap((volume) => ['--volume', volume]),
    ...(options.tmpfs ?? []).flatMap((target) => ['--tmpfs', target]),
    ...(options.hostPid === true ? ['--host-pid'] : []),
    ...(options.command === undefined ? [] : ['--command', options.command]),
  ];
  return new StubdomProcess([image.folder, ...flags, '--', ...args], {
    program: join(packageRoot, 'hack', 'image', 'run.ts'),
  });
}

/** What Linux knows of a process, from outside its container. */
export interface ProcessStatus {
  readonly uid: number;
  readonly gid: number;
  /** Effective capabilities, as hexadecimal digits. */
  readonly capabilities: string;
  readonly noNewPrivileges: boolean;
  /** The most memory that it ever had, in KiB. */
  readonly peakKiB: number;
  readonly residentKiB: number;
  /** Its number in its own PID namespace. */
  readonly innerPid: number;
}

/** The status of the program that `run.ts` (process `runner`) runs. */
export async function statusInImage(runner: number): Promise<ProcessStatus> {
  let pid = runner;
  for (let child = await firstChild(pid); child !== undefined; child = await firstChild(pid)) pid = child;
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  const field = (name: string): readonly string[] =>
    (new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(text)?.[1] ?? '').split(/\s+/);
  return {
    uid: Number(field('Uid')[1]),
    gid: Number(field('Gid')[1]),
    capabilities: field('CapEff')[0] ?? '',
    noNewPrivileges: field('NoNewPrivs')[0] === '1',
    peakKiB: Number(field('VmHWM')[0]),
    residentKiB: Number(field('VmRSS')[0]),
    innerPid: Number(field('NSpid').at(-1)),
  };
}

async function firstChild(pid: number): Promise<number | undefined> {
  const children = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim();
  return children === '' ? undefined : Number(children.split(' ')[0]);
}
