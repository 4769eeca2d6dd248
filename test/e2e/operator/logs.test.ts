import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';

let world: OperatorWorld;

beforeAll(async () => {
  world = await startOperatorWorld();
});
afterAll(() => world.close());

test('all lines of a pass have its id, the controller and the object, and one id is one object', async () => {
  const { objects, log } = world;
  await world.host().addGuest('web');
  await objects.stubDomain('web');
  await objects.attachment('web-nic', 'web', '0000:03:00.0');
  await objects.ready('PciAttachment', 'web-nic');
  await objects.removed('PciAttachment', 'web-nic');

  const ofPasses = log.records.filter(({ facts }) => 'reconcileID' in facts);
  const steps = ofPasses.filter(({ message }) => message === 'Step').map(({ facts }) => facts['step']);
  expect(steps).toEqual(expect.arrayContaining(['intend', 'start', 'claim', 'send', 'conclude']));
  const objectOf = new Map<unknown, unknown>();
  for (const { message, facts } of ofPasses) {
    const { reconcileID, key, controller } = facts;
    expect([message, key, controller]).toEqual([message, expect.any(String), expect.any(String)]);
    const object = `${String(controller)} ${String(key)}`;
    expect(objectOf.get(reconcileID) ?? object).toBe(object);
    objectOf.set(reconcileID, object);
  }
  expect(new Set(objectOf.values())).toEqual(
    new Set([
      'stub-domain default/web',
      'pci-attachment default/web-nic',
      'stub-domain-agent default/web',
      'xen-host xen-1',
      'host-agent xen-1',
    ]),
  );
  // What is about an object and in no pass could not be followed.
  const lost = log.records.filter(({ facts }) => 'key' in facts && !('reconcileID' in facts));
  expect(lost).toEqual([]);
});
