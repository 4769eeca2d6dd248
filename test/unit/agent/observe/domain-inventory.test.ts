import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { DomainInventory } from '../../../../operator/agent/observe/domain-inventory.ts';
import type { Domain, Hypervisor } from '../../../../operator/hypervisor/hypervisor.ts';
import { silentLogger } from '../../../../operator/runtime/ports.ts';
import { startXenstored } from '../../../../operator/embedded/xenstored/server.ts';
import { openXenStore } from '../../../../operator/xenstore/client.ts';
import { theTarget } from '../../../support/builders.ts';

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'di-'));
});
afterAll(() => rm(home, { recursive: true, force: true }));

test('a list that cannot be read is said once, and keeps what is known', async () => {
  const guest: Domain = { ...theTarget, name: 'web', type: 'HVM', memoryMiB: 64, paused: false };
  let works = true;
  const listDomains = async (): Promise<Domain[]> =>
    works ? [guest] : Promise.reject(new Error('the hypervisor is away'));
  const inventory = new DomainInventory({ listDomains } as Hypervisor, silentLogger);
  const said: string[][] = [];
  inventory.onChange((uuids) => said.push([...uuids]));
  await inventory.refresh();
  works = false;
  await inventory.refresh();
  await inventory.refresh();
  expect(said).toEqual([[theTarget.uuid], []]);
  expect(inventory.error).toBeDefined();
  expect(inventory.byUuid(theTarget.uuid)).toEqual(guest);
  works = true;
  await inventory.refresh();
  expect(inventory.error).toBeUndefined();
});

test('domains that XenStore has no node of are told apart, and news of them are changes', async () => {
  const guest: Domain = { ...theTarget, name: 'web', type: 'HVM', memoryMiB: 64, paused: false };
  const daemon = await startXenstored({ socketPath: join(home, 's'), guestDir: join(home, 'g') });
  const store = openXenStore({ transport: { kind: 'socket', path: daemon.socketPath } });
  await store.connected();
  const inventory = new DomainInventory({ listDomains: async () => [guest] } as unknown as Hypervisor, silentLogger);
  const said: string[][] = [];
  inventory.onChange((uuids) => said.push([...uuids]));
  try {
    await inventory.start(store);
    expect(inventory.unknownToXenStore).toEqual([guest]);
    await store.write(`/local/domain/${String(guest.domid)}/name`, 'web');
    said.length = 0;
    await inventory.refresh();
    await inventory.refresh();
    expect(inventory.unknownToXenStore).toEqual([]);
    expect(said).toEqual([[guest.uuid]]);
  } finally {
    await inventory.stop();
    await store.close();
    await daemon.close();
  }
});

test('news that come at the very end of a reading have the list read again', async () => {
  let asked = 0;
  const listDomains = async (): Promise<Domain[]> => Promise.resolve((asked += 1)).then(() => []);
  for (let turns = 0; turns < 30; turns += 1) {
    const inventory = new DomainInventory({ listDomains } as unknown as Hypervisor, silentLogger);
    const first = inventory.refresh();
    for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
    const before = asked;
    await inventory.refresh();
    expect({ turns, read: asked > before }).toEqual({ turns, read: true });
    await first;
  }
});

test('who asks waits for a list that was begun after that, and not for those of others', async () => {
  const lists: ReturnType<typeof Promise.withResolvers<Domain[]>>[] = [];
  const begun: (() => void)[] = [];
  const listDomains = async (): Promise<Domain[]> => {
    const list = Promise.withResolvers<Domain[]>();
    lists.push(list);
    begun.splice(0).forEach((one) => one());
    return list.promise;
  };
  const beginning = async (): Promise<void> => new Promise((resolve) => begun.push(resolve));
  const inventory = new DomainInventory({ listDomains } as unknown as Hypervisor, silentLogger);
  const first = beginning();
  const one = inventory.refresh();
  await first;
  const two = inventory.refresh();
  const second = beginning();
  lists[0]!.resolve([]);
  await one;
  await second;
  const three = inventory.refresh();
  const third = beginning();
  lists[1]!.resolve([{ ...theTarget, name: 'web', type: 'HVM', memoryMiB: 64, paused: false }]);
  await two;
  expect(inventory.byUuid(theTarget.uuid)).toBeDefined();
  await third;
  lists[2]!.resolve([]);
  await three;
  expect(lists).toHaveLength(3);
});
