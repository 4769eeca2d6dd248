import { Counter, Gauge, type Registry } from 'prom-client';
import type { EventDrop } from './events.ts';
import type { InformerMetrics } from './informer.ts';

/** What the Kubernetes client side counts. */
export interface KubeMetrics {
  /** For `createInformer`. */
  readonly informers: InformerMetrics;
  /** For `createKubeClient`'s `onRequest`. */
  readonly onRequest: (method: string, kind: string, status: number) => void;
  /** For `createEventRecorder`'s `onDrop`. */
  readonly onDrop: (why: EventDrop) => void;
}

const relistReasons = ['start', 'gone', 'malformed', 'failed', 'unsupported'] as const;
const drops: readonly EventDrop[] = ['rate', 'queue', 'failed'];

/** Labels are bounded: kinds are those that the operator uses, a status is one of six classes. */
const classOf = (status: number): string => (status === 0 ? 'none' : `${String(Math.floor(status / 100))}xx`);

/** Once per registry. Series of a kind begin at 0 with its first informer. */
export function createKubeMetrics(registry: Registry): KubeMetrics {
  const registers = [registry];
  const counter = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name, help, labelNames, registers });
  const requests = counter('kube_client_requests_total', 'Requests to the API server, watches apart.', [
    'method',
    'kind',
    'status',
  ]);
  const relists = counter('informer_relists_total', 'How often everything was read, by why.', ['kind', 'reason']);
  const failures = counter('informer_failures_total', 'Lists and watches that failed.', ['kind']);
  const handlers = counter('informer_handler_failures_total', 'Handlers that threw.', ['kind']);
  const missed = counter('informer_missed_events_total', 'Changes that only reading everything again showed.', [
    'kind',
  ]);
  const dropped = counter('event_recorder_dropped_total', 'Events that were not written, by why.', ['reason']);
  for (const reason of drops) dropped.inc({ reason }, 0);

  const ages = new Map<string, (() => number)[]>();
  new Gauge({
    name: 'informer_last_contact_seconds',
    help: 'Since the API server was heard last, of the informer of that kind that waits longest; -1 before the first time.',
    labelNames: ['kind'],
    registers,
    collect() {
      for (const [kind, asks] of ages) {
        const age = Math.max(...asks.map((ask) => ask()));
        this.set({ kind }, Number.isFinite(age) ? age / 1000 : -1);
      }
    },
  });

  return {
    informers: {
      relisted: (kind, reason) => {
        relists.inc({ kind, reason });
      },
      failed: (kind) => {
        failures.inc({ kind });
      },
      handlerFailed: (kind) => {
        handlers.inc({ kind });
      },
      missed: (kind, count) => {
        missed.inc({ kind }, count);
      },
      observe: (kind, lastContactAgeMs) => {
        for (const reason of relistReasons) relists.inc({ kind, reason }, 0);
        for (const series of [failures, handlers, missed]) series.inc({ kind }, 0);
        ages.set(kind, [...(ages.get(kind) ?? []), lastContactAgeMs]);
      },
    },
    onRequest: (method, kind, status) => {
      requests.inc({ method, kind, status: classOf(status) });
    },
    onDrop: (reason) => {
      dropped.inc({ reason });
    },
  };
}
