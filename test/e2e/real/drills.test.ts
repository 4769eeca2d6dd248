import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type DrillHost, DrillWorld } from '../../support/drill-world.ts';
import { eventually } from '../../support/eventually.ts';
import { setUpRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { expiredEvent, expiredWatches, oneInHundred } from './drills-faults.ts';
import {
  applyFleet,
  ask,
  burst,
  desiredIsTrue,
  fleet,
  fleetIsGone,
  guests,
  readiness,
  removeFleet,
  statesOnHosts,
} from './drills-fleet.ts';
import {
  type Account,
  accountsTable,
  failures,
  openAccount,
  refused,
  relists,
  watches,
  writes,
} from './drills-ledger.ts';

const setup = await setUpRealKubeApiserver();
const minute = 60_000;
const hour = 3_600_000;

/** An agent's Lease lasts for 40 s. */
const leaseMs = 40_000;
/** A watch that is silent for 150 s is dead. */
const idleMs = 151_000;
/** All informers: the controller's four, and three of each agent. */
const informers = 4 + 3 + 3;

(setup.available ? describe : describe.skip)('failure drills on a real kube-apiserver', () => {
  const world = new DrillWorld();
  const accounts: Account[] = [];
  /** What the same costs where nothing fails. */
  const costs: { round?: Account; turnover?: Account } = {};

  /** Runs one drill, and waits until the programs rest. */
  const drill = async (name: string, act: () => Promise<void>): Promise<Account> => {
    world.witness.forget();
    const close = openAccount(name, world.programs);
    await act();
    await world.quiet();
    const account = close();
    accounts.push(account);
    return account;
  };
  /** All are paused and resumed. */
  const reach = async (runState: 'Running' | 'Paused'): Promise<void> => {
    await ask(world, runState);
    await desiredIsTrue(world, runState);
  };
  const round = async (): Promise<void> => {
    await reach('Paused');
    await reach('Running');
  };
  /** Others are made and taken away, while all are paused and resumed. */
  const turnover = async (): Promise<void> => {
    await Promise.all([applyFleet(world, burst), ask(world, 'Paused')]);
    await Promise.all([desiredIsTrue(world, 'Running', burst), desiredIsTrue(world, 'Paused')]);
    await Promise.all([removeFleet(world, burst), ask(world, 'Running')]);
    await Promise.all([fleetIsGone(world, burst), desiredIsTrue(world, 'Running')]);
  };
  const cost = (what: 'round' | 'turnover'): Account => {
    const account = costs[what];
    if (account === undefined) throw new Error('nothing to compare with');
    return account;
  };
  const xen = (index: 1 | 2): DrillHost => {
    const host = world.hosts[index - 1];
    if (host === undefined) throw new Error('no such host');
    return host;
  };

  beforeAll(async () => {
    await world.start({ guests });
    await applyFleet(world, fleet);
    await desiredIsTrue(world, 'Running');
    await world.recover();
    costs.round = await drill('nothing fails: pause, resume', round);
    costs.turnover = await drill('nothing fails: and others come and go', turnover);
  }, 3 * minute);

  afterEach(async () => {
    await world.recover();
    await removeFleet(world, burst).catch(() => undefined);
    await Promise.all([fleetIsGone(world, burst), reach('Running')]);
    await world.quiet();
    expect(world.witness.moved).toEqual([]);
  }, 2 * minute);

  afterAll(async () => {
    await world.close();
    process.stdout.write(`\n${accountsTable(accounts)}\n`);
  }, minute);

  test('nothing fails: what the others are compared with', () => {
    for (const account of [cost('round'), cost('turnover')]) {
      expect(refused(account)).toEqual([]);
      expect(relists(account)).toBe(0);
    }
    expect(cost('round').most.writes).toBeLessThanOrEqual(16);
  });

  test(
    'the API server is killed, and started again on its data',
    async () => {
      const account = await drill('API server killed', async () => {
        await ask(world, 'Paused');
        await world.killServer();
        await world.startServer();
        await world.listening();
        await desiredIsTrue(world, 'Paused');
        await reach('Running');
      });
      expect(failures(account)).toBeGreaterThan(0);
      // One that was under way is tried again, less and less often: no more than this while the server is away.
      expect(failures(account)).toBeLessThanOrEqual(20 * 2 * fleet.length);
      expect(account.most.writes).toBeLessThanOrEqual(cost('round').most.writes + 20);
      expect(relists(account)).toBeLessThanOrEqual(20 * world.programs.length);
      expect(world.witness.lost).toEqual([]);
    },
    2 * minute,
  );

  test(
    'watches are cut silently',
    async () => {
      const account = await drill('watches half-open', async () => {
        const frozen = world.programs.map(({ proxy }) => proxy.freezeWatches());
        expect(frozen).toEqual(world.programs.map((program) => program.watches));
        await ask(world, 'Paused');
        // The Leases that the controller knows are old: it asks before it calls a host lost.
        await world.beat();
        world.controller.clock.skip(leaseMs);
        await world.quiet();
        expect(await statesOnHosts(world, fleet)).toEqual(fleet.map(() => 'running'));
        for (const { wire } of world.programs) wire.skip(idleMs);
        await world.listening();
        await desiredIsTrue(world, 'Paused');
        await reach('Running');
      });
      // Each goes on from where it was: nothing is read again.
      expect(relists(account)).toBe(0);
      expect(watches(account)).toBeLessThanOrEqual(2 * informers);
      expect(writes(account)).toBeLessThanOrEqual(2 * writes(cost('round')));
      expect(world.witness.lost).toEqual([]);
    },
    2 * minute,
  );

  test(
    'watches are told 410 again and again',
    async () => {
      const times = 4;
      const account = await drill('410 storm', async () => {
        const storms = world.programs.map(({ proxy, watches: collections }) => {
          const storm = expiredWatches(times, collections);
          proxy.judge(storm.judge);
          return { proxy, storm };
        });
        await ask(world, 'Paused');
        for (const { proxy } of storms) proxy.endWatches(expiredEvent);
        await eventually(() => {
          expect(storms.map(({ storm }) => storm.isOver)).toEqual(storms.map(() => true));
        }, minute);
        await world.listening();
        await desiredIsTrue(world, 'Paused');
        await reach('Running');
      });
      expect(refused(account)).toHaveLength(informers * (times / 2));
      // One look at everything for each time that was told to: no more.
      expect(relists(account)).toBeLessThanOrEqual(informers * (times + 1));
      expect(writes(account)).toBeLessThanOrEqual(2 * writes(cost('round')));
      expect(world.witness.lost).toEqual([]);
    },
    2 * minute,
  );

  test(
    'one request in a hundred is answered 429, 500, or not at all',
    async () => {
      const faults = oneInHundred(20_261_122, 8);
      let turns = 0;
      const account = await drill('1 in 100: 429, 500, time-out', async () => {
        for (const { proxy } of world.programs) proxy.judge(faults.judge);
        while (!faults.isOver && turns < 10) {
          await turnover();
          turns += 1;
        }
      });
      expect(faults.isOver).toBe(true);
      // One can strike a beat.
      expect(failures(account) + account.failedBeats).toBeGreaterThanOrEqual(faults.given);
      // A request that failed is sent again, and makes at most a pass of its object be done again.
      const expected = turns * cost('turnover').calls.length;
      expect(account.calls.length).toBeLessThanOrEqual(1.5 * expected + 10 * faults.given);
      expect(relists(account)).toBe(0);
      expect(world.witness.lost).toEqual([]);
    },
    4 * minute,
  );

  test(
    'an agent is away for longer than the grace',
    async () => {
      const away = (guests.get('xen-1') ?? []).filter((name) => fleet.includes(name));
      const others = fleet.filter((name) => !away.includes(name));
      const said = (names: readonly string[], words: string): Record<string, string> =>
        Object.fromEntries(names.flatMap((name) => [name, `${name}-nic`]).map((name) => [name, words]));
      const account = await drill('agent partitioned', async () => {
        xen(1).proxy.partition();
        await eventually(async () => {
          await world.beat([xen(2)]);
          world.controller.clock.skip(leaseMs / 2);
          expect(await readiness(world)).toMatchObject({
            ...said(away, 'Unknown HostUnreachable'),
            'xen-1': 'Unknown HostUnreachable',
            'xen-2': 'True AsDesired',
          });
        }, minute);
        // On the other host all goes on; on this one it is done when the agent is back.
        await ask(world, 'Paused');
        await desiredIsTrue(world, 'Paused', others);
        expect(await statesOnHosts(world, away)).toEqual(away.map(() => 'running'));
        xen(1).proxy.heal();
        await world.listening();
        await desiredIsTrue(world, 'Paused');
        expect(await readiness(world)).toMatchObject(said(fleet, 'True AsDesired'));
        await reach('Running');
      });
      expect(world.witness.lost).toEqual(Object.keys(said(away, '')).sort());
      // To Unknown and back is a write each.
      expect(writes(account)).toBeLessThanOrEqual(2 * writes(cost('round')) + 3 * 2 * away.length);
      expect(account.most.writes).toBeLessThanOrEqual(cost('round').most.writes + 6);
    },
    2 * minute,
  );

  test(
    'clocks jump an hour forward and back',
    async () => {
      let turns = 0;
      const account = await drill('clocks jump', async () => {
        for (const ms of [hour, -hour, 0]) {
          for (const { clock, wire } of [world.controller, xen(1)]) {
            clock.setAhead(ms);
            wire.setAhead(ms);
          }
          await world.beat();
          await turnover();
          turns += 1;
        }
      });
      expect(refused(account)).toEqual([]);
      expect(relists(account)).toBe(0);
      expect(writes(account)).toBeLessThanOrEqual(2 * turns * writes(cost('turnover')));
      expect(world.witness.lost).toEqual([]);
    },
    2 * minute,
  );
});
