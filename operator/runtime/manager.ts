import type { Clock, Logger } from './ports.ts';

/** Something with a life. */
export interface Runnable {
  readonly name: string;
  /** Resolves when it runs (a server listens, a cache is synced). `signal` aborts when the start is given up. */
  start(signal: AbortSignal): Promise<void> | void;
  /** Ends it within `deadlineMs`. */
  stop(deadlineMs: number): Promise<unknown> | undefined;
}

/**
 * The order is law:
 * 1. `probes` first, or the kubelet kills a pod that waits for a slow API server;
 * 2. `caches` synced before anything reads them, or an empty cache looks like a world without objects;
 * 3. `controllers` last, and first to stop, so that no pass meets a closed connection.
 */
export const stages = ['probes', 'connections', 'caches', 'controllers'] as const;
export type Stage = (typeof stages)[number];

export interface ManagerOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** For the whole stop. Default 20 s; the kubelet kills after 30. */
  readonly stopDeadlineMs?: number;
}

/** Starts in the order of the stages, stops in the reverse. */
export interface Manager {
  add(stage: Stage, runnable: Runnable): void;
  /** When one cannot start, those that run are stopped and its error is thrown. */
  start(): Promise<void>;
  /** Stops once, however often it is called, also in the middle of a start. */
  stop(): Promise<void>;
}

export function createManager(options: ManagerOptions): Manager {
  const { clock, logger } = options;
  const groups = new Map<Stage, Runnable[]>(stages.map((stage) => [stage, []]));
  const started: Runnable[][] = [];
  const abort = new AbortController();
  let stopping: Promise<void> | undefined;
  const isStopping = () => stopping !== undefined;

  const startGroup = async (group: readonly Runnable[]) => {
    const running: Runnable[] = [];
    started.push(running);
    const results = await Promise.allSettled(
      group.map(async (runnable) => {
        // It is stopped even if its start fails half way.
        running.push(runnable);
        await runnable.start(abort.signal);
      }),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  };

  const stopOne = async (runnable: Runnable, deadlineMs: number) => {
    let cancel = () => {};
    const late = new Promise<'late'>((resolve) => {
      cancel = clock.setTimer(deadlineMs, () => {
        resolve('late');
      });
    });
    try {
      const outcome = await Promise.race([runnable.stop(deadlineMs), late]);
      if (outcome === 'late') logger.warn('a part did not stop in time', { part: runnable.name, deadlineMs });
    } catch (error) {
      logger.error('a part failed while it stopped', { part: runnable.name, error: String(error) });
    } finally {
      cancel();
    }
  };

  const stopAll = async () => {
    abort.abort(new Error('the program stops'));
    const end = clock.monotonic() + (options.stopDeadlineMs ?? 20_000);
    for (let group = started.pop(); group !== undefined; group = started.pop()) {
      // What is late must not take the time of all that comes after it.
      const left = Math.max(100, (end - clock.monotonic()) / (started.length === 0 ? 1 : 2));
      await Promise.all(group.map((runnable) => stopOne(runnable, left)));
    }
  };

  const stop = (): Promise<void> => {
    stopping ??= stopAll();
    return stopping;
  };

  return {
    add: (stage, runnable) => {
      groups.get(stage)?.push(runnable);
    },
    start: async () => {
      for (const stage of stages) {
        if (isStopping()) return;
        try {
          await startGroup(groups.get(stage) ?? []);
        } catch (error) {
          if (isStopping()) return;
          await stop();
          throw error;
        }
        logger.debug('a stage runs', { stage });
      }
    },
    stop,
  };
}
