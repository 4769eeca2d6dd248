import { Registry } from 'prom-client';
import { createAgentMetrics } from '../../operator/agent/agent-metrics.ts';
import { createAgent } from '../../operator/agent/agent.ts';
import { createCentralMetrics } from '../../operator/controllers/central-metrics.ts';
import { createCentral } from '../../operator/controllers/central.ts';
import { connectSimulatedHypervisor } from '../../operator/hypervisor/simulated.ts';
import { createKubeClient } from '../../operator/kube/client.ts';
import { createKubeMetrics } from '../../operator/kube/metrics.ts';
import { createControllerMetrics } from '../../operator/runtime/metrics.ts';
import { silentLogger, systemClock } from '../../operator/runtime/ports.ts';
import { openXenStore } from '../../operator/xenstore/client.ts';
import { plainConfig } from './scripted-api-server.ts';

/** Labels that the scrape adds to every series. */
const targetLabels = ['instance', 'job', 'namespace', 'pod'];

/** The series that our programs serve: values of each label, by name of the sample. A label without values has any. */
export type KnownMetrics = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

type OfController = ReturnType<typeof createControllerMetrics>;

/** Makes both programs, so that they make the metrics of their controllers. Nothing of them runs. */
async function makePrograms(metrics: OfController): Promise<void> {
  const nowhere = '/nonexistent/socket';
  const logger = silentLogger;
  const kube = createKubeClient(plainConfig('http://127.0.0.1:9'));
  const xenstore = openXenStore({ transport: { kind: 'socket', path: nowhere }, reconnect: false });
  const hypervisor = connectSimulatedHypervisor(nowhere);
  const common = { kube, clock: systemClock, random: Math.random, logger, metrics };
  createCentral(common);
  createAgent({ ...common, xenstore, hypervisor, nodeName: 'none', version: 'test' });
  await Promise.allSettled([kube.close(), hypervisor.close()]);
  xenstore.destroy();
}

/** Makes all metrics in a registry, and reads what it serves. */
export async function knownMetrics(): Promise<KnownMetrics> {
  const registry = new Registry();
  createAgentMetrics(registry);
  createCentralMetrics(registry);
  const ofController = createControllerMetrics(registry);
  await makePrograms(ofController);
  const kube = createKubeMetrics(registry);
  kube.informers.observe('StubDomain', () => 0);
  for (const status of [0, 200, 404, 500]) kube.onRequest('GET', 'StubDomain', status);
  const known = new Map<string, Map<string, Set<string>>>();
  for (const metric of await registry.getMetricsAsJSON()) {
    for (const value of metric.values as readonly { labels: Record<string, unknown>; metricName?: string }[]) {
      const name = value.metricName ?? metric.name;
      const labels = known.get(name) ?? new Map<string, Set<string>>();
      known.set(name, labels);
      for (const [label, one] of Object.entries(value.labels)) {
        labels.set(label, (labels.get(label) ?? new Set()).add(String(one)));
      }
    }
  }
  // Kinds and verbs of requests are many; what is above is one example.
  for (const [name, labels] of known)
    if (/^(?:informer|kube_client)_/.test(name))
      for (const label of ['kind', 'method']) if (labels.has(label)) labels.set(label, new Set());
  return known;
}

const operators = new Set(['and', 'or', 'unless', 'bool']);
const groupingPattern = /\b(?:by|without|on|ignoring)\s*\(([^)]*)\)/g;
/** A name that is no function, with its matchers. */
const selectorPattern = /\b([a-zA-Z_][\w:]*)(?![\w:])\s*(?:\{((?:"[^"]*"|[^}"])*)\})?(?!\s*\()/g;
const matcherPattern = /([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;

/** What an expression of PromQL names that no program of ours serves: metrics, labels, values of labels. Empty: nothing. */
export function strangersIn(expression: string, known: KnownMetrics): string[] {
  const withoutRanges = expression.replace(/\[[^\]]*\]/g, '');
  const grouped = [...withoutRanges.matchAll(groupingPattern)].flatMap(([, list = '']) => list.split(/\s*,\s*/));
  const selectors = [...withoutRanges.replace(groupingPattern, '').matchAll(selectorPattern)].filter(
    ([, name = '']) => !operators.has(name),
  );
  const labels = new Set(targetLabels);
  const strangers = selectors.flatMap(([, name = '', matchers = '']) => {
    const series = known.get(name);
    if (series === undefined) return [`metric ${name}`];
    for (const label of series.keys()) labels.add(label);
    return [...matchers.matchAll(matcherPattern)].flatMap(([, label = '', operator = '', value = '']) => {
      const values = series.get(label);
      if (targetLabels.includes(label)) return [];
      if (values === undefined) return [`label ${label} of ${name}`];
      const wanted = operator.includes('~') ? value.split('|') : [value];
      return values.size === 0
        ? []
        : wanted.filter((one) => !values.has(one)).map((one) => `${name}{${label}="${one}"}`);
    });
  });
  const unknown = grouped.map((label) => label.trim()).filter((label) => !labels.has(label));
  return [...strangers, ...unknown.map((label) => `label ${label}`), ...(selectors.length === 0 ? ['no metric'] : [])];
}
