import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ControllerMetrics, PassResult } from './controller.ts';

const results: readonly PassResult[] = ['success', 'requeue_after', 'requeue', 'error', 'retry', 'terminal'];
const passBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const queueBuckets = [0.0001, 0.001, 0.01, 0.1, 1, 10, 100, 1000];

/** Makes the metrics of one controller after another, in one registry. */
export type ControllerMetricsFactory = (controller: string, concurrency: number) => ControllerMetrics;

/**
 * controller_runtime_* and workqueue_*, the names for which dashboards exist, with their labels: `controller` and `name`
 * are our own controllers' names, `result` is a fixed list. Every series begins at 0, so that rate() is right at once.
 */
export function createControllerMetrics(registry: Registry): ControllerMetricsFactory {
  const registers = [registry];
  const counter = (name: string, help: string, labels: string[]) =>
    new Counter({ name, help, labelNames: labels, registers });
  const gauge = (name: string, help: string, labels: string[]) =>
    new Gauge({ name, help, labelNames: labels, registers });

  const total = counter('controller_runtime_reconcile_total', 'Passes by how they ended.', ['controller', 'result']);
  const errors = counter('controller_runtime_reconcile_errors_total', 'Passes that threw.', ['controller']);
  const terminal = counter(
    'controller_runtime_terminal_reconcile_errors_total',
    'Passes that ended in what only a user can change.',
    ['controller'],
  );
  const panics = counter('controller_runtime_reconcile_panics_total', 'Passes that ended in a bug.', ['controller']);
  const timeouts = counter('controller_runtime_reconcile_timeouts_total', 'Passes over their deadline.', [
    'controller',
  ]);
  const seconds = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Length of a pass.',
    labelNames: ['controller'],
    buckets: passBuckets,
    registers,
  });
  const maximum = gauge('controller_runtime_max_concurrent_reconciles', 'Passes at once, at most.', ['controller']);
  const active = gauge('controller_runtime_active_workers', 'Passes under way.', ['controller']);

  const depth = gauge('workqueue_depth', 'Keys that wait.', ['name', 'controller']);
  const adds = counter('workqueue_adds_total', 'Keys that were added.', ['name', 'controller']);
  const retries = counter('workqueue_retries_total', 'Keys that were added again after a failure.', [
    'name',
    'controller',
  ]);
  const queueSeconds = (name: string, help: string) =>
    new Histogram({ name, help, labelNames: ['name', 'controller'], buckets: queueBuckets, registers });
  const waitSeconds = queueSeconds('workqueue_queue_duration_seconds', 'How long a key waited.');
  const workSeconds = queueSeconds('workqueue_work_duration_seconds', 'How long a key was worked on.');

  type Unfinished = () => { readonly longestSeconds: number; readonly sumSeconds: number };
  const observers = new Map<string, Unfinished>();
  const observed = (name: string, help: string, read: (unfinished: ReturnType<Unfinished>) => number) =>
    new Gauge({
      name,
      help,
      labelNames: ['name', 'controller'],
      registers,
      collect() {
        for (const [controller, observe] of observers) {
          this.set({ name: controller, controller }, read(observe()));
        }
      },
    });
  observed('workqueue_unfinished_work_seconds', 'Sum of the ages of work under way.', (now) => now.sumSeconds);
  observed(
    'workqueue_longest_running_processor_seconds',
    'Age of the oldest work under way.',
    (now) => now.longestSeconds,
  );

  return (controller, concurrency) => {
    const one = { controller };
    const queue = { name: controller, controller };
    for (const result of results) total.inc({ controller, result }, 0);
    for (const series of [errors, terminal, panics, timeouts]) series.inc(one, 0);
    for (const series of [adds, retries]) series.inc(queue, 0);
    maximum.set(one, concurrency);
    active.set(one, 0);
    depth.set(queue, 0);
    seconds.zero(one);
    waitSeconds.zero(queue);
    workSeconds.zero(queue);
    return {
      queue: {
        depth: (count) => {
          depth.set(queue, count);
        },
        added: () => {
          adds.inc(queue);
        },
        retried: () => {
          retries.inc(queue);
        },
        waited: (value) => {
          waitSeconds.observe(queue, value);
        },
        worked: (value) => {
          workSeconds.observe(queue, value);
        },
      },
      passed: (result, value) => {
        total.inc({ controller, result });
        if (result === 'error') errors.inc(one);
        if (result === 'terminal') terminal.inc(one);
        seconds.observe(one, value);
      },
      panicked: () => {
        panics.inc(one);
      },
      timedOut: () => {
        timeouts.inc(one);
      },
      activeWorkers: (count) => {
        active.set(one, count);
      },
      observe: (unfinished) => {
        observers.set(controller, unfinished);
      },
    };
  };
}
