import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';

let world: OperatorWorld;

beforeAll(async () => {
  world = await startOperatorWorld({ hosts: 2 });
});
afterAll(() => world.close());

/** The series of the controller that are not 0. */
async function shown(): Promise<string[]> {
  const text = await world.metrics.metrics();
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.endsWith(' 0'));
}

test('the controller counts hosts, objects and removals of the whole cluster', async () => {
  const { objects } = world;
  await world.host('xen-1').addGuest('web');
  await world.host('xen-2').addGuest('db');
  await world.host('xen-2').admin.addQuirk('no-eject@db');
  await objects.stubDomain('web');
  await objects.stubDomain('db');
  await objects.attachment('db-nic', 'db', '0000:03:00.0');
  await objects.ready('StubDomain', 'web');
  await objects.ready('PciAttachment', 'db-nic');
  await eventually(async () => {
    expect(await shown()).toEqual([
      'leader_election_master_status{name="stubdom-controller"} 1',
      'stubdom_hosts{liveness="fresh"} 2',
      'stubdom_cluster_objects{kind="StubDomain",ready="True"} 2',
      'stubdom_cluster_objects{kind="PciAttachment",ready="True"} 1',
      'stubdom_cluster_objects{kind="XenHost",ready="True"} 2',
    ]);
  });

  await objects.remove('PciAttachment', 'db-nic');
  await objects.condition('PciAttachment', 'db-nic', 'Removing', { reason: 'WaitingForGuest' });
  await world.host('xen-2').stopAgent();
  world.clock.skip(600_000);
  world.host('xen-1').clock.skip(15_000);
  await eventually(async () => {
    const now = await shown();
    expect(now).toEqual(
      expect.arrayContaining([
        'stubdom_hosts{liveness="expired"} 1',
        'stubdom_hosts{liveness="fresh"} 1',
        'stubdom_cluster_objects{kind="StubDomain",ready="Unknown"} 1',
        'stubdom_cluster_objects{kind="PciAttachment",ready="Unknown"} 1',
        'stubdom_cluster_objects{kind="XenHost",ready="Unknown"} 1',
      ]),
    );
    const oldest = now.find((line) => line.startsWith('stubdom_oldest_removal_seconds'));
    expect(Number(oldest?.split(' ')[1])).toBeGreaterThan(590);
  });
});
