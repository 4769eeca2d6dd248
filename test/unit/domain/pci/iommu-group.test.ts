import { describe, expect, test } from '@jest/globals';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import type { XenHostStatus } from '../../../../operator/api/generated/xen-host.ts';
import { type ClaimsView, type Holder, claimDevice } from '../../../../operator/domain/pci/claim.ts';
import { aHost, anAttachment, targetUuid } from '../../../support/builders.ts';

type Device = NonNullable<XenHostStatus['pciDevices']>[number];

const first = '0000:03:00.0';
const second = '0000:03:00.1';
const port: Device = {
  address: first,
  vendorID: '8086',
  deviceID: '1521',
  classID: '020000',
  driver: 'pciback',
  iommuGroup: 12,
  assignable: 'Assignable',
};
const byHost: Partial<Device> = { driver: 'e1000e', assignable: 'Seizable' };
const nobody: ClaimsView = { holderOf: () => undefined, askersOf: () => [], guestOf: () => targetUuid };
const has = (address: string, holder: Holder): ClaimsView => ({
  ...nobody,
  holderOf: (asked) => (asked === address ? holder : undefined),
});
const sameGuest: Holder = { uid: 'pa-9', name: 'default/web-nic-2', stubDomain: 'default/web' };
const otherGuest: Holder = { uid: 'pa-9', name: 'default/db-nic', stubDomain: 'default/db' };

/** A host with the device and one beside it in its group. */
const host = (sibling: Partial<Device>, device: Partial<Device> = {}) =>
  aHost('xen-1', {
    pciDevices: [
      { ...port, ...device },
      { ...port, address: second, ...sibling },
    ],
  });
const asks = (spec: Partial<PciAttachment['spec']> = {}) => anAttachment({ spec, claimed: false });

/** Another attachment without a device, for the second function. */
const asker = (stubDomain: string, driverPolicy: 'Seize' | 'RequireAssignable', creationTimestamp: string) =>
  anAttachment({
    spec: { stubDomainRef: { name: stubDomain }, device: { address: second }, driverPolicy },
    metadata: { uid: 'pa-2', name: 'second', creationTimestamp },
    claimed: false,
  });
const askedFor = (attachment: PciAttachment): ClaimsView => ({
  ...nobody,
  askersOf: (address) => (address === second ? [attachment] : []),
});

describe('a device is claimed when every other one of its IOMMU group', () => {
  test.each<[string, Partial<Device>, ClaimsView]>([
    ['is bound to pciback and free', {}, nobody],
    ['is a bridge', { classID: '060400', driver: 'pcieport', assignable: 'InUseByHost', hostUse: 'bridge' }, nobody],
    ['is claimed for the same guest, to be seized', byHost, has(second, sameGuest)],
    ['is given to the same guest already', { owner: targetUuid }, has(second, sameGuest)],
    ['is asked for by the same guest, to be seized', byHost, askedFor(asker('web', 'Seize', '2026-02-01T00:00:00Z'))],
    ['is asked for by another guest, but later', {}, askedFor(asker('db', 'Seize', '2026-02-01T00:00:00Z'))],
    ['is in another group', { ...byHost, iommuGroup: 13 }, nobody],
  ])('%s', (_, sibling, view) => {
    expect(claimDevice(asks(), host(sibling), view)).toMatchObject({ address: first });
  });

  test('and a host without an IOMMU has no groups', () => {
    const { iommuGroup: _, ...loose } = port;
    const devices = [loose, { ...loose, ...byHost, address: second }];
    expect(claimDevice(asks(), aHost('xen-1', { pciDevices: devices }), nobody)).toMatchObject({ address: first });
  });
});

describe('a device is refused when another one of its IOMMU group', () => {
  const shares = '0000:03:00.0 shares IOMMU group 12 with 0000:03:00.1, which ';
  const next =
    '. Give 0000:03:00.1 to the same guest, with a PciAttachment of its own (driverPolicy Seize takes it from the host), or make it assignable (xl pci-assignable-add 0000:03:00.1).';
  const wait = '. They can only go to one guest: 0000:03:00.0 is claimed here as soon as 0000:03:00.1 is free.';
  test.each<[string, Partial<Device>, ClaimsView, string]>([
    ['is used by a driver of the host', byHost, nobody, `host driver e1000e uses${next}`],
    ['has no driver at all', { driver: undefined as never }, nobody, `is not bound to pciback${next}`],
    [
      'is what the host needs',
      { driver: 'ahci', assignable: 'InUseByHost', hostUse: 'root disk' },
      nobody,
      "holds the host's root disk. Choose another device, or put the card into another slot of the host.",
    ],
    [
      'is claimed for another guest',
      {},
      has(second, otherGuest),
      `PciAttachment default/db-nic has for another guest${wait}`,
    ],
    ['is given to another guest by somebody else', { owner: 'u-1' }, nobody, `guest u-1 has${wait}`],
    [
      'was asked for earlier by another guest',
      {},
      askedFor(asker('db', 'RequireAssignable', '2025-01-01T00:00:00Z')),
      `PciAttachment default/second has for another guest${wait}`,
    ],
    [
      'is asked for by the same guest, which may not seize it',
      byHost,
      askedFor(asker('web', 'RequireAssignable', '2025-01-01T00:00:00Z')),
      `host driver e1000e uses${next}`,
    ],
  ])('%s', (_, sibling, view, message) => {
    expect(claimDevice(asks(), host(sibling), view)).toEqual({
      address: undefined,
      reason: 'IommuGroupShared',
      message: shares + message,
    });
  });

  test('to be seized itself: the other one is not seized silently', () => {
    expect(claimDevice(asks({ driverPolicy: 'Seize' }), host(byHost, byHost), nobody)).toMatchObject({
      reason: 'IommuGroupShared',
      message: expect.stringContaining('with a PciAttachment of its own'),
    });
  });

  test('an earlier one that the host would not give away anyway does not count', () => {
    const view = askedFor(asker('db', 'RequireAssignable', '2025-01-01T00:00:00Z'));
    expect(claimDevice(asks(), host({ assignable: 'Denied' }), view)).toMatchObject({ address: first });
  });
});

describe('a selector', () => {
  const selector = { vendorID: '8086', deviceID: '1521' };
  const third = '0000:04:00.0';

  test('passes over what shares its group', () => {
    const { status } = host(byHost);
    const devices = [...(status?.pciDevices ?? []), { ...port, address: third, iommuGroup: 13 }];
    const claim = claimDevice(asks({ device: { selector } }), aHost('xen-1', { pciDevices: devices }), nobody);
    expect(claim).toMatchObject({ address: third });
  });

  test('where nothing is left, the message explains the nearest miss', () => {
    const pciDevices = [
      { ...port, address: '0000:02:00.0', assignable: 'Denied' as const },
      ...(host({ ...byHost, deviceID: '10d3' }).status?.pciDevices ?? []),
    ];
    const claim = claimDevice(asks({ device: { selector } }), aHost('xen-1', { pciDevices }), nobody);
    expect(claim).toMatchObject({
      reason: 'NoMatchingDevice',
      message: expect.stringMatching(
        /^xen-1 has PCI devices that match .*\(2, of which 2 free\), but none can be given away\. The nearest: 0000:03:00\.0 shares IOMMU group 12 with 0000:03:00\.1, which host driver e1000e uses\./,
      ),
    });
  });
});
