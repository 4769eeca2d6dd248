import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { type KnownMetrics, knownMetrics, strangersIn } from '../../support/known-metrics.ts';
import { packageRoot } from '../../support/stubdom.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook: string };
}

let known: KnownMetrics;
let rules: readonly Rule[];
beforeAll(async () => {
  known = await knownMetrics();
  const text = await readFile(join(packageRoot, 'charts/stubdom-operator/files/alerts.yaml'), 'utf8');
  const { groups } = load(text) as { groups: readonly { readonly name: string; readonly rules: readonly Rule[] }[] };
  rules = groups.flatMap((group) => group.rules);
});

describe('alerts', () => {
  test('name metrics, labels and values that our programs serve', () => {
    const strangers = rules.flatMap(({ alert, expr }) => strangersIn(expr, known).map((one) => `${alert}: ${one}`));
    expect(strangers).toEqual([]);
  });

  test('words for people use only labels that the alert has', () => {
    const wrong = rules.flatMap(({ alert, expr, annotations }) => {
      const used = `${annotations.summary} ${annotations.description}`.matchAll(/\$labels\.(\w+)/g);
      const grouped = [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].map(([, list = '']) => list.split(/\s*,\s*/));
      const inAll = (label: string): boolean => grouped.every((list) => list.includes(label));
      return [...used].filter(([, label = '']) => !inAll(label)).map(([, label = '']) => `${alert}: ${label}`);
    });
    expect(wrong).toEqual([]);
  });

  test('each has a severity, a summary, a next step and a runbook of its name', () => {
    expect(rules.length).toBeGreaterThan(15);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const { alert, labels, annotations } of rules) {
      expect(alert).toMatch(/^Stubdom[A-Z][A-Za-z]+$/);
      expect(['info', 'warning', 'critical']).toContain(labels.severity);
      expect(annotations.summary).toMatch(/\.$/);
      expect([alert, annotations.description]).toEqual([alert, expect.stringMatching(/ Next: .*\.$/s)]);
      expect(annotations.runbook).toBe(`docs/runbooks/${alert}.md`);
    }
  });

  test('runbooks are those of the alerts, whole, and listed with their severity', async () => {
    const folder = join(packageRoot, 'docs/runbooks');
    const files = (await readdir(folder)).filter((name) => name !== 'README.md').sort();
    expect(files).toEqual(rules.map(({ alert }) => `${alert}.md`).sort());
    const list = await readFile(join(folder, 'README.md'), 'utf8');
    for (const { alert, labels } of rules) {
      const text = await readFile(join(folder, `${alert}.md`), 'utf8');
      expect(text.split('\n').filter((line) => line.startsWith('#') && !line.startsWith('#  '))).toEqual([
        `# ${alert}`,
        '## What it means',
        '## How to look',
        '## What to do',
      ]);
      expect(list).toContain(`| [${alert}](${alert}.md) | ${labels.severity} |`);
    }
  });

  test('runbooks name metrics that exist, and link to files that exist', async () => {
    const folder = join(packageRoot, 'docs/runbooks');
    const wrong: string[] = [];
    for (const file of await readdir(folder)) {
      const text = await readFile(join(folder, file), 'utf8');
      const names = text.match(/\b(?:stubdom|workqueue|controller_runtime|kube_client|informer|event_recorder)_[a-z_]+\b/g);
      wrong.push(...(names ?? []).filter((name) => !known.has(name)).map((name) => `${file}: ${name}`));
      for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
        await readFile(join(folder, target)).catch(() => wrong.push(`${file}: link to ${target}`));
      }
    }
    expect(wrong).toEqual([]);
  });

  test('docs/metrics.md lists every metric, and no other', async () => {
    const text = await readFile(join(packageRoot, 'docs/metrics.md'), 'utf8');
    const listed = [...text.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, name = '']) => name);
    const served = new Set([...known.keys()].map((name) => name.replace(/(?<=_seconds)_(?:bucket|sum|count)$/, '')));
    expect([...listed].sort()).toEqual([...served].sort());
  });
});

describe('the check of expressions', () => {
  test.each([
    ['rate(stubdom_command_outcomes[5m])', ['metric stubdom_command_outcomes']],
    ['stubdom_objects{ready="Maybe"}', ['stubdom_objects{ready="Maybe"}']],
    ['stubdom_objects{phase="x"}', ['label phase of stubdom_objects']],
    ['sum by (host, ready) (stubdom_objects)', ['label host']],
    ['workqueue_depth{controller=~"stub-domain|nobody"} > 3', ['workqueue_depth{controller="nobody"}']],
    ['1 > 0', ['no metric']],
    ['sum by (le, instance) (rate(stubdom_command_seconds_bucket{pod=~".*"}[5m])) or stubdom_hosts', []],
  ])('%s', (expression, expected) => {
    expect(strangersIn(expression, known)).toEqual(expected);
  });
});
