/** The oldest release of Kubernetes is said in several places, and is the one that can be built for tests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { setUpHelm } from '../../support/helm.ts';
import { oldestKube } from '../../support/real-kube-apiserver.ts';
import { runHelm } from '../../support/rendered-chart.ts';
import { packageRoot } from '../../support/stubdom.ts';

const helm = await setUpHelm();
const read = (...path: string[]): Promise<string> => readFile(join(packageRoot, ...path), 'utf8');

test('the oldest Kubernetes that the chart takes is the one that tests can have', async () => {
  const { kubeVersion } = load(await read('charts', 'stubdom-operator', 'Chart.yaml')) as { kubeVersion: string };
  expect(kubeVersion).toBe(`>=${oldestKube}.0-0`);
  const { scripts } = JSON.parse(await read('package.json')) as { scripts: Record<string, string> };
  expect(scripts['test:kube-oldest']).toContain(`STUBDOM_KUBE_VERSION=${oldestKube} `);
  // Its first patch: what is found repaired in a later one may not be relied on.
  expect(await read('hack', 'real-kube-apiserver', oldestKube, 'go.mod')).toContain(
    `\tk8s.io/kubernetes v${oldestKube}.0\n`,
  );
});

(helm.available ? test : test.skip)('helm refuses an older one', async () => {
  const path = helm.available ? helm.path : '';
  const on = (version: string) => runHelm(path, 'template', {}, ['--kube-version', version]);
  const { code, stderr } = await on('1.30.14');
  expect([code, stderr]).toEqual([1, expect.stringContaining('which is incompatible with Kubernetes v1.30.14')]);
  // As providers name theirs.
  for (const version of [`${oldestKube}.0`, `v${oldestKube}.2-gke.100`]) {
    expect({ version, code: (await on(version)).code }).toEqual({ version, code: 0 });
  }
});
