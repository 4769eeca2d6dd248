import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createHostPci } from '../../../../operator/hypervisor/sysfs/host-pci.ts';
import { parseIrq, parseResources } from '../../../../operator/hypervisor/sysfs/resources.ts';
import { openSysfs } from '../../../../operator/hypervisor/sysfs/sysfs.ts';
import { systemClock } from '../../../../operator/runtime/ports.ts';
import { server } from '../../../support/host-descriptions.ts';
import { type SysfsTree, sysfsTree } from '../../../support/sysfs-tree.ts';

const at = '0000:03:00.0';
const hex = (value: bigint): string => `0x${value.toString(16).padStart(16, '0')}`;
const line = (start: bigint, end: bigint, flags: bigint): string => `${hex(start)} ${hex(end)} ${hex(flags)}`;
const [port, memory, memory64] = [0x40101n, 0x40200n, 0x14220cn];
const empty = line(0n, 0n, 0n);

describe('ports and memory of a device', () => {
  test.each<[string, string[], object]>([
    ['nothing', [empty, empty], { ports: [], memory: [] }],
    ['ports', [line(0x4000n, 0x401fn, port)], { ports: [{ first: 0x4000, count: 32 }], memory: [] }],
    [
      'memory, in pages',
      [line(0x9d900000n, 0x9d90ffffn, memory)],
      { ports: [], memory: [{ firstPage: 0x9d900, pages: 16 }] },
    ],
    [
      'less than a page',
      [line(0xf7d1c000n, 0xf7d1c7ffn, memory)],
      { ports: [], memory: [{ firstPage: 0xf7d1c, pages: 1 }] },
    ],
    [
      'less than a page, over its end',
      [line(0xf7d1cf00n, 0xf7d1d0ffn, memory)],
      { ports: [], memory: [{ firstPage: 0xf7d1c, pages: 2 }] },
    ],
    [
      'beyond 4 GiB, and larger than that: not cut to 32 bits',
      [line(0x383fc0000000n, 0x38400fffffffn + 0x100000000n, memory64)],
      { ports: [], memory: [{ firstPage: 0x383fc0000, pages: 0x150000 }] },
    ],
    [
      'the ROM is the last: windows and virtual functions are not the device’s own',
      [empty, empty, empty, empty, empty, empty, line(0x1000n, 0x1fffn, memory), line(0x5000n, 0x5fffn, memory)],
      { ports: [], memory: [{ firstPage: 1, pages: 1 }] },
    ],
    ['what is neither', [line(0x1000n, 0x1fffn, 0x400n)], { ports: [], memory: [] }],
  ])('%s', (_, lines, expected) => {
    expect(parseResources(`${lines.join('\n')}\n`, at)).toEqual(expected);
  });

  test.each([
    ['garbage', 'garbage'],
    ['two words', '0x1000 0x1fff'],
    ['the end before the start', line(0x2000n, 0x1000n, memory)],
    ['a port that is none', line(0x10000n, 0x10001n, port)],
    ['more bits than there are', line(0x1000n, 1n << 52n, memory)],
    ['a sign', '-0x1000 0x1fff 0x200'],
  ])('%s: nothing is granted rather than half of it', (_, text) => {
    expect(() => parseResources(`${empty}\n${text}\n`, at)).toThrow(expect.objectContaining({ code: 'Failed' }));
  });

  test('every byte of a range is in its pages, and no page too many', () => {
    const page = 4096n;
    fc.assert(
      fc.property(fc.bigInt(1n, (1n << 51n) - 1n), fc.bigInt(0n, 1n << 40n), (start, more) => {
        const end = start + more;
        const [range] = parseResources(line(start, end, memory64), at).memory;
        const first = BigInt(range!.firstPage) * page;
        const last = first + BigInt(range!.pages) * page - 1n;
        expect(first <= start && start < first + page && last >= end && last - page < end).toBe(true);
      }),
    );
  });
});

describe('the interrupt', () => {
  test.each([
    ['34\n', 34],
    ['0\n', undefined],
    ['255\n', undefined],
    ['2147483648\n', undefined],
    ['-1\n', undefined],
    ['x', undefined],
    [undefined, undefined],
  ])('%j is %p', (text, expected) => {
    expect(parseIrq(text)).toBe(expected);
  });
});

describe('of a host', () => {
  let tree: SysfsTree;
  beforeAll(async () => {
    tree = await sysfsTree(server);
  });
  afterAll(async () => tree.remove());

  test('what is to be granted and revoked', async () => {
    const pci = createHostPci(openSysfs(tree.root), systemClock);
    expect(await pci.resources('0000:18:00.0')).toEqual({
      ports: [{ first: 0x4000, count: 256 }],
      memory: [
        { firstPage: 0x9d900, pages: 16 },
        { firstPage: 0x9d800, pages: 256 },
        { firstPage: 0x9d700, pages: 256 },
      ],
      irq: 34,
    });
    await expect(pci.resources('0000:7f:00.0')).rejects.toMatchObject({ code: 'NoSuchDevice' });
  });
});
