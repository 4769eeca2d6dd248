import { posix } from 'node:path';
import type { Doubt, MountFacts } from './facts.ts';
import { unescapeOctal } from './parse.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

/** A host of thousands of containers has as many mounts. */
const maxBytes = 16 << 20;

/** Lines of mountinfo (proc(5)); what is no such line is undefined. */
export function parseMount(line: string): MountFacts | undefined {
  const match = /^\d+ \d+ (\d+:\d+) \S+ (\S+) .*? - (\S+) (\S*)/.exec(line);
  if (match === null) return undefined;
  const [, number = '', point = '', type = '', source = ''] = match;
  return { number, point: unescapeOctal(point), type, source: unescapeOctal(source) };
}

/** Swap devices; swap files lie on a mounted file system. */
function parseSwap(line: string): string | undefined {
  const [file, kind] = line.split(/\s+/);
  return kind === 'partition' && file !== undefined && file !== '' ? unescapeOctal(file) : undefined;
}

export interface MountReading {
  readonly mounts: readonly MountFacts[];
  readonly swaps: readonly string[];
  readonly servedDisks: readonly string[];
  readonly btrfsMembers: readonly string[];
  readonly doubts: readonly Doubt[];
}

/** `major:minor` of the disks that Linux's back end serves to guests; it writes both in hexadecimal. */
async function readServedDisks(sysfs: Sysfs): Promise<string[]> {
  const folder = 'sys/bus/xen-backend/devices';
  const names = ((await sysfs.list(folder)) ?? []).filter((name) => name.startsWith('vbd-'));
  const numbers: string[] = [];
  for (const name of names) {
    const match = /^([0-9a-f]{1,5}):([0-9a-f]{1,5})\n?$/.exec(
      (await sysfs.read(posix.join(folder, name, 'physical_device'))) ?? '',
    );
    if (match !== null) numbers.push(`${Number.parseInt(match[1] ?? '', 16)}:${Number.parseInt(match[2] ?? '', 16)}`);
  }
  return numbers;
}

async function readBtrfs(sysfs: Sysfs): Promise<string[]> {
  const members: string[] = [];
  for (const name of (await sysfs.list('sys/fs/btrfs')) ?? []) {
    members.push(...((await sysfs.list(posix.join('sys/fs/btrfs', name, 'devices'))) ?? []));
  }
  return members;
}

/** Whether a ZFS pool is imported: it may serve guests and have nothing mounted. */
async function hasZfsPool(sysfs: Sysfs): Promise<boolean> {
  const folder = 'proc/spl/kstat/zfs';
  for (const name of (await sysfs.list(folder)) ?? []) {
    if ((await sysfs.read(posix.join(folder, name, 'state'))) !== undefined) return true;
  }
  return false;
}

/** What is mounted and swapped to. Read of process 1, whose namespaces are the host's: ours may be a container's. */
export async function readMounts(sysfs: Sysfs): Promise<MountReading> {
  const doubts: Doubt[] = [];
  const attempt = async <T>(what: string, nothing: T, read: () => Promise<T>): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof SysfsError)) throw error;
      doubts.push({ about: 'disks', why: `${what}: ${error.code}` });
      return nothing;
    }
  };
  const table = async (path: string): Promise<string[]> => {
    const text = await sysfs.read(path, maxBytes);
    if (text === undefined) throw new SysfsError('ENOENT', path);
    return text.split('\n').filter((line) => line !== '');
  };
  const mounts = await attempt('proc/1/mountinfo', [], async () => {
    const parsed = (await table('proc/1/mountinfo')).map(parseMount);
    if (parsed.length === 0 || parsed.includes(undefined)) throw new SysfsError('EINVAL', 'proc/1/mountinfo');
    return parsed.filter((mount) => mount !== undefined);
  });
  const swaps = await attempt('proc/swaps', [], async () => {
    // A kernel without swap has no such file.
    const text = (await sysfs.read('proc/swaps', maxBytes)) ?? '';
    return text
      .split('\n')
      .map(parseSwap)
      .filter((swap) => swap !== undefined);
  });
  const servedDisks = await attempt('disks of guests', [], async () => readServedDisks(sysfs));
  const btrfsMembers = await attempt('sys/fs/btrfs', [], async () => readBtrfs(sysfs));
  if (await attempt('proc/spl/kstat/zfs', false, async () => hasZfsPool(sysfs))) {
    doubts.push({ about: 'disks', why: 'a ZFS pool hides its disks' });
  }
  return { mounts, swaps, servedDisks, btrfsMembers, doubts };
}
