import type { GuardedTransaction } from '../../domain/guarded-transaction.ts';
import type { TreeCache, TreeReader } from './tree-cache.ts';

const encoder = new TextEncoder();

/**
 * XenStore as one pass sees it: each node is asked for once, and what the pass itself changed is as it left it. What
 * others change meanwhile is reason for another pass.
 */
export class PassView implements TreeReader {
  readonly #cache: TreeCache;
  readonly #reads = new Map<string, Promise<Uint8Array | undefined>>();
  readonly #lists = new Map<string, Promise<string[] | undefined>>();
  readonly #written = new Map<string, Uint8Array>();
  readonly #removed = new Set<string>();
  readonly #asked = new Set<string>();
  #believedUntil: number | undefined;

  constructor(cache: TreeCache, expected: Iterable<string>) {
    this.#cache = cache;
    for (const path of expected) this.#read(path).catch(() => {});
  }

  /** When to look again, because something was believed without having been looked at, and nobody tells of its change. */
  get believedUntil(): number | undefined {
    return this.#believedUntil;
  }

  readonly #believe = (until: number): void => {
    this.#believedUntil = Math.min(this.#believedUntil ?? until, until);
  };

  /** What was asked for: likely what the next pass wants. */
  get asked(): Iterable<string> {
    return this.#asked;
  }

  async tryRead(path: string): Promise<Uint8Array | undefined> {
    this.#asked.add(path);
    return this.#written.get(path) ?? (this.#isRemoved(path) ? undefined : this.#read(path));
  }

  async tryList(path: string): Promise<string[] | undefined> {
    const below = [...this.#written.keys()].flatMap((written) =>
      written.startsWith(`${path}/`) ? [written.slice(path.length + 1).split('/', 1)[0] ?? ''] : [],
    );
    const listed = this.#isRemoved(path) ? undefined : await this.#list(path);
    const kept = (listed ?? []).filter((name) => !this.#removed.has(`${path}/${name}`));
    return listed === undefined && below.length === 0 ? undefined : [...new Set([...kept, ...below])];
  }

  /** The pass changed XenStore. */
  apply({ write, remove }: GuardedTransaction): void {
    for (const { path, value } of write) {
      this.#written.set(path, encoder.encode(value ?? ''));
    }
    for (const path of remove) {
      for (const written of this.#written.keys()) {
        if (written === path || written.startsWith(`${path}/`)) this.#written.delete(written);
      }
      this.#removed.add(path);
    }
    for (const { path } of write) this.#cache.changed(path);
    for (const path of remove) this.#cache.changed(path);
  }

  #isRemoved(path: string): boolean {
    if (this.#removed.size === 0) return false;
    for (const removed of this.#removed) if (path === removed || path.startsWith(`${removed}/`)) return true;
    return false;
  }

  #read(path: string): Promise<Uint8Array | undefined> {
    let reading = this.#reads.get(path);
    if (reading === undefined) {
      reading = this.#cache.read(path, this.#believe);
      this.#reads.set(path, reading);
    }
    return reading;
  }

  #list(path: string): Promise<string[] | undefined> {
    let listing = this.#lists.get(path);
    if (listing === undefined) {
      listing = this.#cache.list(path, this.#believe);
      this.#lists.set(path, listing);
    }
    return listing;
  }
}
