import { posix } from 'node:path';
import type { BlockFacts, Doubt } from './facts.ts';
import { inBatches } from './in-batches.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

const virtual = 'sys/devices/virtual/';
const blockName = /^[\x21-\x7e]{1,64}$/;

/** What the device makes of its slaves. */
function wordsOf(name: string, mapperUuid: string): string {
  if (name.startsWith('md')) return 'RAID disk';
  if (name.startsWith('bcache')) return 'cached disk';
  if (name.startsWith('drbd')) return 'replicated disk';
  if (mapperUuid.startsWith('LVM-')) return 'LVM volume';
  if (mapperUuid.startsWith('CRYPT-')) return 'encrypted disk';
  if (mapperUuid.startsWith('mpath-')) return 'multipath disk';
  return 'mapped disk';
}

/** Canonical paths of the controllers of an NVMe disk that has several ways: it hangs on none of them by its own path. */
async function nvmeControllers(sysfs: Sysfs, path: string): Promise<string[]> {
  const subsystem = /^(sys\/devices\/virtual\/nvme-subsystem\/[^/]+)\//.exec(path)?.[1];
  if (subsystem === undefined) return [];
  const names = ((await sysfs.list(subsystem)) ?? []).filter((name) => /^nvme\d+$/.test(name));
  const paths = await Promise.all(names.map(async (name) => sysfs.link(posix.join(subsystem, name))));
  return paths.filter((controller) => controller !== undefined);
}

async function readBlock(sysfs: Sysfs, name: string): Promise<BlockFacts | undefined> {
  const path = await sysfs.link(posix.join('sys/class/block', name));
  if (path === undefined) return undefined;
  const number = (await sysfs.read(posix.join(path, 'dev')))?.trim();
  // It went while it was read.
  if (number === undefined) return undefined;
  if (!/^\d{1,7}:\d{1,7}$/.test(number)) throw new SysfsError('EINVAL', path);
  const plain = { name, number, paths: [path], slaves: [], words: '' };
  if (!path.startsWith(virtual)) return plain;
  const slaves = ((await sysfs.list(posix.join(path, 'slaves'))) ?? []).filter((slave) => blockName.test(slave));
  const uuid = (await sysfs.read(posix.join(path, 'dm/uuid'))) ?? '';
  const mapperName = (await sysfs.read(posix.join(path, 'dm/name')))?.trim();
  return {
    ...plain,
    paths: [path, ...(await nvmeControllers(sysfs, path))],
    slaves,
    ...(mapperName === undefined ? {} : { mapperName }),
    words: slaves.length === 0 ? '' : wordsOf(name, uuid),
  };
}

export interface BlockReading {
  readonly blocks: readonly BlockFacts[];
  readonly doubts: readonly Doubt[];
}

/** All block devices with what they lie on. */
export async function readBlocks(sysfs: Sysfs): Promise<BlockReading> {
  const doubts: Doubt[] = [];
  const doubt = (error: unknown): undefined => {
    if (!(error instanceof SysfsError)) throw error;
    doubts.push({ about: 'disks', why: `block devices: ${error.code}` });
    return undefined;
  };
  const names = await sysfs.list('sys/class/block').catch(doubt);
  // A kernel without block devices has no such folder; a container without the host's /sys has none either.
  if (names === undefined && doubts.length === 0) doubts.push({ about: 'disks', why: 'no sys/class/block' });
  const found = await inBatches(
    (names ?? []).filter((name) => blockName.test(name)),
    async (name) => readBlock(sysfs, name).catch(doubt),
  );
  return { blocks: found.filter((block) => block !== undefined), doubts };
}
