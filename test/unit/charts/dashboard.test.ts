import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { dashboard } from '../../../hack/generate/dashboard.ts';
import { knownMetrics, strangersIn } from '../../support/known-metrics.ts';
import { packageRoot } from '../../support/stubdom.ts';

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

const { panels, templating } = JSON.parse(dashboard()) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string }[] };
};
const targets = panels.flatMap(({ title, targets: list = [] }) => list.map((target) => ({ title, ...target })));

test('the file of the chart is this one', async () => {
  expect(await readFile(join(packageRoot, 'charts/stubdom-operator/files/dashboard.json'), 'utf8')).toBe(dashboard());
});

test('panels name metrics, labels and values that our programs serve', async () => {
  const known = await knownMetrics();
  expect(targets.length).toBeGreaterThan(30);
  expect(targets.flatMap(({ title, expr }) => strangersIn(expr, known).map((one) => `${title}: ${one}`))).toEqual([]);
});

test('legends use labels that the expression keeps', () => {
  const wrong = targets.flatMap(({ title, expr, legendFormat }) => {
    const kept = [...expr.matchAll(/\bby\s*\(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/\s*,\s*/));
    const used = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
    return kept.length === 0 ? [] : used.filter((label) => !kept.includes(label)).map((label) => `${title}: ${label}`);
  });
  expect(wrong).toEqual([]);
});

test('every metric of ours is on a panel', async () => {
  const shown = targets.map(({ expr }) => expr).join('\n');
  const names = [...(await knownMetrics()).keys()].map((name) => name.replace(/_(?:sum|count)$/, '_bucket'));
  const missing = new Set(names.filter((name) => name.startsWith('stubdom_') && !shown.includes(name)));
  expect([...missing]).toEqual([]);
});

test('variables are declared, panels have their own place and number', () => {
  const used = new Set(dashboard().match(/(?<=\$\{?)(?!__)[a-z]+(?=[}"\\])/g));
  expect([...used].sort()).toEqual(templating.list.map(({ name }) => name).sort());
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
  for (const [index, { gridPos: a, title }] of panels.entries()) {
    expect(a.x + a.w).toBeLessThanOrEqual(24);
    const over = panels.slice(index + 1).filter(({ gridPos: b }) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h);
    expect([title, over.map((other) => other.title)]).toEqual([title, []]);
  }
});
