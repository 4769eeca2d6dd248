import { createHash } from 'node:crypto';
import type { Clock, Logger } from '../runtime/ports.ts';
import { isAlreadyExists, isNotFound, printable } from './errors.ts';
import { metaTime } from './micro-time.ts';
import { events as eventType } from './resources.ts';
import type { KubeClient, KubeObject } from './types.ts';

/** Something worth telling people about an object. */
export interface EventWords {
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, from a fixed list. */
  readonly reason: string;
  readonly message: string;
}

/** Tells people what happened, as Events. Never throws, never waits, never floods the API server. */
export interface EventRecorder {
  record(about: KubeObject, words: EventWords): void;
  /** Resolves when everything that was accepted is written or given up. */
  flush(): Promise<void>;
  /** Writes what waits, within the client's own deadlines, and takes no more. */
  stop(): Promise<void>;
  /** Events that were dropped, by why. */
  readonly dropped: Readonly<Record<EventDrop, number>>;
}

export type EventDrop = 'rate' | 'queue' | 'failed';

export interface EventRecorderOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly logger: Logger;
  /** `stubdom-agent`. */
  readonly component: string;
  /** The host or pod. */
  readonly instance: string;
  /** The same words again within this time are counted and written once, at its end. Default 10 s. */
  readonly windowMs?: number;
  /** Events about one object: this many at once, then one per `refillMs`. Default 25, 30 s. */
  readonly burst?: number;
  readonly refillMs?: number;
  /** Different events that wait at the same time, and that are remembered. Default 1000, 4000. */
  readonly maxQueue?: number;
  readonly maxRemembered?: number;
  readonly onDrop?: (why: EventDrop) => void;
}

interface CoreEvent extends KubeObject {
  readonly count?: number;
}

/** One event in the API server, under one name, with how often it came. */
interface Series {
  readonly name: string;
  readonly namespace: string;
  readonly body: object;
  readonly firstAt: number;
  /** Occurrences in the API server; undefined before the first write. */
  written: number | undefined;
  /** Occurrences that are not yet there. */
  unwritten: number;
  lastAt: number;
  notBefore: number;
  queued: boolean;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** What core/v1 allows for a message. */
const maxMessage = 1_024;

/**
 * One name for the same words about the same object, in any process: a restarted agent goes on counting the event that it
 * wrote before, rather than telling everything once more.
 */
function nameOf(about: KubeObject, words: EventWords, component: string): string {
  const parts = [about.metadata.uid, words.type, words.reason, words.message, component];
  const digest = createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 16);
  const prefix = about.metadata.name.slice(0, 253 - digest.length - 1).replace(/[^a-z0-9]+$/, '');
  return `${prefix}.${digest}`;
}

/** Events are core/v1 with `count`: of all forms the one that `kubectl describe` and `kubectl get events` show best. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  const { client, clock, logger, component, instance } = options;
  const windowMs = options.windowMs ?? 10_000;
  const burst = options.burst ?? 25;
  const refillMs = options.refillMs ?? 30_000;
  const maxQueue = options.maxQueue ?? 1_000;
  const maxRemembered = options.maxRemembered ?? 4_000;
  const known = new Map<string, Series>();
  const buckets = new Map<string, Bucket>();
  const dropped: Record<EventDrop, number> = { rate: 0, queue: 0, failed: 0 };
  const waiters = new Set<() => void>();
  let queue: Series[] = [];
  let writing = false;
  let open = true;
  let hurry = false;
  let cancelTimer = () => {};

  const drop = (why: EventDrop, count = 1) => {
    dropped[why] += count;
    for (let index = 0; index < count; index += 1) options.onDrop?.(why);
  };

  /** Keeps a map small: the entry that was used longest ago goes. */
  const touch = <V>(map: Map<string, V>, key: string, value: V, spare: (value: V) => boolean) => {
    map.delete(key);
    map.set(key, value);
    if (map.size <= maxRemembered) return;
    for (const [oldest, candidate] of map) {
      if (!spare(candidate)) {
        map.delete(oldest);
        return;
      }
    }
  };

  const allowed = (uid: string): boolean => {
    const now = clock.monotonic();
    const bucket = buckets.get(uid) ?? { tokens: burst, filledAt: now };
    const refill = Math.floor((now - bucket.filledAt) / refillMs);
    const tokens = Math.min(burst, bucket.tokens + refill);
    const filledAt = tokens === burst ? now : bucket.filledAt + refill * refillMs;
    touch(buckets, uid, { tokens: Math.max(0, tokens - 1), filledAt }, () => false);
    return tokens >= 1;
  };

  const newSeries = (about: KubeObject, words: EventWords, name: string, message: string): Series => {
    const { apiVersion, kind, metadata } = about;
    // Events about cluster-scoped objects live where kubectl looks for them.
    const namespace = metadata.namespace ?? 'default';
    const involvedObject = {
      apiVersion,
      kind,
      name: metadata.name,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
      ...(metadata.namespace === undefined ? {} : { namespace }),
    };
    const body = {
      involvedObject,
      type: words.type,
      reason: words.reason,
      message,
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
    };
    const now = clock.now();
    return {
      name,
      namespace,
      body,
      firstAt: now,
      lastAt: now,
      written: undefined,
      unwritten: 0,
      notBefore: clock.monotonic(),
      queued: false,
    };
  };

  const create = async (series: Series, count: number): Promise<void> => {
    const { name, namespace } = series;
    const times = { firstTimestamp: metaTime(series.firstAt), lastTimestamp: metaTime(series.lastAt) };
    try {
      await client.create(eventType, { metadata: { name, namespace }, ...series.body, ...times, count });
      series.written = count;
    } catch (error) {
      if (!isAlreadyExists(error)) throw error;
      const there = await client.get<CoreEvent>(eventType, { name, namespace });
      series.written = typeof there.count === 'number' ? there.count : 1;
      await update(series, count);
    }
  };

  const update = async (series: Series, count: number): Promise<void> => {
    const total = (series.written ?? 0) + count;
    const patch = { count: total, lastTimestamp: metaTime(series.lastAt) };
    await client.mergePatch(eventType, { name: series.name, namespace: series.namespace }, patch);
    series.written = total;
  };

  const write = async (series: Series): Promise<void> => {
    const count = series.unwritten;
    series.unwritten = 0;
    series.queued = false;
    series.notBefore = clock.monotonic() + windowMs;
    try {
      if (series.written === undefined) await create(series, count);
      else {
        try {
          await update(series, count);
        } catch (error) {
          // The API server forgets Events after an hour.
          if (!isNotFound(error)) throw error;
          series.written = undefined;
          await create(series, count);
        }
      }
    } catch (error) {
      drop('failed', count);
      const text = printable(error instanceof Error ? error.message : String(error), 300);
      logger.debug('an event could not be written', { event: series.name, error: text });
    }
  };

  /** One write at a time: events give way to everything else. */
  const pump = async (): Promise<void> => {
    if (writing) return;
    writing = true;
    cancelTimer();
    for (;;) {
      const now = clock.monotonic();
      const next = queue.find((series) => hurry || series.notBefore <= now);
      if (next === undefined) break;
      queue = queue.filter((series) => series !== next);
      await write(next);
    }
    writing = false;
    if (queue.length > 0) {
      const soonest = queue.reduce((least, series) => Math.min(least, series.notBefore), Number.POSITIVE_INFINITY);
      cancelTimer = clock.setTimer(Math.max(1, soonest - clock.monotonic()), () => {
        void pump();
      });
      return;
    }
    hurry = false;
    for (const waiter of [...waiters]) waiter();
    waiters.clear();
  };

  const flush = () =>
    new Promise<void>((resolve) => {
      waiters.add(resolve);
      hurry = true;
      void pump();
    });

  return {
    record: (about, words) => {
      if (!open) return;
      const message = printable(words.message, maxMessage - 1);
      const name = nameOf(about, { ...words, message }, component);
      const remembered = known.get(name);
      const series = remembered ?? newSeries(about, words, name, message);
      if (!series.queued) {
        // What is only counted costs nothing; what has to be written does.
        if (!allowed(about.metadata.uid)) {
          drop('rate');
          return;
        }
        if (queue.length >= maxQueue) {
          drop('queue');
          return;
        }
        series.queued = true;
        queue.push(series);
      }
      series.unwritten += 1;
      series.lastAt = clock.now();
      touch(known, name, series, (candidate) => candidate.queued);
      void pump();
    },
    flush,
    stop: async () => {
      open = false;
      await flush();
      cancelTimer();
    },
    dropped,
  };
}
