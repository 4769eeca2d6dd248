import type { Action, Reconcile } from './action.ts';
import type { Clock, Logger, Random } from './ports.ts';
import { exponentialRateLimiter } from './rate-limiter.ts';
import { createWorkqueue, type WorkqueueMetrics } from './workqueue.ts';

/** How a pass ended, as a label. The first four are controller-runtime's. */
export type PassResult = 'success' | 'requeue_after' | 'requeue' | 'error' | 'retry' | 'terminal';

/** What a controller tells about itself; see `createControllerMetrics` (metrics.ts). */
export interface ControllerMetrics {
  readonly queue: WorkqueueMetrics;
  passed(result: PassResult, seconds: number): void;
  /** The reconciler threw something that is no Error, or gave back no Action: a mistake in the program. */
  panicked(): void;
  timedOut(): void;
  activeWorkers(count: number): void;
  /** Asked when metrics are read. */
  observe(unfinished: () => { readonly longestSeconds: number; readonly sumSeconds: number }): void;
}

export interface ControllerOptions {
  readonly name: string;
  readonly reconcile: Reconcile;
  /** Passes at the same time, of different keys. Default 8. */
  readonly concurrency?: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: ControllerMetrics | undefined;
  /** After this a pass' signal aborts; after twice this its place is given to another key. Default 2 minutes. */
  readonly passDeadlineMs?: number;
  /** Of what is thrown. Default 5 ms to 1000 s. */
  readonly errorBackOff?: { readonly baseMs: number; readonly maxMs: number };
  /** Of `retry`. Default 1 s to 5 minutes. */
  readonly retryBackOff?: { readonly baseMs: number; readonly maxMs: number };
  /** True for errors that are part of the trade (a write conflict): they back off without a word in the log. */
  readonly isRoutine?: (error: unknown) => boolean;
}

/** Keys in, passes out. */
export interface Controller {
  readonly name: string;
  /** Look at this key soon. */
  enqueue(key: string): void;
  /** Look at this key then, unless it is looked at before. */
  enqueueAfter(key: string, delayMs: number): void;
  start(): void;
  /** Takes no more keys, aborts the passes' signals after half of `deadlineMs`; false if some still ran at its end. */
  stop(deadlineMs: number): Promise<boolean>;
  /** Resolves when no key waits and no pass runs. Delayed keys do not count. */
  idle(): Promise<void>;
  /** For tests and readiness: how much there is to do. */
  readonly pending: { readonly waiting: number; readonly delayed: number; readonly processing: number };
}

/** Longest wait that an error can ask for by `retryAfterSeconds`. */
const longestAskedMs = 300_000;

function askedDelayMs(error: unknown): number {
  if (typeof error !== 'object' || error === null || !('retryAfterSeconds' in error)) return 0;
  const asked = error.retryAfterSeconds;
  return typeof asked === 'number' && asked > 0 ? Math.min(asked * 1000, longestAskedMs) : 0;
}

/** Runs `reconcile` for keys: never twice at once for one key, with per-key back-off, and whatever it throws. */
export function createController(options: ControllerOptions): Controller {
  const { name, clock, random, metrics } = options;
  const logger = options.logger.child({ controller: name });
  const concurrency = options.concurrency ?? 8;
  const passDeadlineMs = options.passDeadlineMs ?? 120_000;
  const errors = exponentialRateLimiter({ baseMs: 5, maxMs: 1_000_000, ...options.errorBackOff, random });
  const retries = exponentialRateLimiter({ baseMs: 1_000, maxMs: 300_000, ...options.retryBackOff, random });
  const stopping = new AbortController();
  const idleWaiters = new Set<() => void>();
  let running = false;
  let active = 0;
  let passes = 0;
  const idPrefix = Math.floor(random() * 0x7fffffff).toString(36);

  const queue = createWorkqueue({ clock, onReady: () => pump(), metrics: metrics?.queue });
  metrics?.observe(() => queue.unfinished());

  const setActive = (change: 1 | -1) => {
    active += change;
    metrics?.activeWorkers(active);
  };

  const settleIdle = () => {
    if (!queue.idle) return;
    for (const waiter of [...idleWaiters]) waiter();
    idleWaiters.clear();
  };

  const pump = () => {
    while (running && active < concurrency) {
      const key = queue.take();
      if (key === undefined) return;
      setActive(1);
      void pass(key);
    }
  };

  const forget = (key: string) => {
    errors.forget(key);
    retries.forget(key);
  };

  const conclude = (key: string, action: Action): PassResult => {
    switch (action.kind) {
      case 'done':
        forget(key);
        return 'success';
      case 'after':
        forget(key);
        queue.addAfter(key, action.delayMs);
        return 'requeue_after';
      case 'retry':
        errors.forget(key);
        queue.addRetry(key, retries.next(key));
        return 'retry';
      case 'terminal':
        forget(key);
        return 'terminal';
    }
  };

  const fail = (key: string, log: Logger, error: unknown): PassResult => {
    const delay = Math.max(errors.next(key), askedDelayMs(error));
    queue.addRetry(key, delay);
    if (!(error instanceof Error)) metrics?.panicked();
    // What a pass throws while the program stops is the stop.
    if (!stopping.signal.aborted && options.isRoutine?.(error) !== true) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      log.error('a reconcile pass failed', { retryMs: Math.round(delay), error: text });
    }
    return 'error';
  };

  const pass = async (key: string): Promise<void> => {
    passes += 1;
    const reconcileID = `${idPrefix}-${passes.toString(36)}`;
    const log = logger.child({ key, reconcileID });
    const began = clock.monotonic();
    const deadline = new AbortController();
    let holdsPlace = true;
    const givePlace = () => {
      if (!holdsPlace) return;
      holdsPlace = false;
      setActive(-1);
      pump();
    };
    let cancelTimer = clock.setTimer(passDeadlineMs, () => {
      metrics?.timedOut();
      log.warn('a reconcile pass takes too long', { deadlineMs: passDeadlineMs });
      deadline.abort(new Error(`the pass took longer than ${passDeadlineMs} ms`));
      // It does not listen: the key stays taken, so that no second pass meets the first, but others go on.
      cancelTimer = clock.setTimer(passDeadlineMs, givePlace);
    });
    const signal = AbortSignal.any([deadline.signal, stopping.signal]);
    let result: PassResult;
    try {
      const action: Action = await options.reconcile(key, { signal, reconcileID, logger: log });
      result = isAction(action) ? conclude(key, action) : fail(key, log, `no Action: ${typeof action}`);
    } catch (error) {
      result = fail(key, log, error);
    }
    cancelTimer();
    const tookMs = clock.monotonic() - began;
    metrics?.passed(result, tookMs / 1000);
    log.debug('a reconcile pass ended', { result, tookMs: Math.round(tookMs) });
    queue.done(key);
    givePlace();
    settleIdle();
  };

  const idle = () =>
    new Promise<void>((resolve) => {
      if (queue.idle) resolve();
      else idleWaiters.add(resolve);
    });

  return {
    name,
    enqueue: (key) => {
      queue.add(key);
    },
    enqueueAfter: (key, delayMs) => {
      queue.addAfter(key, delayMs);
    },
    start: () => {
      running = true;
      pump();
    },
    stop: (deadlineMs) => {
      running = false;
      queue.shutDown();
      settleIdle();
      return new Promise((resolve) => {
        let cancel = clock.setTimer(deadlineMs / 2, () => {
          stopping.abort(new Error('the program stops'));
          cancel = clock.setTimer(deadlineMs / 2, () => {
            resolve(queue.processing === 0);
          });
        });
        void idle().then(() => {
          cancel();
          resolve(true);
        });
      });
    },
    idle,
    get pending() {
      return { waiting: queue.waiting, delayed: queue.delayed, processing: queue.processing };
    },
  };
}

/** Types end where a reconciler is called: a missing `return` must not look like success. */
function isAction(value: unknown): value is Action {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  if (value.kind === 'after') return 'delayMs' in value && Number.isFinite(value.delayMs);
  return value.kind === 'done' || value.kind === 'retry' || value.kind === 'terminal';
}
