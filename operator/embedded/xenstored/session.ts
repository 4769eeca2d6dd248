import type { WireErrorCode } from '../../xenstore/errors.ts';
import type { Domain, Domains } from './domains.ts';
import type { Limits } from './limits.ts';
import { parentOf, type PermissionList, READ, type StoreNode } from './node.ts';
import { Transaction } from './transaction.ts';
import type { Tree, View } from './tree.ts';
import type { Watch, Watcher, Watches } from './watches.ts';

/** Where a session's messages go. Bodies are latin1. */
export interface Output {
  reply(type: number, reqId: number, txId: number, body: string): void;
  event(path: string, token: string): void;
}

/** What the daemon's host does for it: guests' sockets. */
export interface Host {
  /** A domain was introduced. Gives false if its socket cannot be had: the INTRODUCE fails then. */
  introduced(domid: number): boolean;
  /** A domain was released; called after the OK is sent. */
  released(domid: number): void;
}

/** What all sessions of a daemon share. */
export interface Shared {
  readonly tree: Tree;
  readonly domains: Domains;
  readonly watches: Watches<Session>;
  readonly special: Map<string, PermissionList>;
  readonly limits: Limits;
  readonly host: Host;
}

/** One connection: whose it is, its watches and its transactions. */
export class Session implements Watcher {
  readonly shared: Shared;
  readonly domain: Domain;
  readonly output: Output;
  readonly #watches = new Map<string, Watch<Session>>();
  readonly #transactions = new Map<number, Transaction>();
  #lastTransaction = 0;

  constructor(shared: Shared, domain: Domain, output: Output) {
    this.shared = shared;
    this.domain = domain;
    this.output = output;
  }

  /** Whether it is dom0's, for whom neither permissions nor quotas hold. */
  get privileged(): boolean {
    return this.domain.domid === 0;
  }

  /** The folder that relative paths are in. */
  get home(): string {
    return `/local/domain/${String(this.domain.domid)}`;
  }

  /** The path that a client's path means: relative ones are below its own folder. */
  absolute(path: string): string {
    const first = path.charCodeAt(0);
    return first === 0x2f || first === 0x40 ? path : `${this.home}/${path}`;
  }

  /** What it may do with a node. */
  mask(node: StoreNode): number {
    if (this.privileged) return 7;
    return this.shared.domains.mask(this.domain, this.shared.domains.valid(node));
  }

  event(path: string, token: string): void {
    this.output.event(path, token);
  }

  /** Fires the watches of a change, or has the transaction do so at its commit. */
  changed(view: View, path: string, node: StoreNode, exact: boolean, oldPermissions?: PermissionList): void {
    if (view instanceof Transaction) view.queue(path, exact, oldPermissions);
    else fire(this.shared, path, node, exact, oldPermissions);
  }

  /** Registers a watch; `hidden` as in `Watch`. */
  addWatch(path: string, token: string, hidden: number): WireErrorCode | undefined {
    const key = `${path}\0${token}`;
    if (this.#watches.has(key)) return 'EEXIST';
    const { limits, watches } = this.shared;
    const most = this.privileged ? limits.ownWatches : limits.watches;
    if ((this.privileged ? this.#watches.size : this.domain.watches) > most) return 'E2BIG';
    this.#watches.set(key, watches.add(this, path, token, hidden));
    this.domain.watches++;
    return undefined;
  }

  removeWatch(path: string, token: string): boolean {
    const key = `${path}\0${token}`;
    const watch = this.#watches.get(key);
    if (watch === undefined) return false;
    this.#watches.delete(key);
    this.shared.watches.remove(watch);
    this.domain.watches--;
    return true;
  }

  /** Begins a transaction; gives its id. */
  begin(): number | WireErrorCode {
    const { limits } = this.shared;
    const most = this.privileged ? limits.ownTransactions : limits.transactions;
    if ((this.privileged ? this.#transactions.size : this.domain.transactions) > most) return 'ENOSPC';
    do this.#lastTransaction = (this.#lastTransaction % 0xffffffff) + 1;
    while (this.#transactions.has(this.#lastTransaction));
    this.#transactions.set(this.#lastTransaction, new Transaction(this.shared.tree));
    this.domain.transactions++;
    return this.#lastTransaction;
  }

  transaction(id: number): Transaction | undefined {
    return this.#transactions.get(id);
  }

  /** Forgets a transaction, which has been committed or is not to be. */
  end(id: number): void {
    if (this.#transactions.delete(id)) this.domain.transactions--;
  }

  /** Ends all watches and transactions. */
  reset(): void {
    for (const watch of this.#watches.values()) this.shared.watches.remove(watch);
    this.domain.watches -= this.#watches.size;
    this.domain.transactions -= this.#transactions.size;
    this.#watches.clear();
    this.#transactions.clear();
  }
}

/**
 * Sends the events of a change. A guest hears of it if it may read the node, could read it until now, or may read the
 * node above. `node` is what is there, or what was removed.
 */
export function fire(
  shared: Shared,
  path: string,
  node: StoreNode,
  exact: boolean,
  oldPermissions?: PermissionList,
): void {
  shared.watches.fire(path, exact, (session) => {
    if (session.privileged || (session.mask(node) & READ) !== 0) return true;
    if (oldPermissions !== undefined && (shared.domains.mask(session.domain, oldPermissions) & READ) !== 0) return true;
    const parent = path === '/' ? undefined : shared.tree.get(parentOf(path));
    return parent !== undefined && (session.mask(parent) & READ) !== 0;
  });
}

/** Sends the events of a special watch such as `@introduceDomain` to those who may have them, or could until now. */
export function fireSpecial(shared: Shared, name: string, oldPermissions?: PermissionList): void {
  const lists = [shared.special.get(name), oldPermissions].filter((list) => list !== undefined);
  shared.watches.fire(name, true, (session) => {
    return session.privileged || lists.some((list) => (shared.domains.mask(session.domain, list) & READ) !== 0);
  });
}
