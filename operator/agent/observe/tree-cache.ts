import type { XenStoreReader } from '../../xenstore/xenstore.ts';
import { PassView } from './pass-view.ts';

/** What looking needs of XenStore. */
export type TreeReader = Pick<XenStoreReader, 'tryRead' | 'tryList'>;

/** Without a watch nobody tells of changes, so that a value is only believed for that long. */
const unwatchedMs = 3000;

type Value = Uint8Array | undefined | string[];

interface Entry {
  readonly value: Value;
  /** When it was read; undefined: a watch tells when it is no longer true. */
  readonly readAt: number | undefined;
}

/** One part of the tree that comes and goes, and is watched, as a whole. */
interface Part {
  /** Changes whenever something below does, so that an answer that crossed a change on its way is not kept. */
  version: number;
  readonly entries: Map<string, Entry>;
}

const partOf =
  /^(?:\/local\/domain\/0\/backend\/[a-z]+\/\d+|\/local\/domain\/\d+|\/libxl\/pci|\/tool\/stubdom\/[0-9a-f-]+)(?=\/|$)/;
const listKey = (path: string): string => `${path}/*`;

/**
 * XenStore as an informer: what was read stays known until a watch says that it changed. A pass that was woken by
 * something else, such as a change of an object or a time that came, needs no round trip to look. Nothing wrong follows
 * from an old value: what is decided on it is compared again in the transaction that carries it out.
 */
export class TreeCache {
  readonly #tree: TreeReader;
  readonly #now: () => number;
  readonly #isWatched: (part: string) => boolean;
  readonly #parts = new Map<string, Part>();

  /** `now`: milliseconds of a clock that never goes back. `isWatched`: whether changes below the path are told. */
  constructor(tree: TreeReader, now: () => number, isWatched: (part: string) => boolean) {
    this.#tree = tree;
    this.#now = now;
    this.#isWatched = isWatched;
  }

  /** What one pass sees. `expected`: paths that it will likely want, which are asked for in one burst. */
  view(expected: Iterable<string>): PassView {
    return new PassView(this, expected);
  }

  /** `believed` is told until when a value is believed that nobody would tell a change of. */
  read(path: string, believed: (until: number) => void): Promise<Uint8Array | undefined> {
    return this.#get(path, path, believed, () => this.#tree.tryRead(path)) as Promise<Uint8Array | undefined>;
  }

  list(path: string, believed: (until: number) => void): Promise<string[] | undefined> {
    return this.#get(listKey(path), path, believed, () => this.#tree.tryList(path)) as Promise<string[] | undefined>;
  }

  async #get(key: string, path: string, believed: (until: number) => void, ask: () => Promise<Value>): Promise<Value> {
    const name = partOf.exec(path)?.[0];
    if (name === undefined) return ask();
    const part = this.#parts.get(name) ?? { version: 0, entries: new Map<string, Entry>() };
    this.#parts.set(name, part);
    const known = part.entries.get(key);
    const now = this.#now();
    if (known !== undefined && (known.readAt === undefined || now < known.readAt + unwatchedMs)) {
      if (known.readAt !== undefined) believed(known.readAt + unwatchedMs);
      return known.value;
    }
    const { version } = part;
    const readAt = this.#isWatched(name) ? undefined : now;
    const value = await ask();
    if (part.version === version) part.entries.set(key, { value, readAt });
    return value;
  }

  /** Something at or below the path is not as it was. */
  changed(path: string): void {
    const name = partOf.exec(path)?.[0];
    if (name === undefined) {
      for (const part of this.#parts.keys()) if (part.startsWith(`${path}/`)) this.#drop(part);
      return;
    }
    if (name === path) {
      this.#drop(name);
      return;
    }
    const part = this.#parts.get(name);
    if (part === undefined) return;
    part.version += 1;
    for (const key of part.entries.keys()) {
      // The node, what is below it, and lists of the directories above it.
      const isList = key.endsWith('/*') && path.startsWith(key.slice(0, -1));
      if (key === path || key.startsWith(`${path}/`) || isList) part.entries.delete(key);
    }
  }

  /** Nothing is known any more: the link was lost, and with it whatever was told meanwhile. */
  clear(): void {
    for (const part of [...this.#parts.keys()]) this.#drop(part);
  }

  #drop(name: string): void {
    const part = this.#parts.get(name);
    if (part !== undefined) part.version += 1;
    this.#parts.delete(name);
  }
}
