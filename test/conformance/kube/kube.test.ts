/** Conformance of the embedded API server: the same cases run against it and against a real kube-apiserver. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { runsOldestKube, setUpRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { cases } from './cases/all.ts';
import { knownDifferences } from './known-differences.ts';
import { runCase } from './run-case.ts';
import { type RunningServer, type ServerName, startServer } from './servers.ts';

const START_MS = 180_000;
const real = await setUpRealKubeApiserver();
const realServer: ServerName = runsOldestKube() ? 'real 1.31' : 'real';
const servers: readonly ServerName[] = real.available ? ['embedded', realServer] : ['embedded'];

test('every case has a name of its own', () => {
  expect(new Set(cases.map((one) => one.name)).size).toBe(cases.length);
});

test('every known difference names a case', () => {
  const names = cases.map((one) => one.name);
  for (const difference of knownDifferences) expect(names).toContain(difference.case);
});

describe.each(servers)('%s API server', (name) => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await startServer(name);
  }, START_MS);
  afterAll(async () => {
    await server.stop();
  }, START_MS);

  for (const one of cases) {
    const difference = knownDifferences.find((known) => known.server === name && known.case === one.name);
    const run = async (): Promise<void> => {
      await runCase(server.api, one, `t-${randomBytes(6).toString('hex')}`);
    };
    if (difference === undefined) test(one.name, run);
    else {
      test(`${one.name} (differs: ${difference.why})`, async () => {
        // A difference that is gone must be taken out of the table.
        await expect(run()).rejects.toThrow(difference.shows);
      });
    }
  }
});
