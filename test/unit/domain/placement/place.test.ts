import { expect, test } from '@jest/globals';
import type { StubDomainSpec } from '../../../../operator/api/generated/stub-domain.ts';
import { place } from '../../../../operator/domain/placement/place.ts';
import { aHost, aSpec, targetUuid } from '../../../support/builders.ts';

const guests = [{ uuid: targetUuid, domid: 5 }];
const hosts = [
  aHost('xen-1'),
  aHost('xen-2', { guests }, { metadata: { ...aHost('xen-2').metadata, labels: { zone: 'a' } } }),
  aHost('xen-3', {}, { spec: { unschedulable: true } }),
];

test.each<[string, Partial<StubDomainSpec>, object]>([
  ['the host of the guest', {}, { host: 'xen-2' }],
  ['the host that is named, wherever the guest is', { nodeName: 'xen-1' }, { host: 'xen-1' }],
  ['a name that nobody registered', { nodeName: 'xen-9' }, { reason: 'NoSuchHost' }],
  [
    'a guest that nobody reports',
    { target: { uuid: '00000000-0000-4000-8000-000000000000' } },
    { reason: 'TargetNotFound' },
  ],
  ['labels that fit', { nodeSelector: { zone: 'a' } }, { host: 'xen-2' }],
  ['labels that do not', { nodeSelector: { zone: 'b' } }, { reason: 'NoMatchingHost' }],
  ['a host that takes nothing', { nodeName: 'xen-3' }, { reason: 'HostUnschedulable' }],
])('%s', (_, spec, expected) => {
  expect(place(aSpec(spec), hosts)).toMatchObject(expected);
});
