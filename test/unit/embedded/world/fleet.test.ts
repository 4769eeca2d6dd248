import { describe, expect, test } from '@jest/globals';
import { defaultTopology } from '../../../../operator/embedded/simulated-host/topology.ts';
import { guestsOf, planFleet, uuidOf } from '../../../../operator/embedded/world/fleet.ts';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

describe('planFleet', () => {
  const plan = planFleet({
    hosts: 3,
    stubDomains: 7,
    pciPerDomain: 2,
    extraGuests: [{ name: 'mine', uuid: uuidOf('mine') }],
  });

  test('spreads the domains evenly, the extra guests on the first host, a spare one on each', () => {
    expect(plan.hosts.map(({ name, guests }) => [name, guests.length])).toEqual([
      ['xen-1', 1 + 3 + 1],
      ['xen-2', 2 + 1],
      ['xen-3', 2 + 1],
    ]);
    expect(plan.hosts[0]?.guests[0]?.name).toBe('mine');
  });

  test('each StubDomain has a guest of its own, each PciAttachment a device of its own on that host', () => {
    const guests = new Map(plan.hosts.flatMap((host) => host.guests.map((guest) => [guest.uuid, host] as const)));
    const targets = guestsOf(plan.manifests);
    expect(targets).toHaveLength(7);
    expect(new Set(targets.map((target) => target.uuid)).size).toBe(7);
    const hostOf = new Map(targets.map((target) => [target.name, guests.get(target.uuid)]));
    const taken = plan.manifests
      .filter(({ kind }) => kind === 'PciAttachment')
      .map(({ spec }) => {
        const { stubDomainRef, device } = spec as { stubDomainRef: { name: string }; device: { address: string } };
        const host = hostOf.get(stubDomainRef.name);
        const found = host?.topology.devices.find(({ address }) => address === device.address);
        expect(found?.driver).toBe('pciback');
        return `${host?.name ?? ''} ${device.address}`;
      });
    expect(taken).toHaveLength(14);
    expect(new Set(taken).size).toBe(14);
  });

  test('is the same the next time', () => {
    const request = { hosts: 2, stubDomains: 3, pciPerDomain: 1, extraGuests: [] };
    expect(planFleet(request)).toEqual(planFleet(request));
  });

  test('without devices to give away the host is the default machine', () => {
    const [host] = planFleet({ hosts: 1, stubDomains: 0, pciPerDomain: 4, extraGuests: [] }).hosts;
    expect(host?.topology).toEqual(defaultTopology());
  });
});

test('uuidOf gives valid uuids that differ by name', () => {
  expect(uuidOf('a')).toMatch(uuid);
  expect(uuidOf('a')).not.toBe(uuidOf('b'));
});
