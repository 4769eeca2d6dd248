import type { Clock, Logger, Random } from '../runtime/ports.ts';
import { sleep, within } from './back-off.ts';
import { isAlreadyExists, isConflict, isNotFound, printable } from './errors.ts';
import { microTime } from './micro-time.ts';
import { leases } from './resources.ts';
import type { KubeClient, KubeObject } from './types.ts';

/** coordination.k8s.io/v1. */
export interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** Who holds which Lease for how long. */
export interface LeaseClaim {
  readonly namespace: string;
  readonly name: string;
  readonly holder: string;
  readonly durationSeconds: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/**
 * Tells an expired Lease from a live one by the local clock alone: a Lease is alive for its duration after *we* saw it
 * change. Its renewTime is the other machine's clock, and is compared with nothing.
 */
export interface LeaseObserver {
  /** Remembers a Lease as it was read or came by a watch. */
  observe(key: string, lease: Lease): void;
  forget(key: string): void;
  /** Milliseconds until it expires as far as we know; 0 when it has; undefined when there is none. */
  remainingMs(key: string): number | undefined;
}

interface Observation {
  readonly record: string;
  readonly seenAt: number;
  readonly durationMs: number;
}

const defaultDurationSeconds = 15;
/** What a Lease says beyond this does not count: whoever may write one could otherwise live on in it for years. */
const longestDurationSeconds = 600;

export function createLeaseObserver(clock: Clock): LeaseObserver {
  const observations = new Map<string, Observation>();
  return {
    observe: (key, lease) => {
      const { holderIdentity = '', renewTime = '', leaseDurationSeconds = defaultDurationSeconds } = lease.spec ?? {};
      const record = [lease.metadata.uid, holderIdentity, renewTime].join('\n');
      const durationMs = holderIdentity === '' ? 0 : Math.min(leaseDurationSeconds, longestDurationSeconds) * 1000;
      const known = observations.get(key);
      const seenAt = known?.record === record ? known.seenAt : clock.monotonic();
      observations.set(key, { record, seenAt, durationMs });
    },
    forget: (key) => {
      observations.delete(key);
    },
    remainingMs: (key) => {
      const known = observations.get(key);
      return known === undefined ? undefined : Math.max(0, known.seenAt + known.durationMs - clock.monotonic());
    },
  };
}

/** What one try came to. `held`: somebody else has it, for that many milliseconds as far as we know. */
export type LeaseAttempt =
  | { readonly kind: 'renewed'; readonly lease: Lease }
  | { readonly kind: 'held'; readonly by: string; readonly remainingMs: number };

/** Takes and renews one Lease. */
export interface LeaseKeeper {
  /** Creates, takes or renews. A race that is lost is `held`; other failures are thrown. */
  attempt(): Promise<LeaseAttempt>;
  /** Gives it up, if we have it, so that another need not wait. */
  release(): Promise<void>;
}

export interface LeaseKeeperOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly claim: LeaseClaim;
  /**
   * `expired`: another's Lease is respected until it runs out (leader election). `always`: it is ours by right, whoever
   * wrote it last (the heartbeat of this host, after a restart under another identity).
   */
  readonly take: 'expired' | 'always';
}

export function createLeaseKeeper({ client, clock, claim, take }: LeaseKeeperOptions): LeaseKeeper {
  const { namespace, name, holder, durationSeconds } = claim;
  const ref = { namespace, name };
  const observer = createLeaseObserver(clock);
  let last: Lease | undefined;

  const remember = (lease: Lease): LeaseAttempt => {
    last = lease;
    observer.observe(name, lease);
    return { kind: 'renewed', lease };
  };

  const create = async (): Promise<LeaseAttempt> => {
    const now = microTime(clock.now());
    const metadata = { namespace, name, ...(claim.labels === undefined ? {} : { labels: claim.labels }) };
    const spec = {
      holderIdentity: holder,
      leaseDurationSeconds: durationSeconds,
      acquireTime: now,
      renewTime: now,
      leaseTransitions: 0,
    };
    return remember(await client.create<Lease>(leases, { metadata, spec }));
  };

  /** Replaces what was read: the resourceVersion in it makes the server refuse if anybody was faster. */
  const write = async (lease: Lease): Promise<LeaseAttempt> => {
    const now = microTime(clock.now());
    const ours = lease.spec?.holderIdentity === holder;
    const spec = {
      ...lease.spec,
      holderIdentity: holder,
      leaseDurationSeconds: durationSeconds,
      acquireTime: ours ? (lease.spec.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + (ours ? 0 : 1),
    };
    const metadata = { ...lease.metadata, labels: { ...lease.metadata.labels, ...claim.labels } };
    return remember(await client.replace<Lease>(leases, { ...lease, metadata, spec } as Lease));
  };

  const attempt = async (): Promise<LeaseAttempt> => {
    // The fast way: we renewed last, and nobody wrote since.
    const ours = last;
    if (ours?.spec?.holderIdentity === holder) {
      try {
        return await write(ours);
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
        last = undefined;
      }
    }
    const found = await client.tryGet<Lease>(leases, ref);
    try {
      if (found === undefined) return await create();
      observer.observe(name, found);
      const by = found.spec?.holderIdentity ?? '';
      const remainingMs = observer.remainingMs(name) ?? 0;
      if (take === 'expired' && by !== holder && remainingMs > 0) return { kind: 'held', by, remainingMs };
      return await write(found);
    } catch (error) {
      if (isConflict(error) || isAlreadyExists(error)) {
        return { kind: 'held', by: 'another, in a race', remainingMs: 0 };
      }
      throw error;
    }
  };

  return {
    attempt,
    release: async () => {
      if (last?.spec?.holderIdentity !== holder) return;
      const spec = { ...last.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: microTime(clock.now()) };
      const given = { ...last, spec } as Lease;
      last = undefined;
      try {
        await client.replace<Lease>(leases, given);
      } catch (error) {
        if (!isConflict(error) && !isNotFound(error)) throw error;
      }
    },
  };
}

export interface HeartbeatOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly claim: LeaseClaim;
  /** Default: a quarter of the duration. Up to a tenth less by chance, so that a fleet does not beat in step. */
  readonly renewIntervalMs?: number;
  /** Called after each renewal that worked. */
  readonly onRenewed?: () => void;
}

/** Says that we live, until stopped. */
export interface Heartbeat {
  start(): void;
  stop(): Promise<void>;
  /** Milliseconds since the last renewal that worked. */
  lastRenewedAgeMs(): number;
}

/** Renews the Lease of this host or process for ever; a failure is tried again sooner. */
export function createHeartbeat(options: HeartbeatOptions): Heartbeat {
  const { client, clock, random, logger, claim } = options;
  const intervalMs = options.renewIntervalMs ?? (claim.durationSeconds * 1000) / 4;
  const keeper = createLeaseKeeper({ client, clock, claim, take: 'always' });
  const stopping = new AbortController();
  let renewedAt: number | undefined;
  let running: Promise<void> | undefined;

  const attempt = async (): Promise<boolean> => {
    if ((await keeper.attempt()).kind === 'held') return false;
    renewedAt = clock.monotonic();
    options.onRenewed?.();
    return true;
  };
  const beat = async (): Promise<boolean> => {
    try {
      // A connection whose other end is gone answers nothing until the request's own deadline, which is too late: it is tried
      // again over another. An answer that comes later counts all the same.
      return await within(clock, intervalMs, attempt());
    } catch (error) {
      const text = printable(error instanceof Error ? error.message : String(error), 300);
      logger.warn('the heartbeat could not be renewed', { lease: claim.name, error: text });
      return false;
    }
  };
  const run = async () => {
    while (!stopping.signal.aborted) {
      const renewed = await beat();
      const pause = renewed ? intervalMs : intervalMs / 4;
      await sleep(clock, pause * (0.9 + 0.1 * random()), stopping.signal).catch(() => undefined);
    }
  };
  return {
    start: () => {
      running ??= run();
    },
    stop: async () => {
      stopping.abort();
      await running;
    },
    lastRenewedAgeMs: () => (renewedAt === undefined ? Number.POSITIVE_INFINITY : clock.monotonic() - renewedAt),
  };
}
