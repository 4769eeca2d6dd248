import { type Lease, createLeaseObserver } from '../kube/lease.ts';
import type { Informer } from '../kube/types.ts';
import type { Clock } from '../runtime/ports.ts';

/** Whether a host's agent is alive, by its Lease and our own clock. */
export type HostLiveness = 'fresh' | 'expired' | 'missing';

/** Follows the Leases of all hosts, and says when one of them runs out or comes back. */
export class HostLeases {
  readonly #clock: Clock;
  readonly #leases: Informer<Lease>;
  readonly #observer: ReturnType<typeof createLeaseObserver>;
  readonly #timers = new Map<string, () => void>();
  readonly #last = new Map<string, HostLiveness>();
  readonly #changed: (host: string) => void;
  #unsubscribe: () => void = () => {};

  constructor(leases: Informer<Lease>, clock: Clock, changed: (host: string) => void) {
    this.#leases = leases;
    this.#clock = clock;
    this.#observer = createLeaseObserver(clock);
    this.#changed = changed;
  }

  start(): void {
    this.#unsubscribe = this.#leases.onChange((_key, before, after) => {
      const host = (after ?? before)?.metadata.name;
      if (host === undefined) return;
      if (after === undefined) this.#observer.forget(host);
      else this.#observer.observe(host, after);
      this.#check(host);
    });
  }

  stop(): void {
    this.#unsubscribe();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  liveness(host: string): HostLiveness {
    const remaining = this.#observer.remainingMs(host);
    if (remaining === undefined) return 'missing';
    return remaining > 0 ? 'fresh' : 'expired';
  }

  #check(host: string): void {
    this.#timers.get(host)?.();
    this.#timers.delete(host);
    const now = this.liveness(host);
    const before = this.#last.get(host);
    this.#last.set(host, now);
    if (now === 'fresh') {
      const remaining = this.#observer.remainingMs(host) ?? 0;
      this.#timers.set(
        host,
        this.#clock.setTimer(remaining + 1, () => {
          this.#check(host);
        }),
      );
    }
    if (before !== now) this.#changed(host);
  }
}
