import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DrillWorld } from '../../support/drill-world.ts';
import { setUpRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { applyFleet, ask, desiredIsTrue, fleet, guests } from './drills-fleet.ts';
import { type Account, accountsTable, failures, openAccount, relists } from './drills-ledger.ts';

const setup = await setUpRealKubeApiserver();
const minute = 60_000;

/** What one change of the run state may cost an object in writes, where nothing fails. */
const writesOfRound = 8;

(setup.available ? describe : describe.skip)('failure drills on a real kube-apiserver', () => {
  const world = new DrillWorld();
  const accounts: Account[] = [];
  /** Stub domains and attachments. */
  const count = 2 * fleet.length;

  /** Runs one drill, and waits until the programs rest. */
  const drill = async (name: string, act: () => Promise<void>): Promise<Account> => {
    const close = openAccount(name, world.programs);
    await act();
    await world.quiet();
    const account = close();
    accounts.push(account);
    return account;
  };
  const round = async (runState: 'Running' | 'Paused'): Promise<void> => {
    await ask(world, runState);
    await desiredIsTrue(world, runState);
  };

  beforeAll(async () => {
    await world.start(guests);
    await applyFleet(world, fleet);
    await desiredIsTrue(world, 'Running');
    await world.quiet();
  }, 3 * minute);

  afterAll(async () => {
    await world.close();
    process.stdout.write(`\n${accountsTable(accounts)}\n`);
  }, minute);

  test(
    'nothing fails: what the others are compared with',
    async () => {
      const account = await drill('nothing fails: pause and resume', async () => {
        await round('Paused');
        await round('Running');
      });
      expect(failures(account)).toBe(0);
      expect(relists(account)).toBe(0);
      expect(account.most.writes).toBeLessThanOrEqual(2 * writesOfRound);
    },
    minute,
  );

  test(
    'the API server is killed, and started again on its data',
    async () => {
      const account = await drill('API server killed', async () => {
        await ask(world, 'Paused');
        await world.killServer();
        await world.startServer();
        await desiredIsTrue(world, 'Paused');
        await round('Running');
      });
      expect(failures(account)).toBeGreaterThan(0);
      // One that was under way is tried again, less and less often: no more than this while the server is away.
      expect(failures(account)).toBeLessThanOrEqual(20 * count);
      expect(account.most.writes).toBeLessThanOrEqual(2 * writesOfRound + 20);
      expect(relists(account)).toBeLessThanOrEqual(20 * world.programs.length);
    },
    2 * minute,
  );
});
