import { describe, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { type Action, after, done, retry, terminal } from '../../../operator/runtime/action.ts';
import { type ControllerOptions, createController } from '../../../operator/runtime/controller.ts';
import { createControllerMetrics } from '../../../operator/runtime/metrics.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { manualClock } from '../../support/manual-clock.ts';

const setUp = (reconcile: ControllerOptions['reconcile'], more: Partial<ControllerOptions> = {}) => {
  const clock = manualClock();
  const registry = new Registry();
  const metrics = createControllerMetrics(registry)('things', 2);
  const controller = createController({
    name: 'things',
    reconcile,
    concurrency: 2,
    clock,
    random: () => 1,
    logger: silentLogger,
    metrics,
    ...more,
  });
  controller.start();
  const value = async (name: string, labels: Record<string, string> = {}): Promise<number | undefined> => {
    const [metric] = (await registry.getMetricsAsJSON()).filter((candidate) => candidate.name === name);
    const values = (metric?.values ?? []) as { labels: Record<string, unknown>; value: number }[];
    return values.find((one) => Object.entries(labels).every(([label, text]) => one.labels[label] === text))?.value;
  };
  return { clock, controller, registry, value };
};

/** A promise that the test settles. */
const deferred = <T>() => {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
};

describe('the controller', () => {
  test('runs passes of different keys at the same time, and of one key never', async () => {
    const gates = new Map<string, ReturnType<typeof deferred<Action>>>();
    const began: string[] = [];
    const { controller } = setUp((key) => {
      began.push(key);
      const gate = deferred<Action>();
      gates.set(key, gate);
      return gate.promise;
    });
    for (const key of ['a', 'b', 'c']) controller.enqueue(key);
    controller.enqueue('a');
    expect(began).toEqual(['a', 'b']);
    gates.get('b')?.resolve(done);
    await gates.get('b')?.promise;
    await Promise.resolve();
    expect(began).toEqual(['a', 'b', 'c']);
    gates.get('c')?.resolve(done);
    gates.get('a')?.resolve(done);
    await gates.get('a')?.promise;
    await Promise.resolve();
    expect(began).toEqual(['a', 'b', 'c', 'a']);
    gates.get('a')?.resolve(done);
    await controller.idle();
  });

  test.each([
    { name: 'done', outcome: async () => done, next: undefined, result: 'success' },
    { name: 'after', outcome: async () => after(7_000), next: 7_000, result: 'requeue_after' },
    { name: 'retry', outcome: async () => retry('NoSlot'), next: 1_000, result: 'retry' },
    { name: 'terminal', outcome: async () => terminal('Invalid'), next: undefined, result: 'terminal' },
    { name: 'a rejection', outcome: () => Promise.reject(new Error('x')), next: 5, result: 'error' },
    {
      name: 'a throw that is not a promise',
      outcome: () => {
        throw new Error('x');
      },
      next: 5,
      result: 'error',
    },
    {
      name: 'an error that says when',
      outcome: () => Promise.reject(Object.assign(new Error('x'), { retryAfterSeconds: 3 })),
      next: 3_000,
      result: 'error',
    },
    {
      name: 'a missing return',
      outcome: () => Promise.resolve(undefined as unknown as Action),
      next: 5,
      result: 'error',
    },
  ])('$name', async ({ outcome, next, result }) => {
    const { clock, controller, value } = setUp(outcome);
    controller.enqueue('a');
    await controller.idle();
    expect(clock.timers).toEqual(next === undefined ? [] : [next]);
    expect(await value('controller_runtime_reconcile_total', { result })).toBe(1);
  });

  test('errors back off per key, and a success forgets them', async () => {
    let works = false;
    const { clock, controller } = setUp((key) =>
      key === 'bad' && !works ? Promise.reject(new Error('x')) : Promise.resolve(done),
    );
    const delays: (number | undefined)[] = [];
    controller.enqueue('bad');
    for (let round = 0; round < 6; round += 1) {
      await controller.idle();
      delays.push(clock.timers[0]);
      clock.advance(clock.timers[0] ?? 0);
    }
    expect(delays).toEqual([5, 10, 20, 40, 80, 160]);
    await controller.idle();
    works = true;
    clock.advance(320);
    await controller.idle();
    works = false;
    controller.enqueue('bad');
    await controller.idle();
    expect(clock.timers).toEqual([5]);
  });

  test('retries back off up to their cap', async () => {
    const { clock, controller } = setUp(async () => retry('WaitingForGuest'), {
      retryBackOff: { baseMs: 1_000, maxMs: 4_000 },
    });
    const delays: (number | undefined)[] = [];
    controller.enqueue('a');
    for (let round = 0; round < 4; round += 1) {
      await controller.idle();
      delays.push(clock.timers[0]);
      clock.advance(clock.timers[0] ?? 0);
    }
    await controller.idle();
    expect(delays).toEqual([1_000, 2_000, 4_000, 4_000]);
  });

  test('a change during the wait is looked at at once, and the wait is off', async () => {
    let passes = 0;
    const { clock, controller } = setUp(async () => {
      passes += 1;
      return passes === 1 ? after(60_000) : done;
    });
    controller.enqueue('a');
    await controller.idle();
    controller.enqueue('a');
    await controller.idle();
    expect(passes).toBe(2);
    expect(clock.timers).toEqual([]);
  });

  test('a pass that takes too long is aborted; one that does not listen keeps its key but not its place', async () => {
    const stuck = deferred<Action>();
    const signals: AbortSignal[] = [];
    const others: string[] = [];
    const { clock, controller, value } = setUp(
      (key, { signal }) => {
        if (key === 'stuck') {
          signals.push(signal);
          return stuck.promise;
        }
        others.push(key);
        return Promise.resolve(done);
      },
      { concurrency: 1, passDeadlineMs: 1_000 },
    );
    controller.enqueue('stuck');
    controller.enqueue('other');
    controller.enqueue('stuck');
    clock.advance(1_000);
    expect(signals[0]?.aborted).toBe(true);
    expect(others).toEqual([]);
    clock.advance(1_000);
    await Promise.resolve();
    expect(others).toEqual(['other']);
    expect(signals).toHaveLength(1);
    expect(await value('controller_runtime_reconcile_timeouts_total')).toBe(1);
    stuck.resolve(done);
    await controller.idle();
    expect(signals).toHaveLength(2);
  });

  test('each pass has an id of its own', async () => {
    const ids = new Set<string>();
    const { controller } = setUp(async (_key, { reconcileID }) => {
      ids.add(reconcileID);
      return done;
    });
    for (const key of ['a', 'b', 'c', 'd']) controller.enqueue(key);
    await controller.idle();
    expect(ids.size).toBe(4);
  });

  test('a stop waits for what runs, takes nothing more, and aborts what is late', async () => {
    const gate = deferred<Action>();
    let aborted = false;
    const { clock, controller } = setUp((_key, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
        gate.resolve(done);
      });
      return gate.promise;
    });
    controller.enqueue('a');
    const stopped = controller.stop(10_000);
    controller.enqueue('b');
    expect(aborted).toBe(false);
    clock.advance(5_000);
    expect(aborted).toBe(true);
    expect(await stopped).toBe(true);
    expect(controller.pending).toEqual({ waiting: 0, delayed: 0, processing: 0 });
    expect(clock.timers).toEqual([]);
  });

  test('a stop ends at its deadline whatever a pass does', async () => {
    const { clock, controller } = setUp(() => new Promise(() => {}));
    controller.enqueue('a');
    const stopped = controller.stop(10_000);
    clock.advance(10_000);
    expect(await stopped).toBe(false);
  });

  test('metrics begin at 0 under the names that dashboards know', async () => {
    const { registry, value } = setUp(async () => done);
    const text = await registry.metrics();
    for (const result of ['success', 'requeue_after', 'error']) {
      expect(await value('controller_runtime_reconcile_total', { result })).toBe(0);
    }
    expect(text).toContain('workqueue_depth{name="things",controller="things"} 0');
    expect(text).toContain('workqueue_unfinished_work_seconds{name="things",controller="things"} 0');
    expect(text).toContain('controller_runtime_max_concurrent_reconciles{controller="things"} 2');
    expect(text).toContain('controller_runtime_reconcile_time_seconds_count{controller="things"} 0');
  });
});
