import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { XenHostSpec, XenHostStatus } from '../../../../operator/api/generated/xen-host.ts';
import { assignability } from '../../../../operator/domain/host-status.ts';
import { claimDevice } from '../../../../operator/domain/pci/claim.ts';
import { hostUseMessage, hostUseOf } from '../../../../operator/domain/pci/host-critical.ts';
import { policyMessage } from '../../../../operator/domain/pci/host-policy.ts';
import { aHost, anAttachment } from '../../../support/builders.ts';

type Device = NonNullable<XenHostStatus['pciDevices']>[number];
type Pci = XenHostSpec['pci'];

const addresses = ['0000:03:00.0', '0000:03:00.1', '0000:04:00.0'];
const list = fc.subarray(addresses);
const policy: fc.Arbitrary<Pci> = fc.option(
  fc
    .record({ allow: fc.option(list, { nil: undefined }), deny: fc.option(list, { nil: undefined }) })
    .map(({ allow, deny }) => ({ ...(allow === undefined ? {} : { allow }), ...(deny === undefined ? {} : { deny }) })),
  { nil: undefined },
);
interface Drawn {
  readonly address: string;
  readonly classID: string;
  readonly driver: string | undefined;
  readonly hostUse: string | undefined;
}
const device: fc.Arbitrary<Drawn> = fc.record({
  address: fc.constantFrom(...addresses),
  classID: fc.constantFrom('020000', '060400', '010802'),
  driver: fc.constantFrom('pciback', 'igb', undefined),
  hostUse: fc.constantFrom(undefined, '', 'root disk', 'unknown: proc/1/mountinfo: EACCES'),
});

const asDevice = ({ address, classID, driver, hostUse }: Drawn): Device => ({
  address,
  classID,
  vendorID: '8086',
  deviceID: '1521',
  ...(driver === undefined ? {} : { driver }),
  ...(hostUse === undefined ? {} : { hostUse }),
});

describe('what a host gives away', () => {
  test('its own use wins over all, deny over allow; without an allow list everything else is given', () => {
    fc.assert(
      fc.property(device, policy, (facts, pci) => {
        const one = asDevice(facts);
        const denied = pci?.deny?.includes(one.address) === true;
        const allowed = !denied && (pci?.allow === undefined || pci.allow.includes(one.address));
        const expected =
          hostUseOf(one) !== undefined
            ? 'InUseByHost'
            : !allowed
              ? 'Denied'
              : one.driver === 'pciback'
                ? 'Assignable'
                : 'Seizable';
        expect(assignability(one, pci)).toBe(expected);
        expect(policyMessage(one.address, pci, 'xen-1') !== undefined).toBe(!allowed);
      }),
    );
  });

  test('a claim follows it whatever the agent has reported, and a refusal names the device and the next step', () => {
    const nobody = { holderOf: () => undefined, askersOf: () => [], guestOf: () => undefined };
    fc.assert(
      fc.property(device, policy, policy, (facts, reported, pci) => {
        const one = asDevice(facts);
        const host = aHost(
          'xen-1',
          { pciDevices: [{ ...one, assignable: assignability(one, reported) }] },
          { spec: pci === undefined ? {} : { pci } },
        );
        const attachment = anAttachment({
          spec: { device: { address: one.address }, driverPolicy: 'Seize' },
          claimed: false,
        });
        const claim = claimDevice(attachment, host, nobody);
        const free = assignability(one, pci);
        if (free === 'InUseByHost' || free === 'Denied') {
          expect(claim).toMatchObject({ address: undefined, reason: 'DeviceDenied' });
        }
        if (claim.address !== undefined) return;
        expect(claim.message).toContain(one.address);
        expect(claim.message).toMatch(/Choose another device|choose another device|It is claimed as soon as/);
      }),
    );
  });
});

describe('the words of a refusal', () => {
  const [at = ''] = addresses;
  test.each<[Pci, string | undefined]>([
    [undefined, undefined],
    [{}, undefined],
    [{ allow: [at] }, undefined],
    [
      { allow: [at], deny: [at] },
      'spec.pci.deny of XenHost xen-1 names 0000:03:00.0. Remove it there (kubectl edit xenhost xen-1), or choose another device.',
    ],
    [
      { allow: [] },
      'spec.pci.allow of XenHost xen-1 does not name 0000:03:00.0. Add it there (kubectl edit xenhost xen-1), or choose another device.',
    ],
  ])('%j', (pci, expected) => {
    expect(policyMessage(at, pci, 'xen-1')).toBe(expected);
  });

  test.each([
    [
      '060400',
      undefined,
      '0000:03:00.0 is a bridge of the host itself and is never given away. Choose another device.',
    ],
    [
      '020000',
      'bridge xenbr0',
      "0000:03:00.0 holds the host's bridge xenbr0 and is never given away. Choose another device, or free this one in dom0 first.",
    ],
    [
      '010802',
      'unknown: proc/1/mountinfo: EACCES',
      "0000:03:00.0 may be in use by the host itself (proc/1/mountinfo: EACCES) and is never given away. Choose another device; or let the agent read the host's /proc and /sys; or, if the host can do without it, bind it to pciback by hand (xl pci-assignable-add 0000:03:00.0).",
    ],
  ])('%s %s', (classID, hostUse, expected) => {
    expect(hostUseMessage({ address: at, classID, hostUse })).toBe(expected);
  });
});
