import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { debianTool, type Tool } from '../../support/debian-tool.ts';
import { packageRoot } from '../../support/stubdom.ts';

const rules = join(packageRoot, 'charts/stubdom-operator/files/alerts.yaml');
const cases = join(import.meta.dirname, 'alerts.promtool.yaml');

let promtool: Tool | undefined;
let folder: string;
beforeAll(async () => {
  promtool = await debianTool('promtool');
  folder = await mkdtemp(join(tmpdir(), 'alerts-'));
  await copyFile(rules, join(folder, 'alerts.yaml'));
  await copyFile(cases, join(folder, 'cases.yaml'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('Prometheus accepts the rules', async () => {
  if (promtool === undefined) return;
  const { code, stdout, stderr } = await promtool('check', 'rules', '--lint-fatal', rules);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/SUCCESS: \d+ rules found/);
});

test('alerts fire when they shall, and not before', async () => {
  if (promtool === undefined) return;
  const { code, stdout, stderr } = await promtool('test', 'rules', join(folder, 'cases.yaml'));
  expect({ code, said: `${stdout}${stderr}` }).toEqual({ code: 0, said: expect.stringContaining('SUCCESS') });
});

test('every alert fires in one of the cases', async () => {
  const text = await readFile(cases, 'utf8');
  const alerts = [...(await readFile(rules, 'utf8')).matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name);
  const fires = (name: string): boolean =>
    text.includes(`alertname="${name}"`) || new RegExp(`alertname: ${name}\\n +exp_alerts:\\n`).test(text);
  expect(alerts.filter((name) => !fires(name))).toEqual([]);
});

test('a rule that is wrong fails the cases', async () => {
  if (promtool === undefined) return;
  const wrong = (await readFile(rules, 'utf8')).replace('expired|missing"}) > 0', 'expired|missing"}) > 2');
  const apart = join(folder, 'wrong');
  await mkdir(apart);
  await writeFile(join(apart, 'alerts.yaml'), wrong);
  await copyFile(cases, join(apart, 'cases.yaml'));
  const { code, stdout, stderr } = await promtool('test', 'rules', join(apart, 'cases.yaml'));
  expect(code).not.toBe(0);
  expect(`${stdout}${stderr}`).toContain('StubdomHostAway');
});
