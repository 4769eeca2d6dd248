import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { isWrite } from '../../support/api-calls.ts';
import { type DrillProxy, pass, type Verdict } from '../../support/drill-proxy.ts';
import { DrillWorld } from '../../support/drill-world.ts';
import { eventually } from '../../support/eventually.ts';
import { setUpRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { StubdomProcess } from '../../support/stubdom.ts';
import { applyFleet, ask, burst, desiredIsTrue, fleet, fleetIsGone, guests, removeFleet } from './drills-fleet.ts';
import { type Account, accountsTable, openAccount, relists, repeated } from './drills-ledger.ts';

const setup = await setUpRealKubeApiserver();
const minute = 60_000;
const everything = [...fleet, ...burst];

/** The write in whose middle it happens to the leader: by far not the last that it has to do at once. */
const fatalWrite = 6;
const ready = /^controller ready /m;

/** One of two controllers, as they are shipped. */
interface Candidate {
  readonly proxy: DrillProxy;
  readonly process: StubdomProcess;
}

(setup.available ? describe : describe.skip)('two controllers before a real kube-apiserver', () => {
  const world = new DrillWorld();
  const accounts: Account[] = [];
  let candidates: Candidate[] = [];

  const start = async (name: string): Promise<Candidate> => {
    const proxy = await world.proxy(name);
    const process = new StubdomProcess(['controller', '--leader-elect', '--kubeconfig', proxy.kubeconfigPath]);
    const candidate = { proxy, process };
    candidates.push(candidate);
    return candidate;
  };
  const end = async (): Promise<void> => {
    await Promise.all(candidates.map(({ process }) => process.stop('SIGKILL')));
    candidates = [];
  };

  /** Gives the controllers much to do at once, and the leader what `fate` says at one of its writes. */
  const inTheMiddle = async (fate: () => Verdict): Promise<void> => {
    let seen = 0;
    const struck = new Promise<void>((resolve) => {
      leader.proxy.judge((call) => {
        if (!isWrite(call)) return pass;
        seen += 1;
        if (seen !== fatalWrite) return pass;
        resolve();
        return fate();
      });
    });
    await Promise.all([applyFleet(world, burst), ask(world, 'Paused'), unlessItEnds(leader, struck)]);
  };
  /** Rejects when the controller ends first: on a machine that is busy for ten seconds it does not renew its Lease. */
  const unlessItEnds = async <T>({ process }: Candidate, wanted: Promise<T>): Promise<T> => {
    const ended = process.ended.then(({ code, signal, stderr }) => {
      throw new Error(`the controller ended (${String(code ?? signal)}) instead:\n${stderr}`);
    });
    return Promise.race([wanted, ended]);
  };
  const unclaimed = async (): Promise<number> =>
    (await world.objects.list('PciAttachment')).filter(({ status }) => status?.address === undefined).length;

  beforeAll(async () => {
    await world.start({ guests, controller: false });
  }, 3 * minute);

  let leader: Candidate;
  let follower: Candidate;
  beforeEach(async () => {
    leader = await start('leader');
    await leader.process.output(ready);
    follower = await start('follower');
    await eventually(() => {
      expect(follower.proxy.calls.length).toBeGreaterThan(0);
    }, minute);
    await applyFleet(world, fleet);
    await desiredIsTrue(world, 'Running');
    await world.quiet();
    world.witness.forget();
  }, 2 * minute);

  afterEach(async () => {
    await end();
    // The next leader need not wait for the Lease of one that was killed.
    await world.forgetLeader();
    const sweeper = await start('sweeper');
    await sweeper.process.output(ready);
    await removeFleet(world, everything);
    await fleetIsGone(world, everything);
    await end();
    await world.forgetLeader();
  }, 2 * minute);

  afterAll(async () => {
    await end();
    await world.close();
    process.stdout.write(`\n${accountsTable(accounts)}\n`);
  }, minute);

  test(
    'the leader is killed in the middle of its passes: the other one goes on from there, and writes nothing twice',
    async () => {
      const close = openAccount('leader killed in a pass', [...world.programs, leader, follower]);
      const closeControllers = openAccount('of the two controllers', [leader, follower]);
      // The API server takes the write, and the leader never learns of that.
      await inTheMiddle(() => ({ kind: 'swallow', then: () => leader.process.child.kill('SIGKILL') }));
      await leader.process.ended;
      expect(follower.process.stdout).not.toMatch(ready);
      expect(await unclaimed()).toBeGreaterThan(0);

      await follower.process.output(ready);
      await Promise.all([desiredIsTrue(world, 'Running', burst), desiredIsTrue(world, 'Paused')]);
      await world.quiet();
      const controllers = closeControllers();
      accounts.push(close(), controllers);
      expect(repeated(controllers)).toEqual([]);
      expect(world.witness.moved).toEqual([]);
      expect(world.witness.lost).toEqual([]);
      // What the next leader begins with, and nothing more.
      expect(relists(controllers)).toBe(4);
    },
    3 * minute,
  );

  test(
    'the leader stands still for longer than its Lease: when it goes on another leads, and it ends without a further write',
    async () => {
      const close = openAccount('leader stopped in a pass', [...world.programs, leader, follower]);
      const closeControllers = openAccount('of the two controllers', [leader, follower]);
      await inTheMiddle(() => {
        leader.process.child.kill('SIGSTOP');
        return pass;
      });
      expect(await unclaimed()).toBeGreaterThan(0);
      await follower.process.output(ready);
      await Promise.all([desiredIsTrue(world, 'Running', burst), desiredIsTrue(world, 'Paused')]);
      await world.quiet();

      const before = leader.proxy.calls.length;
      leader.process.child.kill('SIGCONT');
      await eventually(() => {
        expect(leader.process.child.exitCode).toBe(1);
      }, minute);
      const { stderr } = await leader.process.ended;
      expect(stderr).toContain("the leader's Lease could not be renewed in time, or another took it");
      expect(leader.proxy.calls.slice(before).filter(isWrite)).toEqual([]);
      await desiredIsTrue(world, 'Running', burst);
      await world.quiet();
      const controllers = closeControllers();
      accounts.push(close(), controllers);
      expect(repeated(controllers)).toEqual([]);
      expect(world.witness.moved).toEqual([]);
      expect(world.witness.lost).toEqual([]);
    },
    3 * minute,
  );
});
