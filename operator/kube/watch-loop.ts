import type { Clock, Random } from '../runtime/ports.ts';
import { exponentialDelay } from './back-off.ts';
import { networkErrorFrom } from './errors.ts';
import type { KubeObject, KubeWatcher, ListOptions, ResourceType } from './types.ts';
import { initialWatchState, type RelistReason, step, type WatchEffect, type WatchInput } from './watch-machine.ts';

/** What the loop tells the cache. `collect`ed objects form a set aside until `commit`. */
export interface WatchLoopSink<T extends KubeObject> {
  begin(reason: RelistReason): void;
  collect(items: readonly T[]): void;
  discard(object: T): void;
  commit(): void;
  put(object: T): void;
  remove(object: T): void;
  failed(error: Error): void;
  /** The server was heard. */
  contact(): void;
}

export interface WatchLoopOptions<T extends KubeObject> {
  readonly client: KubeWatcher;
  readonly type: ResourceType;
  readonly selection: ListOptions;
  readonly sink: WatchLoopSink<T>;
  readonly clock: Clock;
  readonly random: Random;
  /** Ask for the first list as a stream. Default true; a server that cannot is found out. */
  readonly streamedLists?: boolean;
  /** A watch without one byte for this long is dead. Bookmarks come about once a minute. Default 150 s. */
  readonly idleTimeoutMs?: number;
}

const backOff = { baseMs: 800, maxMs: 30_000 };
const pageSize = 500;

/** Runs the machine of watch-machine.ts against a server, for ever, until stopped. */
export interface WatchLoop {
  start(): void;
  stop(): void;
}

export function createWatchLoop<T extends KubeObject>(options: WatchLoopOptions<T>): WatchLoop {
  const { client, type, selection, sink, clock, random } = options;
  const idleTimeoutMs = options.idleTimeoutMs ?? 150_000;
  let state = initialWatchState(options.streamedLists ?? true);
  let close = () => {};

  const feed = (input: WatchInput) => {
    const result = step(state, input);
    state = result.state;
    for (const effect of result.effects) {
      // A handler may stop us in the middle: what follows was meant for a state that is no more.
      if (state !== result.state) return;
      run(effect);
    }
  };

  const openWatch = (resourceVersion: string | undefined) => {
    let open = true;
    // What an ended stream still says is about a state that is no more.
    const live = (say: () => void) => {
      if (!open) return;
      sink.contact();
      say();
    };
    const last = (input: (at: number) => WatchInput) => {
      if (!open) return;
      open = false;
      feed(input(clock.monotonic()));
    };
    const end = client.watch<T>(
      type,
      {
        ...selection,
        resourceVersion,
        initialEvents: resourceVersion === undefined,
        timeoutSeconds: Math.round(240 + random() * 60),
        idleTimeoutMs,
      },
      {
        opened: () => {
          live(() => {});
        },
        event: (eventType, object) => {
          live(() => {
            feed({ kind: 'event', at: clock.monotonic(), type: eventType, object });
          });
        },
        bookmark: (version, initialEventsEnd) => {
          live(() => {
            feed({ kind: 'bookmark', at: clock.monotonic(), resourceVersion: version, initialEventsEnd });
          });
        },
        ended: () => {
          last((at) => ({ kind: 'ended', at }));
        },
        failed: (error) => {
          last((at) => ({ kind: 'failed', at, error }));
        },
        malformed: (reason) => {
          last((at) => ({ kind: 'malformed', at, reason }));
        },
      },
    );
    close = () => {
      open = false;
      end();
    };
  };

  const openList = (continueToken: string | undefined) => {
    const abort = new AbortController();
    close = () => {
      abort.abort();
    };
    client.listPage<T>(type, { ...selection, limit: pageSize, continueToken }, abort.signal).then(
      (page) => {
        if (abort.signal.aborted) return;
        sink.contact();
        feed({ kind: 'page', at: clock.monotonic(), ...page });
      },
      (error: unknown) => {
        if (abort.signal.aborted) return;
        feed({ kind: 'failed', at: clock.monotonic(), error: networkErrorFrom(error, `list ${type.kind}`) });
      },
    );
  };

  const run = (effect: WatchEffect): void => {
    switch (effect.kind) {
      case 'list':
        openList(effect.continueToken);
        return;
      case 'watch':
        openWatch(effect.resourceVersion);
        return;
      case 'close':
        close();
        close = () => {};
        return;
      case 'wait': {
        const delay = effect.atLeastMs + exponentialDelay(effect.failures, backOff, random);
        close = clock.setTimer(delay, () => {
          feed({ kind: 'due', at: clock.monotonic() });
        });
        return;
      }
      case 'begin':
        sink.begin(effect.reason);
        return;
      case 'collect':
        sink.collect(effect.items as readonly T[]);
        return;
      case 'discard':
        sink.discard(effect.object as T);
        return;
      case 'commit':
        sink.commit();
        return;
      case 'put':
        sink.put(effect.object as T);
        return;
      case 'remove':
        sink.remove(effect.object as T);
        return;
      case 'report':
        sink.failed(effect.error);
        return;
    }
  };

  return {
    start: () => {
      feed({ kind: 'start', at: clock.monotonic() });
    },
    stop: () => {
      feed({ kind: 'stop', at: clock.monotonic() });
    },
  };
}
