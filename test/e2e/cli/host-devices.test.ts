import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { desktop, server } from '../../support/host-descriptions.ts';
import { type Ended, StubdomProcess } from '../../support/stubdom.ts';
import { type SysfsTree, sysfsTree } from '../../support/sysfs-tree.ts';

let rack: SysfsTree;
let home: SysfsTree;
beforeAll(async () => {
  [rack, home] = await Promise.all([sysfsTree(server), sysfsTree(desktop)]);
});
afterAll(async () => {
  await Promise.all([rack.remove(), home.remove()]);
});

const run = async (...args: string[]): Promise<Ended> => new StubdomProcess(['host-devices', ...args]).ended;

describe('stubdom host-devices', () => {
  test('prints what a host has, and what guests could have of it', async () => {
    const { code, stdout, stderr } = await run('--root', home.root);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toBe(
      [
        'ADDRESS        ID          CLASS    DRIVER          GROUP   NUMA   OFFERED      USED BY THE HOST',
        '0000:00:00.0   8086:191f   060000   -               -       -      no           bridge',
        '0000:00:01.0   8086:1901   060400   pcieport        -       -      no           bridge',
        '0000:00:02.0   8086:1912   030000   i915            -       -      no           boot graphics',
        '0000:00:14.0   8086:a12f   0c0330   xhci_hcd        -       -      no           root disk',
        '0000:00:17.0   8086:a102   010601   ahci            -       -      with Seize   -',
        '0000:00:1c.0   8086:a110   060400   pcieport        -       -      no           bridge',
        '0000:00:1f.3   8086:a170   040300   snd_hda_intel   -       -      with Seize   -',
        '0000:00:1f.6   8086:15b8   020000   e1000e          -       -      no           default route, address of eth0',
        '0000:01:00.0   10de:1c82   030000   pciback         -       -      yes          -',
        '0000:01:00.1   10de:0fb9   040300   pciback         -       -      yes          -',
        '0000:02:00.0   1b21:1080   060401   -               -       -      no           bridge',
        '0000:03:01.0   1102:0007   040100   snd_ca0106      8192    -      with group   -',
        '0000:03:02.0   104c:8024   0c0010   firewire_ohci   8192    -      with group   -',
        '0000:04:00.0   144d:a804   010802   nvme            -       -      no           disk of /home, encrypted disk',
        '0000:05:00.0   1912:0014   0c0330   -               -       -      with Seize   -',
        '0000:06:00.0   9710:9912   070002   serial          -       -      no           console ttyS4',
        '0000:07:00.0   1002:699f   030000   amdgpu          -       -      no           frame buffer fb1',
        '',
      ].join('\n'),
    );
  });

  test('as JSON, with the words that a PciAttachment would get', async () => {
    const { code, stdout } = await run('--root', rack.root, '-o', 'json');
    expect(code).toBe(0);
    const { devices, skipped, doubts } = JSON.parse(stdout) as Record<string, Record<string, unknown>[]>;
    expect([skipped, doubts]).toEqual([[], []]);
    expect(devices?.find(({ address }) => address === '0000:18:00.0')).toMatchObject({
      offered: 'no',
      numaNode: 0,
      uses: ['root disk', 'boot disk', 'swap disk', 'LVM volume'],
      message: expect.stringContaining("holds the host's root disk and is never given away"),
    });
    expect(devices?.find(({ address }) => address === '0000:00:14.0')).toMatchObject({
      offered: 'no',
      uses: [],
      message:
        "0000:00:14.0 shares IOMMU group 3 with 0000:00:14.2, which holds the host's memory controller. Choose another device, or put the card into another slot of the host.",
    });
  });

  test('what cannot be read is said, and counts as in use', async () => {
    const tree = await sysfsTree(desktop);
    try {
      await rm(join(tree.root, 'proc/1/mountinfo'));
      const { code, stdout, stderr } = await run('--root', tree.root);
      expect(code).toBe(0);
      expect(stdout).toMatch(/^0000:00:17\.0 .* ahci .* no {11}unknown: proc\/1\/mountinfo: ENOENT$/m);
      expect(stderr).toContain(
        'Some disks count as in use, because it is not known which are: proc/1/mountinfo: ENOENT.',
      );
    } finally {
      await tree.remove();
    }
  });

  test('of the machine that the tests run on', async () => {
    const { code, stderr } = await run();
    expect([0, 1]).toContain(code);
    expect(stderr).not.toContain('internal error');
  });

  test.each([
    [['--root', '/nonexistent'], 1, /no sys\/bus\/pci\/devices\..*--root/],
    [['-o', 'yaml'], 2, /--output is table or json/],
    [['0000:03:00.0'], 2, /too many arguments/],
  ])('%j is refused with what to do', async (args, expected, says) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([expected, '']);
    expect(stderr).toMatch(says);
  });
});
