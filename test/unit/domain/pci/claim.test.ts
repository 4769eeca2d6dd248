import { describe, expect, test } from '@jest/globals';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import { ClaimTable, askedBefore } from '../../../../operator/controllers/pci-attachment/claim-table.ts';
import { claimDevice } from '../../../../operator/domain/pci/claim.ts';
import { aHost, anAttachment, theAddress } from '../../../support/builders.ts';

const nic = {
  vendorID: '8086',
  deviceID: '10c9',
  classID: '020000',
  driver: 'pciback',
  assignable: 'Assignable',
} as const;
const host = aHost('xen-1', {
  pciDevices: [
    { ...nic, address: '0000:00:01.0', classID: '060400', driver: 'pcieport', assignable: 'InUseByHost' },
    { ...nic, address: '0000:02:00.0', driver: 'e1000e', assignable: 'Seizable' },
    { ...nic, address: theAddress },
    { ...nic, address: '0000:03:00.1' },
    { ...nic, address: '0000:04:00.0', vendorID: '10de', classID: '030000', assignable: 'Denied' },
  ],
});
const free = () => undefined;
const claim = (spec: Partial<PciAttachment['spec']>, holderOf: (address: string) => string | undefined = free) =>
  claimDevice(anAttachment({ spec, claimed: false }), host, holderOf);

describe('by address', () => {
  test.each<[string, Partial<PciAttachment['spec']>, object]>([
    ['a free device', { device: { address: theAddress } }, { address: theAddress }],
    ['one that the host has not', { device: { address: '0000:7f:00.0' } }, { reason: 'DeviceNotFound' }],
    ['one that policy keeps', { device: { address: '0000:04:00.0' } }, { reason: 'DeviceDenied' }],
    ['a bridge', { device: { address: '0000:00:01.0' } }, { reason: 'DeviceDenied' }],
    ['one with a dom0 driver', { device: { address: '0000:02:00.0' } }, { reason: 'DeviceNotAssignable' }],
    [
      'the same, to be seized',
      { device: { address: '0000:02:00.0' }, driverPolicy: 'Seize' },
      { address: '0000:02:00.0' },
    ],
  ])('%s', (_, spec, expected) => {
    expect(claim(spec)).toMatchObject(expected);
  });

  test('one that another has: the message says who', () => {
    const refused = claim({}, () => 'default/other');
    expect(refused).toMatchObject({ reason: 'DeviceClaimed' });
    expect(JSON.stringify(refused)).toContain('default/other');
  });
});

describe('by selector', () => {
  test('the first free one in the order of addresses', () => {
    const selector = { vendorID: '8086', deviceID: '10c9', classID: '02' };
    expect(claim({ device: { selector } })).toEqual({ address: theAddress });
    expect(claim({ device: { selector } }, (address) => (address === theAddress ? 'x/y' : undefined))).toEqual({
      address: '0000:03:00.1',
    });
    expect(claim({ device: { selector } }, () => 'x/y')).toMatchObject({ reason: 'NoMatchingDevice' });
  });

  test('none like it', () => {
    expect(claim({ device: { selector: { vendorID: '1af4' } } })).toMatchObject({ reason: 'NoMatchingDevice' });
  });
});

describe('the claim table', () => {
  const older = anAttachment({ metadata: { uid: 'a', name: 'a', creationTimestamp: '2026-01-01T00:00:00Z' } });
  const younger = anAttachment({ metadata: { uid: 'b', name: 'b', creationTimestamp: '2026-01-01T00:00:01Z' } });

  test('who has a device keeps it until it is gone', () => {
    const table = new ClaimTable();
    table.observe(older);
    table.observe(younger);
    expect(table.holder('xen-1', theAddress, younger)).toBe('default/a');
    expect(table.holder('xen-1', theAddress, older)).toBeUndefined();
    table.forget('a');
    expect(table.holder('xen-1', theAddress, younger)).toBeUndefined();
  });

  test('on another host it is another device', () => {
    const table = new ClaimTable();
    table.reserve('xen-2', theAddress, older);
    expect(table.holder('xen-1', theAddress, younger)).toBeUndefined();
  });

  test('the older asks first; of one second, the name decides', () => {
    expect(askedBefore(older, younger)).toBe(true);
    const twin = anAttachment({ metadata: { uid: 'c', name: 'c', creationTimestamp: '2026-01-01T00:00:00Z' } });
    expect(askedBefore(older, twin)).toBe(true);
    expect(askedBefore(twin, older)).toBe(false);
  });
});
