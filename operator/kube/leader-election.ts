import type { Clock, Logger, Random } from '../runtime/ports.ts';
import { sleep, within } from './back-off.ts';
import { printable } from './errors.ts';
import { createLeaseKeeper, type LeaseClaim } from './lease.ts';
import type { KubeClient } from './types.ts';

/** client-go's defaults: 15 s, 10 s, 2 s. `renewDeadlineMs` must be shorter than the claim's duration. */
export interface ElectionOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly claim: LeaseClaim;
  /** A leader that could not renew for this long stops to be one. Default: two thirds of the claim's duration. */
  readonly renewDeadlineMs?: number;
  /** Between two tries. Default 2 s. */
  readonly retryMs?: number;
}

/** One candidate. */
export interface Election {
  /** Resolves when we lead; the signal aborts when we do no more, and everything that leads must stop at once. */
  lead(): Promise<AbortSignal>;
  /** By the clock, and not by whether the end was told of yet: false from the moment on at which another may lead soon. */
  readonly leading: boolean;
  /** Steps down. With `release`, the next leader need not wait for the Lease to run out. */
  stop(release: boolean): Promise<void>;
}

/**
 * Takes the Lease, and renews it. By the local clock alone: we stop to lead after `renewDeadlineMs` without a renewal, and
 * another one takes over only after it saw no renewal for the whole, longer, duration. A process that stood still does not know
 * until its timers run: what it writes is to be asked of `leading` each time, by a client with `mayWrite`. A request that
 * was sent before is not called back: what a leader writes must bear a second one for a moment (resourceVersions).
 */
export function createElection(options: ElectionOptions): Election {
  const { client, clock, random, logger, claim } = options;
  const renewDeadlineMs = options.renewDeadlineMs ?? (claim.durationSeconds * 1000 * 2) / 3;
  const retryMs = options.retryMs ?? 2_000;
  if (renewDeadlineMs >= claim.durationSeconds * 1000) {
    throw new TypeError('renewDeadlineMs must be shorter than the duration of the Lease');
  }
  const keeper = createLeaseKeeper({ client, clock, claim, take: 'expired' });
  const stopping = new AbortController();
  let leadership: AbortController | undefined;
  /** Until when the last renewal counts, by the monotonic clock. */
  let leadsUntil = 0;
  let running: Promise<void> | undefined;
  /** The last renewal that was sent; one that is still on its way changes the Lease after we have stepped down. */
  let renewal: Promise<unknown> = Promise.resolve();

  const attempt = async (): Promise<boolean> => {
    const tried = keeper.attempt();
    renewal = tried.catch(() => undefined);
    try {
      // One that hangs, on a connection whose other end is gone, must leave time for another.
      return (await within(clock, renewDeadlineMs / 2, tried)).kind === 'renewed';
    } catch (error) {
      const text = printable(error instanceof Error ? error.message : String(error), 300);
      logger.warn('the leader election could not reach its Lease', { lease: claim.name, error: text });
      return false;
    }
  };
  const pause = () => sleep(clock, retryMs * (0.9 + 0.2 * random()), stopping.signal).catch(() => undefined);

  /** Renews until it fails for too long. The deadline is a timer: a request that hangs must not make us lead for longer. */
  const keep = async (term: AbortController): Promise<void> => {
    const stepDown = () => {
      term.abort(new Error('the Lease could not be renewed in time'));
    };
    const over = () => term.signal.aborted || stopping.signal.aborted;
    let cancel = clock.setTimer(Math.max(0, leadsUntil - clock.monotonic()), stepDown);
    const ended = new Promise<void>((resolve) => {
      term.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    while (!over()) {
      await Promise.race([pause(), ended]);
      if (over()) break;
      const began = clock.monotonic();
      const renewed = await Promise.race([attempt(), ended.then(() => false)]);
      if (!renewed || over()) continue;
      cancel();
      // Counted from when it was sent: the server may have taken it just then.
      leadsUntil = began + renewDeadlineMs;
      cancel = clock.setTimer(Math.max(0, leadsUntil - clock.monotonic()), stepDown);
    }
    cancel();
    term.abort(new Error('stepped down'));
  };

  const run = async (won: (signal: AbortSignal) => void): Promise<void> => {
    let began = clock.monotonic();
    while (!stopping.signal.aborted && !(await attempt())) {
      await pause();
      began = clock.monotonic();
    }
    if (stopping.signal.aborted) return;
    leadsUntil = began + renewDeadlineMs;
    leadership = new AbortController();
    logger.info('leading', { lease: claim.name, holder: claim.holder });
    won(leadership.signal);
    await keep(leadership);
    logger.info('leading no more', { lease: claim.name, holder: claim.holder });
  };

  return {
    lead: () =>
      new Promise((resolve, reject) => {
        if (running !== undefined) {
          reject(new TypeError('an election is run once; make another'));
          return;
        }
        running = run(resolve).then(() => {
          reject(new Error('the election was stopped'));
        });
      }),
    get leading() {
      return leadership !== undefined && !leadership.signal.aborted && clock.monotonic() < leadsUntil;
    },
    stop: async (release) => {
      stopping.abort();
      leadership?.abort(new Error('the program stops'));
      await running;
      if (!release) return;
      await renewal;
      await keeper.release().catch(() => undefined);
    },
  };
}
