import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import { interfaceVersions } from '../../../../operator/hypervisor/libxenctrl/interface-versions.ts';
import {
  type XenDomainInfo,
  decodeCapabilities,
  decodeDomainInfos,
  decodePhysicalMemory,
} from '../../../../operator/hypervisor/libxenctrl/structures.ts';
import { capturedStructures } from '../../../support/fake-libxenctrl.ts';

const [xen417] = interfaceVersions.filter(({ release }) => release === '4.17');
const layout = xen417!.domainInfo;

/** A record with these fields, and garbage everywhere else. */
function record(fields: { domid: number; flags?: number; pages?: bigint; handle?: string; size?: number }): Buffer {
  const bytes = Buffer.alloc(fields.size ?? layout.size, 0xee);
  bytes.writeUInt16LE(fields.domid, layout.domain);
  bytes.writeUInt32LE(fields.flags ?? 0, layout.flags);
  bytes.writeBigUInt64LE(fields.pages ?? 0n, layout.totalPages);
  Buffer.from((fields.handle ?? '').padEnd(32, '0'), 'hex').copy(bytes, layout.handle);
  return bytes;
}

const decoded = (...records: Buffer[]): XenDomainInfo[] =>
  decodeDomainInfos(Buffer.concat(records), records.length, layout);

function refusalOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof HypervisorError) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error('nothing was refused');
}

test('what a Xen 4.17 host answered is read as its xl list and xl info showed it', async () => {
  const { domains, physinfo } = await capturedStructures();
  const states = { paused: false, dying: false, shutdown: false };
  expect(decodeDomainInfos(domains, 3, layout)).toEqual([
    { domid: 0, uuid: '00000000-0000-0000-0000-000000000000', hvm: false, ...states, memoryMiB: 1024 },
    { domid: 1, uuid: '02d5a7c7-08fc-4c89-8b71-03a3e80bdc4f', hvm: true, ...states, paused: true, memoryMiB: 59 },
    { domid: 2, uuid: '21be5a9f-0b3f-4113-acc2-bab4677f1f8a', hvm: false, ...states, memoryMiB: 196 },
  ]);
  expect(decodePhysicalMemory(physinfo, xen417!.physicalInfo)).toEqual({ totalMiB: 3071, freeMiB: 1756 });
  expect(decodeCapabilities(physinfo, xen417!.physicalInfo)).toEqual({ hvm: true, directIo: true });
});

test.each([
  [0, 'poweroff'],
  [1, 'reboot'],
  [2, 'suspend'],
  [3, 'crash'],
  [4, 'watchdog'],
  [5, 'soft-reset'],
  [6, 'other'],
  [255, 'other'],
] as const)('a domain that shut down with %d did so by %s', (code, reason) => {
  const [info] = decoded(record({ domid: 5, flags: 0x4 | (code << 16) }));
  expect(info).toMatchObject({ shutdown: true, shutdownReason: reason });
});

test('a domain that is not shut down has no reason, whatever is written where it would be', () => {
  const [info] = decoded(record({ domid: 5, flags: 0x00ff0001 }));
  expect(info).toMatchObject({ shutdown: false, dying: true });
  expect(info).not.toHaveProperty('shutdownReason');
});

test('answers that cannot be right are refused', () => {
  const free = Buffer.alloc(112);
  free.writeBigUInt64LE(10n, 40);
  free.writeBigUInt64LE(11n, 48);
  expect(refusalOf(() => decoded(record({ domid: 7 }), record({ domid: 7 })))).toContain('out of order');
  expect(refusalOf(() => decodeDomainInfos(record({ domid: 3 }), 1, layout, 4))).toContain('out of order');
  expect(refusalOf(() => decoded(record({ domid: 0x7ff1 })))).toContain('a domid that no domain has');
  expect(refusalOf(() => decodeDomainInfos(record({ domid: 1 }), 2, layout))).toContain('more domains than');
  expect(refusalOf(() => decoded(record({ domid: 1, pages: 2n ** 64n - 1n })))).toContain('more memory');
  expect(refusalOf(() => decodePhysicalMemory(free, xen417!.physicalInfo))).toContain('more free memory');
});

test('claimed memory is not free, and more claims than free memory leave none', () => {
  const bytes = Buffer.alloc(112);
  bytes.writeBigUInt64LE(256n * 100n, 40);
  bytes.writeBigUInt64LE(256n * 50n, 48);
  bytes.writeBigUInt64LE(256n * 20n, 64);
  expect(decodePhysicalMemory(bytes, xen417!.physicalInfo)).toEqual({ totalMiB: 100, freeMiB: 30 });
  bytes.writeBigUInt64LE(256n * 60n, 64);
  expect(decodePhysicalMemory(bytes, xen417!.physicalInfo)).toEqual({ totalMiB: 100, freeMiB: 0 });
});

test('every layout reads back what was written at its offsets', () => {
  const domain = fc.record({
    domid: fc.integer({ min: 0, max: 0x7fef }),
    flags: fc.integer({ min: 0, max: 0xffffffff }),
    pages: fc.bigInt({ min: 0n, max: 2n ** 40n }),
    handle: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  });
  const sorted = fc.uniqueArray(domain, { selector: ({ domid }) => domid, maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom(...interfaceVersions), sorted, (version, unsorted) => {
      const domains = unsorted.toSorted((a, b) => a.domid - b.domid);
      const size = version.domainInfo.size;
      const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
      const bytes = Buffer.concat(domains.map((it) => record({ ...it, handle: hex(it.handle), size })));
      const infos = decodeDomainInfos(bytes, domains.length, version.domainInfo);
      expect(infos.map((info) => [info.domid, info.uuid.replaceAll('-', ''), info.memoryMiB])).toEqual(
        domains.map((it) => [it.domid, hex(it.handle), Number(it.pages / 256n)]),
      );
      expect(infos.map(({ hvm, paused, dying, shutdown }) => [hvm, paused, dying, shutdown])).toEqual(
        domains.map(({ flags }) => [2, 8, 1, 4].map((bit) => (flags & bit) !== 0)),
      );
    }),
  );
});

test('garbage is decoded or refused, never anything else', () => {
  const count = fc.integer({ min: 0, max: 5 });
  fc.assert(
    fc.property(fc.constantFrom(...interfaceVersions), fc.uint8Array({ maxLength: 600 }), count, (version, raw, n) => {
      const bytes = Buffer.from(raw);
      const outcome = (work: () => unknown): unknown => {
        try {
          return work();
        } catch (error) {
          if (!(error instanceof HypervisorError)) throw error;
          return [];
        }
      };
      for (const info of outcome(() => decodeDomainInfos(bytes, n, version.domainInfo)) as XenDomainInfo[]) {
        expect(info.uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
        expect(info.memoryMiB).toBeGreaterThanOrEqual(0);
      }
      const whole = Buffer.alloc(version.physicalInfo.size);
      bytes.copy(whole);
      outcome(() => decodePhysicalMemory(whole, version.physicalInfo));
      decodeCapabilities(whole, version.physicalInfo);
    }),
  );
});
