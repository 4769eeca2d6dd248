import { expect, test } from '@jest/globals';
import { devicesNeeded } from '../../../../operator/domain/placement/devices-needed.ts';
import type { ClaimsView } from '../../../../operator/domain/pci/claim.ts';
import { aHost, anAttachment } from '../../../support/builders.ts';

const free: ClaimsView = { holderOf: () => undefined, askersOf: () => [], guestOf: () => undefined };
const device = (address: string, numaNode: number) => ({
  address,
  vendorID: '8086',
  deviceID: '1520',
  classID: '020000',
  driver: 'pciback',
  assignable: 'Assignable' as const,
  numaNode,
});
const [first, second] = ['0000:03:00.0', '0000:04:00.0'] as const;
const host = aHost('xen-1', { pciDevices: [device(first, 0), device(second, 1)] });
const byAddress = (address: string, uid: string) =>
  anAttachment({ spec: { device: { address } }, metadata: { uid, name: uid }, claimed: false });
const bySelector = (uid: string) =>
  anAttachment({ spec: { device: { selector: { vendorID: '8086' } } }, metadata: { uid, name: uid }, claimed: false });

test('no attachment needs no device', () => {
  expect(devicesNeeded([], aHost('xen-1'), free)).toEqual({ fits: true, numaNodes: 0 });
});

test('each attachment takes another device, and who names an address goes first', () => {
  expect(devicesNeeded([bySelector('a'), byAddress(first, 'b')], host, free)).toEqual({ fits: true, numaNodes: 2 });
  expect(devicesNeeded([bySelector('a'), bySelector('b'), bySelector('c')], host, free)).toMatchObject({ fits: false });
  expect(devicesNeeded([bySelector('a')], host, free)).toEqual({ fits: true, numaNodes: 1 });
});

test('what another has, or is not there, does not fit, and the reason is told', () => {
  const held: ClaimsView = {
    ...free,
    holderOf: (address) => (address === first ? { uid: 'x', name: 'default/x', stubDomain: 'default/y' } : undefined),
  };
  const found = devicesNeeded([byAddress(first, 'a')], host, held);
  expect(found).toMatchObject({ fits: false, message: expect.stringContaining('default/x has 0000:03:00.0') });
  expect(devicesNeeded([byAddress('0000:09:00.0', 'a')], host, free)).toMatchObject({ fits: false });
});

test('a host that can give no device says why, and is no hindrance for who needs none', () => {
  const message = 'The IOMMU is off.';
  const condition = { type: 'PassthroughReady', status: 'False' as const, reason: 'IommuOff', message };
  const conditions = [{ ...condition, lastTransitionTime: '2026-01-01T00:00:00Z' }];
  const off = { ...host, status: { ...host.status, conditions } };
  expect(devicesNeeded([bySelector('a')], off, free)).toEqual({ fits: false, message: `xen-1: ${message}` });
  expect(devicesNeeded([], off, free)).toEqual({ fits: true, numaNodes: 0 });
});
