import { readFile, readlink, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type Pciback, createPciback } from '../../../../operator/hypervisor/sysfs/pciback.ts';
import { createHostPci } from '../../../../operator/hypervisor/sysfs/host-pci.ts';
import { systemClock } from '../../../../operator/runtime/ports.ts';
import { type LiveOptions, type LiveSysfs, liveSysfs } from '../../../support/live-sysfs.ts';
import { manualClock } from '../../../support/manual-clock.ts';
import { type HostDescription, type SysfsTree, sysfsTree } from '../../../support/sysfs-tree.ts';

const nic = '0000:03:00.0';
const bare = '0000:04:00.0';
const held = '0000:05:00.0';
const disk = '0000:06:00.0';
const host: HostDescription = {
  drivers: ['pciback', 'igb', 'e1000e'],
  pci: [
    { at: nic, ids: '8086:1521', class: '020000', driver: 'igb', group: 1 },
    { at: bare, ids: '8086:1521', class: '020000', group: 2 },
    { at: held, ids: '8086:1521', class: '020000', driver: 'pciback', group: 3, canReset: false },
    { at: disk, ids: '144d:a808', class: '010802', driver: 'nvme', group: 4 },
  ],
  nics: [{ name: 'eth0', on: nic }],
  blocks: [{ name: 'nvme0n1', number: '259:0', on: disk, through: 'nvme/nvme0' }],
  mounts: { '/': 'nvme0n1' },
  files: { 'sys/bus/pci/drivers/pciback/slots': `${held}\n`, 'sys/bus/pci/drivers/pciback/permissive': '' },
};

const trees: SysfsTree[] = [];
afterEach(async () => {
  await Promise.all(trees.splice(0).map(async (tree) => tree.remove()));
});

interface Bench {
  readonly root: string;
  readonly sysfs: LiveSysfs;
  readonly pciback: Pciback;
}

async function bench(options: LiveOptions = {}, description: HostDescription = host): Promise<Bench> {
  const tree = await sysfsTree(description);
  trees.push(tree);
  return again(tree.root, options);
}

/** Another process on the same host. */
function again(root: string, options: LiveOptions = {}): Bench {
  const sysfs = liveSysfs(root, options);
  return { root, sysfs, pciback: createPciback(sysfs, systemClock) };
}

/** What the kernel shows of the device: its driver, how often it is in the list of pciback, its resets. */
async function state(root: string, address: string): Promise<string> {
  const device = join(root, 'sys/bus/pci/devices', address);
  const driver = await readlink(join(device, 'driver')).then(basename, () => 'none');
  const slots = await readFile(join(root, 'sys/bus/pci/drivers/pciback/slots'), 'utf8').catch(() => '');
  const times = slots.split('\n').filter((line) => line === address).length;
  return `${driver}, ${times} slots`;
}

describe('binding to pciback', () => {
  test.each<[string, string, string | undefined, number]>([
    ['takes the device from its driver, and says which', nic, 'igb', 3],
    ['one without a driver', bare, undefined, 2],
    ['one that is there already: nothing is written', held, undefined, 0],
  ])('%s', async (_, address, originalDriver, writes) => {
    const { root, sysfs, pciback } = await bench();
    expect(await pciback.bind(address)).toEqual({ originalDriver });
    expect(await state(root, address)).toBe('pciback, 1 slots');
    expect(sysfs.written).toHaveLength(writes);
    expect(await pciback.bind(address)).toEqual({ originalDriver: undefined });
    expect(sysfs.written).toHaveLength(writes);
  });

  test('while others ask for the same device: one after another', async () => {
    const { root, sysfs, pciback } = await bench();
    const bound = await Promise.all([pciback.bind(nic), pciback.bind(nic), pciback.bind(nic)]);
    expect(bound.map(({ originalDriver }) => originalDriver)).toEqual(['igb', undefined, undefined]);
    expect(await state(root, nic)).toBe('pciback, 1 slots');
    expect(sysfs.written).toHaveLength(3);
  });

  test('leaves the device to its driver when the kernel refuses to announce it', async () => {
    const { root, pciback } = await bench({ refuse: { new_slot: 'EACCES' } });
    await expect(pciback.bind(nic)).rejects.toMatchObject({
      code: 'NotSupported',
      message:
        'Cannot announce 0000:03:00.0 to pciback: /sys/bus/pci/drivers/pciback/new_slot said EACCES: the agent is not allowed to. Run it as root in dom0; in a pod, with privileged: true and /sys of the host mounted writable.',
    });
    expect(await state(root, nic)).toBe('igb, 0 slots');
  });

  test('gives the device back to its driver when pciback does not take it', async () => {
    const { root, pciback } = await bench({ refuse: { 'pciback/bind': 'ENODEV' } });
    await expect(pciback.bind(nic)).rejects.toMatchObject({
      code: 'Failed',
      message: expect.stringMatching(/^Cannot bind 0000:03:00\.0 to pciback: .* driver_override of the device/),
    });
    expect(await state(root, nic)).toBe('igb, 0 slots');
  });

  test('a driver that does not let go', async () => {
    const { root, pciback } = await bench({ refuse: { 'igb/unbind': 'EBUSY' } });
    await expect(pciback.bind(nic)).rejects.toMatchObject({ code: 'DeviceInUse' });
    expect((await state(root, nic)).startsWith('igb')).toBe(true);
  });

  test('without xen-pciback, says how to load it', async () => {
    const { pciback } = await bench({}, { pci: host.pci!.filter(({ at }) => at === nic) });
    await expect(pciback.bind(nic)).rejects.toMatchObject({
      code: 'NotSupported',
      message: expect.stringContaining('modprobe xen-pciback'),
    });
  });

  test('another driver_override keeps the device, and is named', async () => {
    const override = { [`sys/bus/pci/devices/${nic}/driver_override`]: 'vfio-pci\n' };
    const { root, pciback } = await bench({}, { ...host, files: { ...host.files, ...override } });
    await expect(pciback.bind(nic)).rejects.toMatchObject({
      code: 'DeviceInUse',
      message: expect.stringContaining('echo > /sys/bus/pci/devices/0000:03:00.0/driver_override'),
    });
    expect(await state(root, nic)).toBe('igb, 0 slots');
  });

  test.each(['0000:7f:00.0', '../../../etc', '0000:03:00.0\n'])('%j is refused', async (address) => {
    const { sysfs, pciback } = await bench();
    await expect(pciback.bind(address)).rejects.toMatchObject({
      code: address === '0000:7f:00.0' ? 'NoSuchDevice' : 'InvalidArgument',
    });
    expect(sysfs.written).toEqual([]);
  });
});

describe('giving back', () => {
  test.each<[string, string, string | undefined, string]>([
    ['to the driver it had', held, 'igb', 'igb, 0 slots'],
    ['to none', held, undefined, 'none, 0 slots'],
    ['to pciback itself is to none', held, 'pciback', 'none, 0 slots'],
    ['what another driver has: left to it', nic, 'e1000e', 'igb, 0 slots'],
    ['what was between drivers when somebody crashed', bare, 'igb', 'igb, 0 slots'],
  ])('%s', async (_, address, driver, expected) => {
    const { root, sysfs, pciback } = await bench();
    await pciback.release(address, driver);
    expect(await state(root, address)).toBe(expected);
    const { length } = sysfs.written;
    await pciback.release(address, driver);
    expect(await state(root, address)).toBe(expected);
    expect(sysfs.written).toHaveLength(length);
  });

  test('to a driver that is not loaded: the device stays, and the message says what to load', async () => {
    const { root, pciback } = await bench();
    await expect(pciback.release(held, 'ixgbe')).rejects.toMatchObject({
      code: 'NotSupported',
      message: expect.stringContaining('modprobe ixgbe'),
    });
    expect(await state(root, held)).toBe('pciback, 1 slots');
  });

  test('a slot that an old kernel lists twice goes whole', async () => {
    const slots = { 'sys/bus/pci/drivers/pciback/slots': `${held}\n0000:09:00.0\n${held}\n` };
    const { root, pciback } = await bench({}, { ...host, files: slots });
    await pciback.release(held, 'igb');
    expect(await readFile(join(root, 'sys/bus/pci/drivers/pciback/slots'), 'utf8')).toBe('0000:09:00.0\n');
  });

  test.each(['../pciback', 'a b', '', 'x'.repeat(65)])('driver %j is refused', async (driver) => {
    const { pciback } = await bench();
    await expect(pciback.release(held, driver)).rejects.toMatchObject({ code: 'InvalidArgument' });
  });
});

describe('reset', () => {
  test('with do_flr where pciback has it, else with the reset of the device', async () => {
    const flr = 'sys/bus/pci/drivers/pciback/do_flr';
    const with1 = await bench({}, { ...host, files: { ...host.files, [flr]: '' } });
    await with1.pciback.reset(held);
    expect(await readFile(join(with1.root, flr), 'utf8')).toBe(`${held}\n`);
    const without = await bench();
    await without.pciback.bind(nic);
    await without.pciback.reset(nic);
    expect(await readFile(join(without.root, 'sys/bus/pci/devices', nic, 'reset'), 'utf8')).toBe('1');
  });

  test.each<[string, string, object]>([
    ['a device that a driver works with', nic, { code: 'DeviceInUse', message: expect.stringContaining('igb') }],
    ['one without any way to be reset', held, { code: 'NotSupported', message: expect.stringContaining('no FLR') }],
    ['one that is gone', '0000:7f:00.0', { code: 'NoSuchDevice' }],
  ])('%s is refused', async (_, address, expected) => {
    const { sysfs, pciback } = await bench();
    await expect(pciback.reset(address)).rejects.toMatchObject(expected);
    expect(sysfs.written).toEqual([]);
  });
});

describe('permissive', () => {
  test('is for devices of pciback alone', async () => {
    const { root, pciback } = await bench();
    await pciback.setPermissive(held);
    expect(await readFile(join(root, 'sys/bus/pci/drivers/pciback/permissive'), 'utf8')).toBe(`${held}\n`);
    await expect(pciback.setPermissive(nic)).rejects.toMatchObject({ code: 'DeviceInUse' });
  });
});

describe('killed at any write and asked again, the end is the same', () => {
  type Verb = (pciback: Pciback) => Promise<unknown>;
  const verbs: readonly (readonly [string, string, Verb, number])[] = [
    ['bind', nic, async (pciback) => pciback.bind(nic), 3],
    ['bind without a driver', bare, async (pciback) => pciback.bind(bare), 2],
    ['release', held, async (pciback) => pciback.release(held, 'igb'), 3],
    ['release to none', held, async (pciback) => pciback.release(held, undefined), 2],
  ];
  const points = verbs.flatMap(([name, address, verb, writes]) =>
    Array.from({ length: writes }, (_, index) => index + 1).flatMap((write) =>
      (['before', 'after'] as const).map((when) => [name, when, write, address, verb] as const),
    ),
  );
  test.each(points)('%s, %s write %i', async (_name, when, write, address, verb) => {
    const whole = await bench();
    await verb(whole.pciback);
    const { root, pciback } = await bench({ killAt: { write, when } });
    await expect(verb(pciback)).rejects.toThrow();
    const next = again(root);
    await verb(next.pciback);
    expect(await state(root, address)).toBe(await state(whole.root, address));
    const { length } = next.sysfs.written;
    await verb(next.pciback);
    expect(next.sysfs.written).toHaveLength(length);
  });

  test('and all of the writes are such points', async () => {
    for (const [, , verb, writes] of verbs) {
      const { sysfs, pciback } = await bench();
      await verb(pciback);
      expect(sysfs.written).toHaveLength(writes);
    }
  });
});

describe('a driver that hangs', () => {
  test('is waited for half a minute; who asks again waits for the same write; the agent keeps its threads', async () => {
    const { root } = await bench();
    const sysfs = liveSysfs(root, { hang: ['unbind'] });
    const clock = manualClock();
    const pciback = createPciback(sysfs, clock);
    const late = async (verb: Promise<unknown>, hang: Promise<unknown>): Promise<void> => {
      const asked = expect(verb).rejects.toMatchObject({
        code: 'Unavailable',
        message: expect.stringContaining('gives no answer'),
      });
      await hang;
      clock.advance(30_000);
      await asked;
    };
    await late(pciback.bind(nic), sysfs.hanging(1));
    await late(
      pciback.bind(nic),
      clock.timerSet(() => true),
    );
    await late(pciback.release(held, undefined), sysfs.hanging(2));
    const unbinds = () => sysfs.written.filter((line) => line.includes('unbind'));
    expect(unbinds()).toHaveLength(2);
    await expect(pciback.bind(bare)).rejects.toMatchObject({
      code: 'Unavailable',
      message: expect.stringContaining('2 writes hang'),
    });
    expect(await state(root, bare)).toBe('none, 0 slots');
    sysfs.answer();
    await expect(pciback.bind(nic)).resolves.toBeDefined();
    expect(await state(root, nic)).toBe('pciback, 1 slots');
  });
});

describe('the PCI side of a host', () => {
  test('what the host needs is not taken from it, even when somebody asks', async () => {
    const { root, sysfs } = await bench();
    const pci = createHostPci(sysfs, systemClock);
    await expect(pci.makeAssignable(disk)).rejects.toMatchObject({
      code: 'DeviceInUse',
      message:
        '0000:06:00.0 is not taken from the host, which needs it (root disk). Choose another device, or free this one in dom0 first.',
    });
    await expect(pci.makeAssignable('0000:7f:00.0')).rejects.toMatchObject({ code: 'NoSuchDevice' });
    expect(sysfs.written).toEqual([]);
    expect(await pci.makeAssignable(nic)).toEqual({ originalDriver: 'igb' });
    expect((await pci.listPciDevices()).map(({ driver }) => driver)).toEqual(['pciback', undefined, 'pciback', 'nvme']);
    await pci.reset(nic);
    await pci.releaseAssignable(nic, 'igb');
    expect(await readdir(join(root, 'sys/bus/pci/devices'))).toHaveLength(4);
    expect((await pci.listPciDevices())[0]).toMatchObject({ address: nic, driver: 'igb' });
  });
});
