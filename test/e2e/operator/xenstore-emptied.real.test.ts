import { expect, test } from '@jest/globals';
import { startOperatorWorld } from '../../support/operator-world.ts';
import { setUpRealXenstored } from '../../support/real-xenstored.ts';
import { realDaemon } from '../../support/world-daemon.ts';

const setup = await setUpRealXenstored();

(setup.available ? test : test.skip).each([
  ['C xenstored 4.20', { flavor: 'c', version: '4.20' }],
  ['oxenstored 4.17', { flavor: 'ocaml', version: '4.17' }],
] as const)('%s comes back empty: it is said, and nothing is invented', async (_, kind) => {
  const world = await startOperatorWorld({ daemon: realDaemon(kind) });
  try {
    const { objects } = world;
    const host = world.host();
    await host.addGuest('forgotten');
    await objects.stubDomain('forgotten');
    const { status } = await objects.ready('StubDomain', 'forgotten');
    const domains = await host.hypervisor.listDomains();
    await host.stopDaemon();
    await host.startDaemonEmpty();
    const condition = await objects.condition('StubDomain', 'forgotten', 'Ready', { reason: 'XenStoreEmpty' });
    expect(condition.message).toContain(`domains ${String(status?.targetDomid)} and ${String(status?.domid)}`);
    await objects.condition('XenHost', 'xen-1', 'Ready', { status: 'False', reason: 'XenStoreEmpty' });
    expect(await host.store.tryList('/tool/stubdom')).toBeUndefined();
    expect(await host.hypervisor.listDomains()).toEqual(domains);
  } finally {
    await world.close();
  }
});
