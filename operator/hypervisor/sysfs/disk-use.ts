import { posix } from 'node:path';
import { addressesOn } from './address.ts';
import type { BlockFacts, Doubt, HostFacts, MountFacts } from './facts.ts';
import { shownName } from './parse.ts';
import { rank, type Use } from './use.ts';

/** A use of each PCI device that a disk hangs on. */
export interface DiskUses {
  readonly uses: readonly { readonly address: string; readonly use: Use }[];
  /** PCI devices that any disk hangs on, in use or not. */
  readonly carriers: ReadonlySet<string>;
  /** What the facts leave open about all of them. */
  readonly doubts: readonly Doubt[];
}

/** File systems that hide which disk they are on. */
const hidden: ReadonlySet<string> = new Set(['overlay', 'aufs', 'unionfs']);

function mountUse(point: string): Use {
  if (point === '/') return { rank: rank.root, words: 'root disk' };
  if (point === '/boot' || point.startsWith('/boot/') || point === '/efi')
    return { rank: rank.boot, words: 'boot disk' };
  const shown = shownName(point, 48, '');
  return { rank: rank.mount, words: shown === '' ? 'mounted disk' : `disk of ${shown}` };
}

class Disks {
  readonly #byName: ReadonlyMap<string, BlockFacts>;
  readonly #byNumber: ReadonlyMap<string, BlockFacts>;
  readonly #byMapperName: ReadonlyMap<string, BlockFacts>;
  readonly #roots = new Map<string, ReadonlySet<string>>();

  constructor(blocks: readonly BlockFacts[]) {
    this.#byName = new Map(blocks.map((block) => [block.name, block]));
    this.#byNumber = new Map(blocks.map((block) => [block.number, block]));
    this.#byMapperName = new Map(blocks.flatMap((block) => (block.mapperName ? [[block.mapperName, block]] : [])));
  }

  byNumber(number: string): BlockFacts | undefined {
    return this.#byNumber.get(number);
  }

  byName(name: string): BlockFacts | undefined {
    return this.#byName.get(name);
  }

  /** Of a path below /dev, as tables have them. */
  byPath(path: string): BlockFacts | undefined {
    const name = posix.basename(path);
    // In sysfs `!` stands for the `/` of names such as cciss/c0d0.
    const nested = path.replace(/^\/dev\//, '').replaceAll('/', '!');
    return path.startsWith('/dev/mapper/')
      ? this.#byMapperName.get(name)
      : (this.#byName.get(nested) ?? this.#byName.get(name));
  }

  /** PCI devices that the disk hangs on, through all that it lies on. */
  roots(block: BlockFacts): ReadonlySet<string> {
    const known = this.#roots.get(block.name);
    if (known !== undefined) return known;
    const seen = new Set([block]);
    for (const one of seen) {
      const whole = posix.basename(posix.dirname(one.paths[0] ?? ''));
      for (const name of [whole, ...one.slaves]) {
        const below = this.#byName.get(name);
        if (below !== undefined) seen.add(below);
      }
    }
    const roots = new Set([...seen].flatMap(({ paths }) => paths.flatMap(addressesOn)));
    this.#roots.set(block.name, roots);
    return roots;
  }
}

/** Blocks that a mounted file system lies on; undefined if that cannot be told. */
function blocksOf(mount: MountFacts, disks: Disks, knowsBtrfs: boolean): BlockFacts[] | undefined {
  if (!mount.number.startsWith('0:')) {
    const block = disks.byNumber(mount.number);
    return block === undefined ? undefined : [block];
  }
  if (mount.type === 'zfs') return undefined;
  if (hidden.has(mount.type) && mount.point === '/') return undefined;
  if (!mount.source.startsWith('/dev/')) return [];
  const blocks = mount.source.split(':').map((path) => disks.byPath(path));
  // The source of a program's file system is any word, /dev/fuse above all; the disks of a btrfs are known by themselves.
  const mayBeAnything = mount.type.startsWith('fuse') || (mount.type === 'btrfs' && knowsBtrfs);
  const unknown = blocks.includes(undefined) && !mayBeAnything;
  return unknown ? undefined : blocks.filter((block) => block !== undefined);
}

/** What the host needs disks for: mounts, swap, volumes, and what it serves to guests. */
export function diskUses(
  facts: Pick<HostFacts, 'blocks' | 'mounts' | 'swaps' | 'servedDisks' | 'btrfsMembers'>,
): DiskUses {
  const disks = new Disks(facts.blocks);
  const uses: { address: string; use: Use }[] = [];
  const doubts: Doubt[] = [];
  const add = (block: BlockFacts, use: Use): void => {
    for (const address of disks.roots(block)) uses.push({ address, use });
  };
  for (const mount of facts.mounts) {
    const blocks = blocksOf(mount, disks, facts.btrfsMembers.length > 0);
    if (blocks === undefined)
      doubts.push({ about: 'disks', why: `no disk found below a mounted ${shownName(mount.type, 12, 'disk')}` });
    for (const block of blocks ?? []) add(block, mountUse(mount.point));
  }
  for (const swap of facts.swaps) {
    const block = disks.byPath(swap);
    if (block === undefined) doubts.push({ about: 'disks', why: 'no disk found below swap' });
    else add(block, { rank: rank.swap, words: 'swap disk' });
  }
  for (const number of facts.servedDisks) {
    const block = disks.byNumber(number);
    if (block === undefined) doubts.push({ about: 'disks', why: 'no disk found below that of a guest' });
    else add(block, { rank: rank.served, words: 'disk of a guest' });
  }
  for (const name of facts.btrfsMembers) {
    const block = disks.byName(name);
    if (block !== undefined) add(block, { rank: rank.mount, words: 'btrfs disk' });
  }
  for (const block of facts.blocks) if (block.slaves.length > 0) add(block, { rank: rank.stack, words: block.words });
  return { uses, carriers: new Set(facts.blocks.flatMap((block) => [...disks.roots(block)])), doubts };
}
