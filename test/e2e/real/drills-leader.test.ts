import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { isWrite } from '../../support/api-calls.ts';
import { type DrillProxy, pass } from '../../support/drill-proxy.ts';
import { DrillWorld } from '../../support/drill-world.ts';
import { eventually } from '../../support/eventually.ts';
import { setUpRealKubeApiserver } from '../../support/real-kube-apiserver.ts';
import { StubdomProcess } from '../../support/stubdom.ts';
import { applyFleet, ask, burst, desiredIsTrue, fleet, fleetIsGone, guests, removeFleet } from './drills-fleet.ts';
import { type Account, accountsTable, openAccount, relists, repeated } from './drills-ledger.ts';

const setup = await setUpRealKubeApiserver();
const minute = 60_000;

/** The write that the leader does not survive: in the middle of what it has to do at once. */
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
  const candidates: Candidate[] = [];

  const start = async (name: string): Promise<Candidate> => {
    const proxy = await world.proxy(name);
    const process = new StubdomProcess(['controller', '--leader-elect', '--kubeconfig', proxy.kubeconfigPath]);
    const candidate = { proxy, process };
    candidates.push(candidate);
    return candidate;
  };
  const end = async (): Promise<void> => {
    await Promise.all(candidates.splice(0).map(({ process }) => process.stop('SIGKILL')));
  };

  beforeAll(async () => {
    await world.start({ guests, controller: false });
  }, 3 * minute);

  afterAll(async () => {
    await end();
    await world.close();
    process.stdout.write(`\n${accountsTable(accounts)}\n`);
  }, minute);

  test(
    'the leader is killed in the middle of its passes: the other one goes on from there, and writes nothing twice',
    async () => {
      const leader = await start('leader');
      await leader.process.output(ready);
      const follower = await start('follower');
      await eventually(() => {
        expect(follower.proxy.calls.length).toBeGreaterThan(0);
      }, minute);
      await applyFleet(world, fleet);
      await desiredIsTrue(world, 'Running');
      await world.quiet();

      const close = openAccount('leader killed in a pass', [...world.programs, leader, follower]);
      const closeControllers = openAccount('of the two controllers', [leader, follower]);
      let seen = 0;
      leader.proxy.judge((call) => {
        if (!isWrite(call)) return pass;
        seen += 1;
        // The API server takes it, and the leader never learns of that.
        return seen === fatalWrite ? { kind: 'swallow', then: () => leader.process.child.kill('SIGKILL') } : pass;
      });
      await Promise.all([applyFleet(world, burst), ask(world, 'Paused'), leader.process.ended]);
      expect(follower.process.stdout).not.toMatch(ready);
      const left = await world.objects.list('PciAttachment');
      // It died in the middle: not all was done.
      expect(left.filter(({ status }) => status?.address === undefined)).not.toEqual([]);

      await follower.process.output(ready);
      await Promise.all([desiredIsTrue(world, 'Running', burst), desiredIsTrue(world, 'Paused')]);
      await world.quiet();
      const [account, controllers] = [close(), closeControllers()];
      accounts.push(account, controllers);
      expect(repeated(controllers)).toEqual([]);
      expect(world.witness.moved).toEqual([]);
      expect(world.witness.lost).toEqual([]);
      // What the next leader begins with, and nothing more.
      expect(relists(controllers)).toBe(4);

      await removeFleet(world, [...fleet, ...burst]);
      await fleetIsGone(world, [...fleet, ...burst]);
    },
    3 * minute,
  );
});
