import { describe, expect, test } from '@jest/globals';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import { ClaimTable } from '../../../../operator/controllers/pci-attachment/claim-table.ts';
import { askedBefore } from '../../../../operator/domain/pci/asked-before.ts';
import { type ClaimsView, type Holder, claimDevice } from '../../../../operator/domain/pci/claim.ts';
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
    { ...nic, address: '0000:05:00.0', driver: 'ahci', assignable: 'InUseByHost', hostUse: 'root disk' },
  ],
});
const other: Holder = { uid: 'other', name: 'default/other', stubDomain: 'default/other-guest' };
const noHolder = (): Holder | undefined => undefined;
const nobody: ClaimsView = { holderOf: noHolder, askersOf: () => [], guestOf: () => undefined };
const claim = (spec: Partial<PciAttachment['spec']>, holderOf: (address: string) => Holder | undefined = noHolder) =>
  claimDevice(anAttachment({ spec, claimed: false }), host, { ...nobody, holderOf });

describe('by address', () => {
  test.each<[string, Partial<PciAttachment['spec']>, object]>([
    ['a free device', { device: { address: theAddress } }, { address: theAddress }],
    ['one that the host has not', { device: { address: '0000:7f:00.0' } }, { reason: 'DeviceNotFound' }],
    [
      'one that policy kept when the agent looked',
      { device: { address: '0000:04:00.0' } },
      { reason: 'DeviceDenied', message: expect.stringContaining('as soon as the agent has read that') },
    ],
    ['a bridge', { device: { address: '0000:00:01.0' } }, { reason: 'DeviceDenied' }],
    [
      'what the host needs, even to be seized',
      { device: { address: '0000:05:00.0' }, driverPolicy: 'Seize' },
      {
        reason: 'DeviceDenied',
        message: expect.stringContaining("0000:05:00.0 holds the host's root disk and is never"),
      },
    ],
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
    const refused = claim({}, () => other);
    expect(refused).toMatchObject({ reason: 'DeviceClaimed' });
    expect(JSON.stringify(refused)).toContain('default/other');
  });
});

describe('by selector', () => {
  test('the first free one in the order of addresses', () => {
    const selector = { vendorID: '8086', deviceID: '10c9', classID: '02' };
    const device = { vendorID: '8086', deviceID: '10c9' };
    expect(claim({ device: { selector } })).toEqual({ address: theAddress, device });
    expect(claim({ device: { selector } }, (address) => (address === theAddress ? other : undefined))).toEqual({
      address: '0000:03:00.1',
      device,
    });
    expect(claim({ device: { selector } }, () => other)).toMatchObject({ reason: 'NoMatchingDevice' });
  });

  test('none like it', () => {
    expect(claim({ device: { selector: { vendorID: '1af4' } } })).toMatchObject({
      reason: 'NoMatchingDevice',
      message: 'xen-1 has no PCI device that matches spec.device.selector.',
    });
  });

  test('none like it, but one nearly', () => {
    expect(claim({ device: { selector: { vendorID: '8086', deviceID: '1521', classID: '02' } } })).toMatchObject({
      reason: 'NoMatchingDevice',
      message:
        'xen-1 has no PCI device that matches spec.device.selector. 0000:02:00.0 is the nearest: its deviceID is 10c9, not 1521.',
    });
  });

  test('of those that cannot be had, the message tells of the one that is nearest to it', () => {
    const taken = (address: string) => (address.startsWith('0000:03') ? other : undefined);
    expect(claim({ device: { selector: { vendorID: '8086' } } }, taken)).toMatchObject({
      reason: 'NoMatchingDevice',
      message: expect.stringMatching(/The nearest: 0000:02:00\.0 on xen-1 is bound to driver e1000e of dom0\./),
    });
  });
});

describe('who asked for an address earlier', () => {
  const asking = anAttachment({ claimed: false });
  const earlier = (spec: Partial<PciAttachment['spec']> = {}) =>
    anAttachment({
      spec: { stubDomainRef: { name: 'other-guest' }, ...spec },
      metadata: { uid: 'pa-0', name: 'earlier', creationTimestamp: '2025-01-01T00:00:00Z' },
      claimed: false,
    });
  const view = (asker: PciAttachment): ClaimsView => ({ ...nobody, askersOf: () => [asker] });

  test('goes first', () => {
    expect(claimDevice(asking, host, view(earlier()))).toMatchObject({
      reason: 'DeviceClaimed',
      message: expect.stringContaining('default/earlier'),
    });
  });

  test('but not when the device is out of reach for them', () => {
    const device = { address: '0000:02:00.0' };
    const seizing = anAttachment({ spec: { device, driverPolicy: 'Seize' }, claimed: false });
    expect(claimDevice(seizing, host, view(earlier({ device })))).toMatchObject(device);
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
