import { closeSync, constants, openSync, readSync, readlinkSync, realpathSync } from 'node:fs';
import { open, opendir } from 'node:fs/promises';
import { posix } from 'node:path';
import { errnoOf } from '../errno-of.ts';

/**
 * The files below a root, as sysfs and procfs have them. Paths are relative to the root and have no `..`, e.g.
 * `sys/bus/pci/devices`. What is not there is undefined; everything else that goes wrong is a `SysfsError`.
 */
export interface Sysfs {
  /** The bytes of a file as latin1 text. More than `maxBytes` (4096, an attribute of sysfs) is EFBIG. */
  read(path: string, maxBytes?: number): Promise<string | undefined>;
  /**
   * The same, at once and of at most 4096 bytes: for attributes of which the kernel has the value at hand. Several such
   * reads are ten times as fast as by threads, and a host has thousands. Those that wait for a device are not read so.
   */
  peek(path: string): string | undefined;
  /** The first bytes of a file, so many of them at most. */
  head(path: string, bytes: number): Promise<string | undefined>;
  /** The names in a directory, sorted. */
  list(path: string): Promise<string[] | undefined>;
  /** Where a link leads, relative to the root; one that leads out of `sys` is ELOOP. Undefined also for what is no link. */
  link(path: string): Promise<string | undefined>;
  /** Writes `text` to a file that is there, in one piece, as attributes want it. */
  write(path: string, text: string): Promise<void>;
}

/** What the kernel, or a cap of ours, answered. `code` is the name of the errno. */
export class SysfsError extends Error {
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, options?: ErrorOptions) {
    super(`${path}: ${code}`, options);
    this.name = 'SysfsError';
    this.code = code;
    this.path = path;
  }
}

/** What `work` reads, or undefined where it cannot be read. */
export async function orUndefined<T>(work: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof SysfsError) return undefined;
    throw error;
  }
}

const attributeBytes = 4096;
/** A PCI bus has 65,536 functions at most; nothing else that is listed has more. */
const maxNames = 65_536;
/** ENODEV, ENXIO: the device went while its file was open. */
const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'ENODEV', 'ENXIO']);

const codeOf = (error: unknown): string => errnoOf(error) ?? 'EIO';

/** Throws, unless the error says that there is no such thing. */
function requireAbsent(path: string, error: unknown): void {
  const code = codeOf(error);
  if (!absent.has(code)) throw error instanceof SysfsError ? error : new SysfsError(code, path, { cause: error });
}

async function unlessAbsent<T>(path: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    requireAbsent(path, error);
    return undefined;
  }
}

// Neither a pipe nor a link of a tree that is not the kernel's can hold us up or lead us away.
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

function readAtOnce(path: string, bytes: number): string {
  const file = openSync(path, readFlags);
  try {
    const buffer = Buffer.alloc(bytes);
    let total = 0;
    while (total < bytes) {
      const read = readSync(file, buffer, total, bytes - total, null);
      if (read === 0) break;
      total += read;
    }
    return buffer.toString('latin1', 0, total);
  } finally {
    closeSync(file);
  }
}

/** Reads until the end, or until `bytes` are there: an attribute may come in pieces. */
async function readUpTo(path: string, bytes: number): Promise<string> {
  const file = await open(path, readFlags);
  try {
    const chunks: Buffer[] = [];
    let total = 0;
    while (total < bytes) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(65_536, bytes - total)));
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      total += bytesRead;
    }
    return Buffer.concat(chunks).toString('latin1');
  } finally {
    await file.close();
  }
}

/** The files below `root`: `/` on a host, where the host's /sys and /proc are mounted in a container, a fixture in tests. */
export function openSysfs(root = '/'): Sysfs {
  const at = (path: string): string => posix.join(root, path);
  let base: string | undefined;
  const realRoot = (): string => (base ??= realpathSync.native(root));
  return {
    read: async (path, maxBytes = attributeBytes) =>
      unlessAbsent(path, async () => {
        const text = await readUpTo(at(path), maxBytes + 1);
        if (text.length > maxBytes) throw new SysfsError('EFBIG', path);
        return text;
      }),
    peek: (path) => {
      try {
        const text = readAtOnce(at(path), attributeBytes + 1);
        if (text.length > attributeBytes) throw new SysfsError('EFBIG', path);
        return text;
      } catch (error) {
        requireAbsent(path, error);
        return undefined;
      }
    },
    head: async (path, bytes) => unlessAbsent(path, async () => readUpTo(at(path), bytes)),
    list: async (path) =>
      unlessAbsent(path, async () => {
        const names: string[] = [];
        for await (const { name } of await opendir(at(path))) {
          if (names.length === maxNames) throw new SysfsError('EFBIG', path);
          names.push(name);
        }
        return names.sort();
      }),
    link: async (path) => {
      try {
        const to = readlinkSync(at(path));
        // Its folder is often reached through a link itself, and the target is relative to where that leads.
        const folder = realpathSync.native(at(posix.dirname(path)));
        const target = posix.relative(realRoot(), posix.resolve(folder, to));
        if (!target.startsWith('sys/')) throw new SysfsError('ELOOP', path);
        return target;
      } catch (error) {
        if (codeOf(error) !== 'EINVAL') requireAbsent(path, error);
        return undefined;
      }
    },
    write: async (path, text) => {
      try {
        // Neither created nor truncated: sysfs allows neither.
        const file = await open(at(path), constants.O_WRONLY | constants.O_NOFOLLOW);
        try {
          await file.write(text);
        } finally {
          await file.close();
        }
      } catch (error) {
        throw new SysfsError(codeOf(error), path, { cause: error });
      }
    },
  };
}
