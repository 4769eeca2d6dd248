import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { createKubeMetrics } from '../../../operator/kube/metrics.ts';

test('the client’s metrics begin at 0, with bounded labels', async () => {
  const registry = new Registry();
  const metrics = createKubeMetrics(registry);
  let age = Number.POSITIVE_INFINITY;
  metrics.informers.observe('StubDomain', () => age);
  metrics.informers.observe('StubDomain', () => 1_000);
  metrics.informers.relisted('StubDomain', 'gone');
  metrics.onRequest('GET', 'StubDomain', 404);
  metrics.onRequest('GET', 'StubDomain', 0);
  metrics.onDrop('rate');
  const text = await registry.metrics();
  for (const line of [
    'informer_relists_total{kind="StubDomain",reason="gone"} 1',
    'informer_relists_total{kind="StubDomain",reason="start"} 0',
    'informer_missed_events_total{kind="StubDomain"} 0',
    'informer_last_contact_seconds{kind="StubDomain"} -1',
    'kube_client_requests_total{method="GET",kind="StubDomain",status="4xx"} 1',
    'kube_client_requests_total{method="GET",kind="StubDomain",status="none"} 1',
    'event_recorder_dropped_total{reason="rate"} 1',
    'event_recorder_dropped_total{reason="queue"} 0',
  ]) {
    expect(text).toContain(line);
  }
  age = 2_500;
  expect(await registry.metrics()).toContain('informer_last_contact_seconds{kind="StubDomain"} 2.5');
});
