import { isRetryable } from '../kube/errors.ts';
import { type Lease, createLeaseObserver } from '../kube/lease.ts';
import type { Informer } from '../kube/types.ts';
import type { Clock } from '../runtime/ports.ts';

/**
 * Whether a host's agent is alive, by its Lease and our own clock. `missing`: it has no Lease, and that was not found out
 * long enough ago to call it expired.
 */
export type HostLiveness = 'fresh' | 'expired' | 'missing';

export interface HostLeasesOptions {
  readonly leases: Informer<Lease>;
  readonly clock: Clock;
  /** The liveness of a host is another, or its Lease was seen to be renewed for the first time. */
  readonly changed: (host: string) => void;
  /**
   * Reads the Lease of a host from the API server; undefined if there is none. Asked once when one runs out: a watch that is
   * silently dead shows old Leases for ever.
   */
  readonly read: (host: string) => Promise<Lease | undefined>;
}

/** An agent makes its Lease before anything else; one that has none for that long is not there. */
const missingGraceMs = 60_000;
/** After the API server did not answer. */
const readRetryMs = 5000;

/** Follows the Leases of all hosts, and says when one of them runs out or comes back. */
export class HostLeases {
  readonly #options: HostLeasesOptions;
  readonly #observer: ReturnType<typeof createLeaseObserver>;
  readonly #timers = new Map<string, () => void>();
  readonly #last = new Map<string, HostLiveness>();
  /** When a host was first asked for that has no Lease, by our own clock. */
  readonly #missingSince = new Map<string, number>();
  /** Renew times as they were seen first: another one proves that the agent lives. */
  readonly #first = new Map<string, string | undefined>();
  readonly #proven = new Set<string>();
  /** Hosts whose Lease ran out or is missing for too long, which the API server confirmed. */
  readonly #confirmed = new Set<string>();
  readonly #reading = new Set<string>();
  /** Hosts whose Lease the API server could not be asked for when it ran out. */
  readonly #unanswered = new Set<string>();
  #unsubscribe: () => void = () => {};
  #stopped = false;

  constructor(options: HostLeasesOptions) {
    this.#options = options;
    this.#observer = createLeaseObserver(options.clock);
  }

  start(): void {
    this.#unsubscribe = this.#options.leases.onChange((_key, before, after) => {
      const host = (after ?? before)?.metadata.name;
      if (host === undefined) return;
      // A deleted Lease counts until it would have run out: an agent that lives makes another before.
      const proof = after !== undefined && this.#observe(host, after);
      this.#missingSince.delete(host);
      this.#check(host, proof);
    });
  }

  stop(): void {
    this.#stopped = true;
    this.#unsubscribe();
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
  }

  liveness(host: string): HostLiveness {
    const { clock } = this.#options;
    const remaining = this.#observer.remainingMs(host);
    if (remaining !== undefined) return remaining > 0 || !this.#confirmed.has(host) ? 'fresh' : 'expired';
    if (this.#missingSince.has(host)) return this.#confirmed.has(host) ? 'expired' : 'missing';
    this.#missingSince.set(host, clock.monotonic());
    this.#last.set(host, 'missing');
    this.#checkIn(host, missingGraceMs);
    return 'missing';
  }

  /**
   * Whether the agent renewed its Lease while we looked. A controller that has just started knows of no host that it lives,
   * and takes back nothing that was said of a lost one.
   */
  isProven(host: string): boolean {
    return this.#proven.has(host);
  }

  /** Takes note of a Lease; whether it is the first proof that the agent lives. */
  #observe(host: string, lease: Lease): boolean {
    this.#observer.observe(host, lease);
    if ((this.#observer.remainingMs(host) ?? 0) > 0) this.#confirmed.delete(host);
    const time = lease.spec?.renewTime;
    if (!this.#first.has(host)) this.#first.set(host, time);
    if (this.#proven.has(host) || this.#first.get(host) === time) return false;
    this.#proven.add(host);
    return true;
  }

  /** Milliseconds until the host counts as lost, if nothing is heard of it; 0 when it has come to that. */
  #remainingMs(host: string): number | undefined {
    const since = this.#missingSince.get(host);
    const grace = since === undefined ? undefined : since + missingGraceMs - this.#options.clock.monotonic();
    return this.#observer.remainingMs(host) ?? (grace === undefined ? undefined : Math.max(0, grace));
  }

  #checkIn(host: string, delayMs: number): void {
    this.#timers.get(host)?.();
    const cancel = this.#options.clock.setTimer(delayMs, () => {
      this.#check(host);
    });
    this.#timers.set(host, cancel);
  }

  #check(host: string, proof = false): void {
    this.#timers.get(host)?.();
    this.#timers.delete(host);
    const remaining = this.#remainingMs(host);
    if (remaining === 0 && !this.#confirmed.has(host)) {
      void this.#confirm(host);
      return;
    }
    const now = this.liveness(host);
    const before = this.#last.get(host);
    this.#last.set(host, now);
    if (now === 'fresh') this.#checkIn(host, (remaining ?? 0) + 1);
    if (now === 'missing') this.#checkIn(host, remaining ?? missingGraceMs);
    if (before !== now || proof) this.#options.changed(host);
  }

  /** Asks the API server before the host is called lost. */
  async #confirm(host: string): Promise<void> {
    if (this.#reading.has(host)) return;
    this.#reading.add(host);
    let lease: Lease | undefined;
    try {
      lease = await this.#options.read(host);
    } catch (error) {
      this.#reading.delete(host);
      if (this.#stopped) return;
      // One that answers and will not tell is no reason to believe in a host for ever.
      if (isRetryable(error)) {
        this.#unanswered.add(host);
        this.#checkIn(host, readRetryMs);
        return;
      }
    }
    this.#reading.delete(host);
    if (this.#stopped) return;
    // While the API server was away no agent could renew: each has all its time again.
    if (this.#unanswered.delete(host)) {
      this.#observer.forget(host);
      if (this.#missingSince.has(host)) this.#missingSince.set(host, this.#options.clock.monotonic());
    }
    if (lease !== undefined) this.#missingSince.delete(host);
    const proof = lease !== undefined && this.#observe(host, lease);
    if (this.#remainingMs(host) === 0) this.#confirmed.add(host);
    this.#check(host, proof);
  }
}
