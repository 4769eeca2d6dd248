import { describe, expect, test } from '@jest/globals';
import type { StubDomainSpec } from '../../../../operator/api/generated/stub-domain.ts';
import type { XenHost } from '../../../../operator/api/generated/xen-host.ts';
import { fencedAnnotation } from '../../../../operator/api/names.ts';
import type { DevicesFit } from '../../../../operator/domain/placement/devices-needed.ts';
import { type PlacementView, place } from '../../../../operator/domain/placement/place.ts';
import { aHost, aSpec, targetUuid } from '../../../support/builders.ts';

const guests = [{ uuid: targetUuid, domid: 5 }];
const readyNow = [
  { type: 'Ready', status: 'True', reason: 'AsDesired', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
] as const;
const meta = (name: string, more: object) => ({ metadata: { ...aHost(name).metadata, ...more } });
const fenced = { annotations: { [fencedAnnotation]: 'burnt down' } };

interface World {
  readonly hosts: readonly XenHost[];
  readonly lost?: readonly string[];
  readonly bound?: Readonly<Record<string, number>>;
  readonly promised?: Readonly<Record<string, number>>;
  readonly devices?: Readonly<Record<string, DevicesFit>>;
}

function viewOf({ hosts, lost = [], bound = {}, promised = {}, devices = {} }: World): PlacementView {
  return {
    host: (name) => hosts.find(({ metadata }) => metadata.name === name),
    hosts: () => hosts,
    reporting: (uuid) => hosts.filter(({ status }) => status?.guests?.some((guest) => guest.uuid === uuid) === true),
    isReachable: (host) => !lost.includes(host),
    load: (host) => ({ stubDomains: bound[host] ?? 0, promisedMiB: promised[host] ?? 0 }),
    devicesOn: ({ metadata }) => devices[metadata.name] ?? { fits: true, numaNodes: 0 },
  };
}

describe('a guest that is somewhere', () => {
  const hosts = [
    aHost('xen-1'),
    aHost('xen-2', { guests }, meta('xen-2', { labels: { zone: 'a' } })),
    aHost('xen-3', {}, { spec: { unschedulable: true } }),
    aHost('xen-4', {}, { spec: { drain: { reason: 'new disks' } } }),
    aHost('xen-5', {}, meta('xen-5', fenced)),
  ];
  test.each<[string, Partial<StubDomainSpec>, object]>([
    ['the host of the guest', {}, { host: 'xen-2' }],
    ['also where it could have been chosen', { placement: 'ChooseHost' }, { host: 'xen-2' }],
    ['the host that is named, wherever the guest is', { nodeName: 'xen-1' }, { host: 'xen-1' }],
    ['a name that nobody registered', { nodeName: 'xen-9' }, { reason: 'NoSuchHost' }],
    [
      'a guest that nobody reports',
      { target: { uuid: '00000000-0000-4000-8000-000000000000' } },
      { reason: 'TargetNotFound' },
    ],
    ['labels that fit', { nodeSelector: { zone: 'a' } }, { host: 'xen-2' }],
    [
      'labels that do not',
      { nodeSelector: { zone: 'b' } },
      { reason: 'NoMatchingHost', message: 'The guest is on xen-2, which has not the labels zone=b.' },
    ],
    ['a host that takes nothing', { nodeName: 'xen-3' }, { reason: 'HostUnschedulable' }],
    [
      'a host that shall become empty',
      { nodeName: 'xen-4' },
      { reason: 'HostDraining', message: 'spec.nodeName names xen-4, which is being emptied (spec.drain).' },
    ],
    ['a host that is dead', { nodeName: 'xen-5' }, { reason: 'HostFenced' }],
  ])('%s', (_, spec, expected) => {
    expect(place(aSpec(spec), viewOf({ hosts }))).toMatchObject(expected);
  });

  test('neither memory nor devices keep a stub domain from its guest', () => {
    const full = { hosts, promised: { 'xen-2': 1e6 }, devices: { 'xen-2': { fits: false, message: '' } as const } };
    expect(place(aSpec(), viewOf(full))).toEqual({ host: 'xen-2' });
  });

  test('what a lost host said last binds nobody to it', () => {
    const both = [aHost('xen-1', { guests }), aHost('xen-2', { guests })];
    expect(place(aSpec(), viewOf({ hosts: both, lost: ['xen-1'] }))).toEqual({ host: 'xen-2' });
    expect(place(aSpec(), viewOf({ hosts: both, lost: ['xen-1', 'xen-2'] }))).toMatchObject({
      reason: 'HostUnreachable',
      message: 'The guest is on xen-1, xen-2, whose agent is out of reach. It is placed when the agent is back.',
    });
    expect(place(aSpec(), viewOf({ hosts: [aHost('xen-1', { guests }, meta('xen-1', fenced))] }))).toMatchObject({
      reason: 'TargetNotFound',
    });
  });

  test('a guest that two living hosts report is on its way: nothing is bound meanwhile', () => {
    const both = [aHost('xen-1', { guests }), aHost('xen-2', { guests })];
    expect(place(aSpec(), viewOf({ hosts: both }))).toMatchObject({ reason: 'GuestOnSeveralHosts' });
  });
});

describe('a host is chosen for a guest that is nowhere yet', () => {
  const spec = aSpec({ placement: 'ChooseHost', memoryMiB: 100 });
  const host = (name: string, freeMiB: number, change: Partial<XenHost> = {}) =>
    aHost(name, { memory: { totalMiB: 4096, freeMiB }, conditions: [...readyNow] }, change);

  test.each<[string, World, string]>([
    ['the one with room', { hosts: [host('a', 99), host('b', 100)] }, 'b'],
    ['what is promised counts', { hosts: [host('a', 300), host('b', 250)], promised: { a: 250 } }, 'b'],
    ['the one with fewer stub domains', { hosts: [host('a', 900), host('b', 200)], bound: { a: 2, b: 1 } }, 'b'],
    ['of two alike the one with more memory', { hosts: [host('a', 200), host('b', 900)] }, 'b'],
    ['of two the same the first by name', { hosts: [host('b', 200), host('a', 200)] }, 'a'],
    [
      'the one with the devices',
      { hosts: [host('a', 900), host('b', 200)], devices: { a: { fits: false, message: 'no' } } },
      'b',
    ],
    [
      'devices on one NUMA node go before few stub domains',
      { hosts: [host('a', 900), host('b', 200)], bound: { b: 9 }, devices: { a: { fits: true, numaNodes: 2 } } },
      'b',
    ],
    ['not one that is lost', { hosts: [host('a', 900), host('b', 200)], lost: ['a'] }, 'b'],
    ['not one that is closed', { hosts: [host('a', 900, { spec: { unschedulable: true } }), host('b', 200)] }, 'b'],
    ['not one that is not Ready', { hosts: [aHost('a', { memory: { freeMiB: 900 } }), host('b', 200)] }, 'b'],
  ])('%s', (_, world, expected) => {
    expect(place(spec, viewOf(world))).toEqual({ host: expected });
  });

  test('with spec.guest the guest needs room too', () => {
    const guest = { memoryMiB: 150, vcpus: 1, bootOrder: 'cd', passthrough: 'Disabled' } as const;
    const hosts = [host('a', 249), host('b', 250)];
    expect(place({ ...spec, guest }, viewOf({ hosts }))).toEqual({ host: 'b' });
  });

  test('where none fits, it is counted why', () => {
    const hosts = [
      host('a', 900, { spec: { unschedulable: true } }),
      host('b', 900, meta('b', { labels: { zone: 'b' } })),
      host('c', 50, meta('c', { labels: { zone: 'a' } })),
      host('d', 900, meta('d', { labels: { zone: 'a' } })),
      aHost('e'),
      host('f', 900, meta('f', fenced)),
    ];
    const chosen = aSpec({ placement: 'ChooseHost', memoryMiB: 100, nodeSelector: { zone: 'a' } });
    const devices = { d: { fits: false, message: 'd has no PCI device 0000:09:00.0.' } } as const;
    expect(place(chosen, viewOf({ hosts, devices }))).toEqual({
      host: undefined,
      reason: 'NoMatchingHost',
      message:
        'No host reports the guest, and none fits it: 2 closed to further stub domains or out of reach, 1 not Ready, 1 without the labels zone=a, 1 with less than 100 MiB free, 1 without the PCI devices. d has no PCI device 0000:09:00.0.',
    });
    expect(place(chosen, viewOf({ hosts: [] }))).toMatchObject({
      message: expect.stringContaining('no host is registered'),
    });
  });
});
