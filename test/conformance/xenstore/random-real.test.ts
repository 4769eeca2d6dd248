import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { setUpRealXenstored } from '../../support/real-xenstored.ts';
import type { Row } from './case.ts';
import { startDaemon, type Daemon } from './daemons.ts';
import { runCase } from './world.ts';

const { available } = await setUpRealXenstored();

const path = fc.constantFrom('/t', '/t/a', '/t/a/b', '/t/a/b/c', '/t/d', '/t/d/e', '/t/dd', '/t/none/x', '/');
const token = fc.constantFrom('one', 'two');
const transaction = fc.constantFrom('', '', '@1', '@2');
const permission = fc.constantFrom('n0', 'r0', 'b0', 'n{g1}', 'b{g1}', 'r{g2}');
const entry = fc.constantFrom('r{g1}', 'w{g1}', 'b{g2}', 'n{g2}', 'r{g2}');

const request = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(transaction, path, fc.constantFrom('', 'x', 'value')).map(([t, p, v]) => `WRITE${t} ${p} ${v}`),
  },
  { weight: 3, arbitrary: fc.tuple(transaction, path).map(([t, p]) => `MKDIR${t} ${p}`) },
  { weight: 3, arbitrary: fc.tuple(transaction, path).map(([t, p]) => `RM${t} ${p}`) },
  { weight: 3, arbitrary: fc.tuple(transaction, path).map(([t, p]) => `READ${t} ${p}`) },
  { weight: 2, arbitrary: fc.tuple(transaction, path).map(([t, p]) => `DIRECTORY${t} ${p}`) },
  { weight: 1, arbitrary: fc.tuple(transaction, path).map(([t, p]) => `GET_PERMS${t} ${p}`) },
  {
    weight: 3,
    arbitrary: fc.tuple(transaction, path, permission, fc.array(entry, { maxLength: 3 })).map(
      // Never of the root: it would stay for the next run.
      ([t, p, first, more]) => ['SET_PERMS' + t, p === '/' ? '/t' : p, first, ...more].join(' '),
    ),
  },
  { weight: 3, arbitrary: fc.tuple(path, token).map(([p, t]) => `WATCH ${p} ${t}`) },
  { weight: 1, arbitrary: fc.tuple(path, token).map(([p, t]) => `UNWATCH ${p} ${t}`) },
  { weight: 3, arbitrary: fc.constant('TRANSACTION_START') },
  { weight: 3, arbitrary: fc.constantFrom('COMMIT@1', 'COMMIT@2', 'ABORT@1') },
  { weight: 2, arbitrary: fc.constant('EVENTS') },
  { weight: 1, arbitrary: fc.constant('SET_TARGET {g2} {g1}') },
);
const row = fc
  .tuple(fc.constantFrom('dom0', 'dom0', 'dom0-2', 'g1', 'g2'), request)
  .map(([connection, text]): Row => [connection, text, '']);

/**
 * Scripts that nobody thought of: the embedded daemon answers each as C xenstored 4.20 does, events and all. The same scripts each time, unless
 * STUBDOM_RANDOM_SEED and STUBDOM_RANDOM_RUNS say otherwise.
 */
(available ? describe : describe.skip)('random scripts', () => {
  let embedded: Daemon;
  let real: Daemon;

  beforeAll(async () => {
    embedded = await startDaemon('embedded');
    real = await startDaemon('C 4.20');
  });
  afterAll(async () => {
    await embedded.stop();
    await real.stop();
  });

  test('are answered alike by the embedded daemon and C 4.20', async () => {
    const guests: Row[] = [
      ['g1', 'RESET_WATCHES', ''],
      ['g2', 'RESET_WATCHES', ''],
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 10, maxLength: 60, size: 'max' }), async (rows) => {
        const script = { name: 'random', rows: [...guests, ...rows] };
        const lines = async (daemon: Daemon): Promise<string[]> =>
          (await runCase(daemon, script)).map(
            ({ connection, request, seen }) => `${connection}: ${request} => ${seen.join(' ; ')}`,
          );
        expect(await lines(embedded)).toEqual(await lines(real));
      }),
      { numRuns: Number(process.env.STUBDOM_RANDOM_RUNS ?? 60), seed: Number(process.env.STUBDOM_RANDOM_SEED ?? 1) },
    );
  }, 300_000);
});
