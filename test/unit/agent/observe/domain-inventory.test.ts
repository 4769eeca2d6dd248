import { expect, test } from '@jest/globals';
import { DomainInventory } from '../../../../operator/agent/observe/domain-inventory.ts';
import type { Domain, Hypervisor } from '../../../../operator/hypervisor/hypervisor.ts';
import { silentLogger } from '../../../../operator/runtime/ports.ts';
import { theTarget } from '../../../support/builders.ts';

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
