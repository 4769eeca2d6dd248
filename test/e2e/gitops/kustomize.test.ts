import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { load, loadAll } from 'js-yaml';
import { parseManifests } from '../../../operator/embedded/world/manifests.ts';
import { findKubectl, kubectlFor } from '../../support/kubectl.ts';
import { packageRoot } from '../../support/stubdom.ts';

const folder = join(packageRoot, 'crds');

test('the kustomize base has all definitions and nothing else', async () => {
  const { resources } = load(await readFile(join(folder, 'Kustomization'), 'utf8')) as { resources: string[] };
  expect(resources).toEqual((await readdir(folder)).filter((name) => name.endsWith('.yaml')).sort());
});

test('kubectl kustomize gives the definitions as they are', async () => {
  const kubectl = await findKubectl();
  if (kubectl === undefined) {
    process.stderr.write('SKIPPED: part of kustomize.test.ts needs kubectl 1.32 or later\n');
    return;
  }
  const home = await mkdtemp(join(tmpdir(), 'kustomize-'));
  const stdout = await kubectlFor(kubectl, '/dev/null', home).ok(['kustomize', folder]);
  await rm(home, { recursive: true, force: true });
  const made = loadAll(stdout) as { metadata: { name: string } }[];
  const names = ['pciattachments.stubdom.io', 'stubdomains.stubdom.io', 'xenhosts.stubdom.io'];
  expect(made.map(({ metadata }) => metadata.name).sort()).toEqual(names);
  for (const name of names) {
    const [source] = parseManifests(await readFile(join(folder, `${name}.yaml`), 'utf8'), name);
    expect(made.find(({ metadata }) => metadata.name === name)).toEqual(source);
  }
});
