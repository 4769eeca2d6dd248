import { mkdir, mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

/** What the lock file of a running world says. */
export interface WorldRecord {
  readonly pid: number;
  /** When the process started, in clock ticks since boot: a pid alone may belong to another process by now. */
  readonly startTicks: string;
  /** Where its sockets are. */
  readonly runtimeDir: string;
  /** Sockets of the XenStore daemons by host, for people. */
  readonly xenstores: Readonly<Record<string, string>>;
}

/** Another world runs with the same kubeconfig. */
export class WorldRunsError extends Error {
  readonly code = 'EWORLDRUNS';
  constructor(lockPath: string, pid: number) {
    super(
      `a world runs here already (pid ${pid}, ${lockPath}). End it with Ctrl-C or 'kill ${pid}', or give this one another --kubeconfig`,
    );
    this.name = 'WorldRunsError';
  }
}

/** There is no good place for the sockets of a world. */
export class RuntimeDirError extends Error {
  readonly code = 'ERUNTIMEDIR';
  constructor(message: string) {
    super(message);
    this.name = 'RuntimeDirError';
  }
}

/** Bytes that the folder above may have: behind it come /stubdom-XXXXXX/xen-NNN/guests/NNNNN.sock, 107 bytes in all. */
const longestBase = 66;

/** A short folder for sockets (their paths have 107 bytes at most), and the lock file beside the kubeconfig. */
export interface RuntimeDir {
  readonly path: string;
  /** Says in the lock file where the sockets are. */
  record(xenstores: Readonly<Record<string, string>>): Promise<void>;
  /** Removes the folder and the lock file. */
  close(): Promise<void>;
}

/** Takes the lock beside `kubeconfigPath` and makes the folder for sockets in `base`. What a killed world left is removed. */
export async function openRuntimeDir(kubeconfigPath: string, base = tmpdir()): Promise<RuntimeDir> {
  if (Buffer.byteLength(base) > longestBase) {
    throw new RuntimeDirError(
      `the path of the temporary folder is too long for sockets (${Buffer.byteLength(base)} bytes, at most ${longestBase}): set TMPDIR to a shorter one, for instance TMPDIR=/tmp`,
    );
  }
  const lockPath = lockPathOf(kubeconfigPath);
  await mkdir(dirname(kubeconfigPath), { recursive: true, mode: 0o700 });
  const lock = await takeLock(lockPath, base);
  const path = await mkdtemp(join(base, 'stubdom-'));
  const startTicks = (await startTicksOf(process.pid)) ?? '';
  const record = async (xenstores: WorldRecord['xenstores']): Promise<void> => {
    const content: WorldRecord = { pid: process.pid, startTicks, runtimeDir: path, xenstores };
    const text = Buffer.from(`${JSON.stringify(content, undefined, 2)}\n`);
    await lock.truncate(0);
    await lock.write(text, 0, text.length, 0);
  };
  await record({});
  return {
    path,
    record,
    close: async () => {
      await lock.close();
      await rm(path, { recursive: true, force: true });
      await rm(lockPath, { force: true });
    },
  };
}

/** Throws a `WorldRunsError` if a world runs with this kubeconfig. */
export async function assertNoWorld(kubeconfigPath: string): Promise<void> {
  const lockPath = lockPathOf(kubeconfigPath);
  const holder = await readRecord(lockPath);
  if (holder !== undefined && (await isAlive(holder))) throw new WorldRunsError(lockPath, holder.pid);
}

function lockPathOf(kubeconfigPath: string): string {
  return `${kubeconfigPath}.lock`;
}

async function isAlive(holder: WorldRecord): Promise<boolean> {
  return (await startTicksOf(holder.pid)) === holder.startTicks;
}

async function takeLock(lockPath: string, base: string): Promise<Awaited<ReturnType<typeof open>>> {
  for (;;) {
    try {
      return await open(lockPath, 'wx', 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = await readRecord(lockPath);
    if (holder !== undefined) {
      if (await isAlive(holder)) throw new WorldRunsError(lockPath, holder.pid);
      if (basename(holder.runtimeDir).startsWith('stubdom-') && dirname(holder.runtimeDir) === base) {
        await rm(holder.runtimeDir, { recursive: true, force: true });
      }
    }
    await rm(lockPath, { force: true });
  }
}

async function readRecord(lockPath: string): Promise<WorldRecord | undefined> {
  try {
    const record = JSON.parse(await readFile(lockPath, 'utf8')) as Partial<WorldRecord>;
    const { pid, startTicks, runtimeDir } = record;
    if (typeof pid !== 'number' || typeof startTicks !== 'string' || typeof runtimeDir !== 'string') return undefined;
    return { pid, startTicks, runtimeDir, xenstores: {} };
  } catch {
    return undefined;
  }
}

/**
 * Field 22 of /proc/PID/stat; undefined if there is no such process, or one that has ended and that its parent has not
 * waited for; '' where there is no /proc.
 */
async function startTicksOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The name in parentheses may hold blanks: count from behind it. State is field 3.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    try {
      process.kill(pid, 0);
      return '';
    } catch {
      return undefined;
    }
  }
}
