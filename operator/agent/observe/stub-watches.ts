import type { XenStore, WatchHandle } from '../../xenstore/xenstore.ts';

/** What of a stub domain's own tree matters; everything else it writes there is no reason to look. */
const relevant =
  /^\/local\/domain\/\d+(?:$|\/device-model\/\d+(?:$|\/(?:state|command|parameter)$)|\/device\/pci\/0(?:$|\/state$))/;
const backendPath = /^\/local\/domain\/0\/backend\/[a-z]+\/(\d{1,5})(?:\/|$)/;
const domainPath = /^\/local\/domain\/(\d{1,5})$/;

/** Back ends and front ends shake hands in bursts, and none of their changes is urgent. */
const handshakeDelayMs = 25;
const frontend = /\/device\/pci\/0(?:\/state)?$/;

/**
 * A reply is `command` deleted, `parameter` written, then `state` written. A look at each of them would most often be under
 * way when the next one comes, and make the reply wait for it.
 */
const replyBegan = /\/(?:command|parameter)$/;
const replyDelayMs = 5;

function delayOf(path: string): number {
  if (frontend.test(path)) return handshakeDelayMs;
  return replyBegan.test(path) ? replyDelayMs : 0;
}

/** A stub domain may cause so many passes at once, and so many a second after: a hostile one flaps at full speed. */
const burst = 20;
const refillPerMs = 10 / 1000;

/** How often a key may still be woken, and the wake that no pass has taken up yet, if any. Times are milliseconds. */
interface Budget {
  tokens: number;
  at: number;
  pending: { due: number; readonly notBefore: number } | undefined;
}

interface Followed {
  readonly domid: number;
  readonly watch: WatchHandle;
}

/** What all stub domains share: every change is told to those that listen. */
const shared = ['/local/domain/0/backend', '/libxl/pci', '/tool/stubdom'] as const;

/**
 * Turns XenStore events into keys: one watch for each stub domain, and one for all back ends, since every watch costs
 * every writer of the host time.
 */
export class StubWatches {
  readonly #xenstore: XenStore;
  readonly #enqueueAfter: (key: string, delayMs: number) => void;
  readonly #now: () => number;
  readonly #followed = new Map<string, Followed>();
  readonly #keys = new Map<number, string>();
  /** Domids whose watch the daemon has. */
  readonly #watched = new Set<number>();
  readonly #budgets = new Map<string, Budget>();
  readonly #shared = new Map<string, { readonly watch: WatchHandle; isReady: boolean }>();
  readonly #listeners = new Set<(path: string) => void>();

  constructor(xenstore: XenStore, enqueueAfter: (key: string, delayMs: number) => void, now: () => number) {
    this.#xenstore = xenstore;
    this.#enqueueAfter = enqueueAfter;
    this.#now = now;
  }

  start(): void {
    for (const root of shared) {
      const watch = this.#xenstore.watch(root, ({ path }) => {
        this.#tell(path);
        const domid = backendPath.exec(path)?.[1];
        const key = domid === undefined ? undefined : this.#keys.get(Number(domid));
        if (key !== undefined) this.#wake(key, handshakeDelayMs);
      });
      const entry = { watch, isReady: false };
      this.#shared.set(root, entry);
      whenReady(watch, () => {
        entry.isReady = true;
      });
    }
  }

  /** Calls `listener` with the path of every change that a watch tells of. */
  onChange(listener: (path: string) => void): void {
    this.#listeners.add(listener);
  }

  /** Whether listeners are told of every change at or below the path, which is a domain's or one that all share. */
  isWatched(path: string): boolean {
    const domid = domainPath.exec(path)?.[1];
    if (domid !== undefined) return this.#watched.has(Number(domid));
    for (const [root, { isReady }] of this.#shared) if (path === root || path.startsWith(`${root}/`)) return isReady;
    return false;
  }

  #tell(path: string): void {
    for (const listener of this.#listeners) listener(path);
  }

  /** The domid of the stub domain that the key has now, if any. */
  follow(key: string, domid: number | undefined): void {
    const followed = this.#followed.get(key);
    if (followed?.domid === domid) return;
    if (followed !== undefined) {
      this.#followed.delete(key);
      this.#watched.delete(followed.domid);
      this.#tell(`/local/domain/${followed.domid}`);
      if (this.#keys.get(followed.domid) === key) this.#keys.delete(followed.domid);
      // A watch that cannot be taken back goes with the connection.
      void followed.watch.close().catch(() => {});
    }
    if (domid === undefined) {
      this.#budgets.delete(key);
      return;
    }
    this.#keys.set(domid, key);
    const watch = this.#xenstore.watch(`/local/domain/${domid}`, ({ path }) => {
      this.#tell(path);
      if (relevant.test(path)) this.#wake(key, delayOf(path));
    });
    this.#followed.set(key, { domid, watch });
    whenReady(watch, () => {
      if (this.#followed.get(key)?.watch === watch) this.#watched.add(domid);
    });
  }

  /** A pass of the key begins: events from here on are reason for another. */
  began(key: string): void {
    const budget = this.#budgets.get(key);
    if (budget !== undefined) budget.pending = undefined;
  }

  /** Events that one pass will answer, such as those of one transaction, cost one wake. */
  #wake(key: string, delayMs: number): void {
    const now = this.#now();
    const budget = this.#budgets.get(key) ?? { tokens: burst, at: now, pending: undefined };
    this.#budgets.set(key, budget);
    const { pending } = budget;
    if (pending !== undefined) {
      const due = Math.max(now + delayMs, pending.notBefore);
      if (due >= pending.due) return;
      pending.due = due;
      this.#enqueueAfter(key, Math.max(0, due - now));
      return;
    }
    const tokens = Math.min(burst, budget.tokens + Math.max(0, now - budget.at) * refillPerMs);
    const heldMs = tokens >= 1 ? 0 : Math.ceil((1 - tokens) / refillPerMs);
    budget.tokens = tokens - 1;
    budget.at = now;
    budget.pending = { due: now + Math.max(delayMs, heldMs), notBefore: now + heldMs };
    this.#enqueueAfter(key, Math.max(delayMs, heldMs));
  }

  async stop(): Promise<void> {
    const watches = [...this.#followed.values(), ...this.#shared.values()].map(({ watch }) => watch);
    await Promise.allSettled(watches.map((watch) => watch.close()));
  }
}

/** A watch that never becomes ready goes with the connection. */
function whenReady(watch: WatchHandle, callback: () => void): void {
  watch.ready.then(callback, () => {});
}
