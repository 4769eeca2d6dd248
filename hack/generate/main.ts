/**
 * Generates from crds/*.yaml what the code and the docs take from them: TypeScript types, ajv validators of the specs,
 * and the API reference, and the chart's copy of them; from the scenarios of test/conformance/protocol their table; from the
 * chart's values.yaml their reference; and the Grafana dashboard. `--check` compares instead of writing, and fails where a file is out of date.
 */
import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { load } from 'js-yaml';
import { apiReference } from './api-reference.ts';
import { chartValues } from './chart-values.ts';
import { conditionReference } from './condition-reference.ts';
import { dashboard } from './dashboard.ts';
import { protocolMatrix } from './protocol-matrix.ts';
import { typesModule } from './types-module.ts';
import { validatorsModule } from './validators-module.ts';
import type { Crd } from './crd.ts';

const root = join(import.meta.dirname, '../..');
const kinds = ['stubdomains', 'pciattachments', 'xenhosts'];

async function readCrd(plural: string): Promise<Crd> {
  return load(await readFile(join(root, 'crds', `${plural}.stubdom.io.yaml`), 'utf8')) as Crd;
}

async function outputs(): Promise<Map<string, string>> {
  const crds = await Promise.all(kinds.map(readCrd));
  const files = new Map<string, string>();
  for (const crd of crds) {
    const name = crd.spec.names.kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
    files.set(`operator/api/generated/${name}.ts`, await typesModule(crd));
  }
  files.set('operator/api/generated/validators.ts', validatorsModule(crds));
  files.set('docs/reference/api.md', apiReference(crds));
  files.set('docs/reference/conditions.md', conditionReference());
  files.set('docs/reference/protocol-matrix.md', protocolMatrix());
  const chart = 'charts/stubdom-operator';
  for (const plural of kinds) {
    const file = `${plural}.stubdom.io.yaml`;
    const source = await readFile(join(root, 'crds', file), 'utf8');
    files.set(`${chart}/files/crds/${file}`, `# Generated from crds/ by \`npm run generate\`. Do not edit.\n${source}`);
  }
  files.set(`${chart}/files/dashboard.json`, dashboard());
  files.set('docs/reference/chart-values.md', chartValues(await readFile(join(root, chart, 'values.yaml'), 'utf8')));
  return files;
}

async function run(check: boolean): Promise<number> {
  let stale = 0;
  for (const [file, content] of await outputs()) {
    const path = join(root, file);
    const present = await readFile(path, 'utf8').catch(() => undefined);
    if (present === content) continue;
    if (check) {
      stale += 1;
      process.stderr.write(`${file} is out of date: run npm run generate\n`);
      continue;
    }
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    process.stdout.write(`wrote ${file}\n`);
  }
  return stale === 0 ? 0 : 1;
}

process.exitCode = await run(process.argv.includes('--check'));
