import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { readInventory } from '../../../../operator/hypervisor/sysfs/inventory.ts';
import { openSysfs } from '../../../../operator/hypervisor/sysfs/sysfs.ts';
import { type HostDescription, type SysfsTree, sysfsTree } from '../../../support/sysfs-tree.ts';

const at = '0000:03:00.0';
const host: HostDescription = { pci: [{ at, ids: '8086:1521', class: '0c0330', driver: 'xhci_hcd', group: 1 }] };
const folder = `sys/devices/pci0000:03/${at}`;

const trees: SysfsTree[] = [];
afterEach(async () => {
  await Promise.all(trees.splice(0).map(async (tree) => tree.remove()));
});

async function treeOf(description: HostDescription): Promise<string> {
  const tree = await sysfsTree(description);
  trees.push(tree);
  return tree.root;
}

async function replaceLink(root: string, path: string, target: string): Promise<void> {
  await rm(join(root, path), { recursive: true, force: true });
  await symlink(target, join(root, path));
}

describe('attributes that make no sense', () => {
  test.each([
    ['vendor', 'garbage'],
    ['device', '0x15211521\n'],
    ['class', '0x02\n'],
    ['class', '020000\n'],
    ['vendor', ' '.repeat(5000)],
  ])('%s %j: the device is not listed, and it is said why', async (file, content) => {
    const root = await treeOf(host);
    await writeFile(join(root, folder, file), content);
    const { devices, skipped } = await readInventory(openSysfs(root));
    expect(devices).toEqual([]);
    expect(skipped).toEqual([{ name: at, why: 'vendor, device, class or path cannot be read' }]);
  });

  test.each(['-1\n', '-5\n', '4096\n', '1e3\n', 'NaN', '', '99999999999999999999\n'])(
    'node %j is none',
    async (content) => {
      const root = await treeOf(host);
      await writeFile(join(root, folder, 'numa_node'), content);
      expect((await readInventory(openSysfs(root))).devices[0]).not.toHaveProperty('numaNode');
    },
  );

  test('a pipe in the place of an attribute does not hold anybody up', async () => {
    const root = await treeOf(host);
    await rm(join(root, folder, 'vendor'));
    execFileSync('mkfifo', [join(root, folder, 'vendor')]);
    expect((await readInventory(openSysfs(root))).devices).toEqual([]);
  });

  test('what is at another place of the file system is not read', async () => {
    const root = await treeOf(host);
    await writeFile(join(root, 'elsewhere'), '0x8086\n');
    await replaceLink(root, `${folder}/vendor`, join(root, 'elsewhere'));
    expect((await readInventory(openSysfs(root))).skipped).toHaveLength(1);
  });
});

describe('links that lead out of the tree', () => {
  test.each([
    ['driver', '/etc/passwd', 'unknown: driver cannot be read'],
    ['driver', '../../../../../../../../etc', 'unknown: driver cannot be read'],
    ['driver', '../../../bus/pci/drivers/a b', 'unknown: driver cannot be read'],
    ['iommu_group', '../../../kernel/iommu_groups/x', 'unknown: iommu_group cannot be read'],
    ['iommu_group', '/1', 'unknown: iommu_group cannot be read'],
  ])('%s → %s: the device counts as in use', async (file, target, expected) => {
    const root = await treeOf(host);
    await replaceLink(root, `${folder}/${file}`, target);
    expect((await readInventory(openSysfs(root))).devices[0]?.hostUse).toBe(expected);
  });

  test('a device that is elsewhere is not listed', async () => {
    const root = await treeOf(host);
    await replaceLink(root, `sys/bus/pci/devices/${at}`, '/tmp');
    expect((await readInventory(openSysfs(root))).devices).toEqual([]);
  });

  test('a disk or an interface that is elsewhere leaves doubts', async () => {
    const root = await treeOf(host);
    await symlink('/tmp', join(root, 'sys/class/block/sdx'));
    await symlink('/tmp', join(root, 'sys/class/net/eth9'));
    const { doubts, devices } = await readInventory(openSysfs(root));
    expect(doubts).toEqual([
      { about: 'disks', why: 'block devices: ELOOP' },
      { about: 'nics', why: 'interfaces: ELOOP' },
    ]);
    expect(devices[0]?.hostUse).toBe('unknown: block devices: ELOOP');
  });
});

describe('size', () => {
  test('a table of mounts beyond the cap is a doubt, not an hour', async () => {
    const root = await treeOf(host);
    await writeFile(join(root, 'proc/1/mountinfo'), Buffer.alloc((16 << 20) + 1, 'x'));
    const { doubts } = await readInventory(openSysfs(root));
    expect(doubts).toEqual([{ about: 'disks', why: 'proc/1/mountinfo: EFBIG' }]);
  });

  test('two thousand devices, in order', async () => {
    const root = await treeOf({});
    const addresses = Array.from({ length: 2000 }, (_, index) => {
      const [bus, slot] = [Math.floor(index / 32), index % 32].map((part) => part.toString(16).padStart(2, '0'));
      return `0000:${bus}:${slot}.0`;
    });
    for (const address of addresses) {
      const path = join(root, 'sys/devices/pci0000:00', address);
      await mkdir(path, { recursive: true });
      await Promise.all([
        writeFile(join(path, 'vendor'), '0x8086\n'),
        writeFile(join(path, 'device'), '0x1520\n'),
        writeFile(join(path, 'class'), '0x0c0330\n'),
        symlink(`../../../devices/pci0000:00/${address}`, join(root, 'sys/bus/pci/devices', address)),
      ]);
    }
    const { devices } = await readInventory(openSysfs(root));
    expect(devices.map(({ address }) => address)).toEqual(addresses);
  });

  test('what has no address of four, two, two and one digits is not listed', async () => {
    const root = await treeOf(host);
    for (const name of ['10000:e1:00.0', '0000:03:20.0', '\u001b[2J', 'x'.repeat(200)]) {
      await symlink('../../../devices', join(root, 'sys/bus/pci/devices', name));
    }
    const { devices, skipped } = await readInventory(openSysfs(root));
    expect(devices).toHaveLength(1);
    expect(skipped.map(({ name }) => name).sort()).toEqual(['0000:03:20.0', '10000:e1:00.0', '?', '?']);
  });
});

describe('writing', () => {
  test('goes to what is there, in one piece, and makes nothing', async () => {
    const root = await treeOf({ files: { 'sys/attribute': '' } });
    const sysfs = openSysfs(root);
    await sysfs.write('sys/attribute', at);
    expect(await readFile(join(root, 'sys/attribute'), 'utf8')).toBe(at);
    await expect(sysfs.write('sys/other', at)).rejects.toMatchObject({ code: 'ENOENT', path: 'sys/other' });
    await replaceLink(root, 'sys/attribute', join(root, 'sys/elsewhere'));
    await expect(sysfs.write('sys/attribute', at)).rejects.toMatchObject({ code: 'ELOOP' });
    await expect(sysfs.write('sys', at)).rejects.toMatchObject({ code: 'EISDIR' });
  });
});
