import type { XenStoreStats } from '../../xenstore/xenstore.ts';

/** What the operator's programs have asked of the API server and of XenStore since the world started. */
export interface WorldCounts {
  /** Requests to the API server by `METHOD Kind`, of controller and agents together. Watches count when they begin. */
  readonly api: Readonly<Record<string, number>>;
  /** Of all agents together. */
  readonly xenstore: XenStoreStats;
}

/** Adds up what the clients of one world do. */
export class WorldCounters {
  readonly #api = new Map<string, number>();
  readonly #stores: { readonly stats: XenStoreStats }[] = [];

  /** For the `onRequest` of a Kubernetes client. */
  readonly onRequest = (method: string, kind: string): void => {
    const key = `${method} ${kind}`;
    this.#api.set(key, (this.#api.get(key) ?? 0) + 1);
  };

  /** Counts a XenStore client in. */
  addStore(store: { readonly stats: XenStoreStats }): void {
    this.#stores.push(store);
  }

  /** The counts until now. */
  read(): WorldCounts {
    const total: Record<keyof XenStoreStats, number> = {
      requests: 0,
      roundTrips: 0,
      events: 0,
      lateEvents: 0,
      reconnects: 0,
      conflicts: 0,
    };
    for (const { stats } of this.#stores) {
      for (const name of Object.keys(total) as (keyof XenStoreStats)[]) total[name] += stats[name];
    }
    return { api: Object.fromEntries([...this.#api].sort()), xenstore: total };
  }
}
