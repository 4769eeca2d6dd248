import { type Lease, createLeaseObserver } from '../kube/lease.ts';
import type { Informer } from '../kube/types.ts';
import type { Clock } from '../runtime/ports.ts';

/**
 * Whether a host's agent is alive, by its Lease and our own clock. `missing`: it has no Lease, and that was not found out
 * long enough ago to call it expired.
 */
export type HostLiveness = 'fresh' | 'expired' | 'missing';

/** An agent makes its Lease before anything else; one that has none for that long is not there. */
const missingGraceMs = 60_000;

/** Follows the Leases of all hosts, and says when one of them runs out or comes back. */
export class HostLeases {
  readonly #clock: Clock;
  readonly #leases: Informer<Lease>;
  readonly #observer: ReturnType<typeof createLeaseObserver>;
  readonly #timers = new Map<string, () => void>();
  readonly #last = new Map<string, HostLiveness>();
  /** When a host was first asked for that has no Lease, by our own clock. */
  readonly #missingSince = new Map<string, number>();
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
      // A deleted Lease counts until it would have run out: an agent that lives makes another before.
      if (after !== undefined) this.#observer.observe(host, after);
      this.#missingSince.delete(host);
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
    if (remaining !== undefined) return remaining > 0 ? 'fresh' : 'expired';
    const since = this.#missingSince.get(host);
    if (since !== undefined) return this.#clock.monotonic() - since < missingGraceMs ? 'missing' : 'expired';
    this.#missingSince.set(host, this.#clock.monotonic());
    this.#last.set(host, 'missing');
    this.#checkIn(host, missingGraceMs);
    return 'missing';
  }

  #checkIn(host: string, delayMs: number): void {
    this.#timers.get(host)?.();
    const cancel = this.#clock.setTimer(delayMs, () => {
      this.#check(host);
    });
    this.#timers.set(host, cancel);
  }

  #check(host: string): void {
    this.#timers.get(host)?.();
    this.#timers.delete(host);
    const now = this.liveness(host);
    const before = this.#last.get(host);
    this.#last.set(host, now);
    if (now === 'fresh') this.#checkIn(host, (this.#observer.remainingMs(host) ?? 0) + 1);
    if (before !== now) this.#changed(host);
  }
}
