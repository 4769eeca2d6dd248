import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { constants } from 'node:os';
import { promisify } from 'node:util';
import { HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import { type Libxenctrl, openLibxenctrl } from '../../../../operator/hypervisor/libxenctrl/libxenctrl.ts';
import {
  type FakeLibxenctrl,
  type FakeLibxenctrlOptions,
  type FakeLibxenctrls,
  capturedStructures,
  fakeLibxenctrls,
  haveCompiler,
} from '../../../support/fake-libxenctrl.ts';

const { errno } = constants;
const bdf = '0000:00:10.0';

let compiler = false;
let fakes: FakeLibxenctrls;
beforeAll(async () => {
  compiler = await haveCompiler();
  fakes = await fakeLibxenctrls();
});
afterAll(async () => fakes.remove());

const opened: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const it of opened.splice(0).reverse()) await it.close();
});

async function fake(options?: FakeLibxenctrlOptions): Promise<FakeLibxenctrl> {
  const made = await fakes.make(options);
  opened.push({ close: async () => made.remove() });
  return made;
}

function open(host: FakeLibxenctrl): Libxenctrl {
  const libxenctrl = openLibxenctrl({ root: host.root, library: host.library, architecture: 'x64' });
  opened.push(libxenctrl);
  return libxenctrl;
}

async function ready(options?: FakeLibxenctrlOptions): Promise<{ host: FakeLibxenctrl; xen: Libxenctrl }> {
  const host = await fake(options);
  const xen = open(host);
  await host.calls();
  return { host, xen };
}

/** A test that needs the library; without a compiler it says so by its name only, `haveCompiler` having spoken. */
function withLibrary(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    if (compiler) await work();
  });
}

async function failureOf(work: Promise<unknown> | (() => unknown)): Promise<{ code: string; message: string }> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    if (error instanceof HypervisorError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('it did not fail');
}

withLibrary('each call reaches the library with its arguments in their order and in their whole width', async () => {
  const { host, xen } = await ready();
  await xen.setTarget(2, 1);
  await xen.ioportPermission(2, 0xc100, 32, true);
  await xen.ioportPermission(2, 0, 65_536, false);
  await xen.iomemPermission(2, 0xfeb60, 32, true);
  await xen.iomemPermission(2, 0xff_ffff_fff0, 16, false);
  await xen.irqPermission(2, 300, true);
  await xen.irqPermission(2, 300, false);
  expect(await xen.mapPirq(2, 20)).toBe(21);
  await xen.unmapPirq(2, 21);
  await xen.assign(1, 'ffff:fe:1f.7', { rdmRelaxed: true });
  await xen.assign(1, bdf, { rdmRelaxed: false });
  await xen.deassign(1, bdf);
  expect(await xen.testAssign(bdf)).toEqual({ assignable: true });
  expect(await xen.testAssign(bdf, 1)).toEqual({ assignable: true });
  expect(await host.calls()).toEqual([
    'xc_domain_set_target 2 1',
    'xc_domain_ioport_permission 2 0xc100 32 1',
    'xc_domain_ioport_permission 2 0x0 65536 0',
    'xc_domain_iomem_permission 2 0xfeb60 32 1',
    'xc_domain_iomem_permission 2 0xfffffffff0 16 0',
    'xc_domain_irq_permission 2 300 1',
    'xc_domain_irq_permission 2 300 0',
    'xc_physdev_map_pirq 2 20 20',
    'xc_physdev_unmap_pirq 2 21',
    'xc_assign_device 1 0xfffffeff 1',
    'xc_assign_device 1 0x80 0',
    'xc_deassign_device 1 0x80',
    'xc_test_assign_device 0x7ff4 0x80',
    'xc_test_assign_device 0x1 0x80',
  ]);
});

withLibrary('domains, memory and abilities are read from the structures that the library fills', async () => {
  const { xen } = await ready();
  expect(xen.version).toBe('4.17.7');
  expect((await xen.domains()).map(({ domid, hvm }) => [domid, hvm])).toEqual([
    [0, false],
    [1, true],
    [2, false],
  ]);
  expect(await xen.physicalMemory()).toEqual({ totalMiB: 3071, freeMiB: 1756 });
  expect(await xen.capabilities()).toEqual({ hvm: true, directIo: true });
});

withLibrary('all domains are listed, however many there are', async () => {
  const { host, xen } = await ready();
  const { domains } = await capturedStructures();
  const ids = Array.from({ length: 600 }, (_, index) => index * 3);
  const many = ids.map((domid) => {
    const bytes = Buffer.from(domains.subarray(112, 224));
    bytes.writeUInt16LE(domid, 0);
    return bytes;
  });
  await host.setDomains(Buffer.concat(many));
  expect((await xen.domains()).map(({ domid }) => domid)).toEqual(ids);
  expect(await host.calls()).toEqual([
    'xc_domain_getinfolist 0 256',
    'xc_domain_getinfolist 766 256',
    'xc_domain_getinfolist 1534 256',
  ]);
});

withLibrary('calls on one handle never run at once, and closing waits for them', async () => {
  const { host, xen } = await ready();
  const calls = Array.from({ length: 40 }, async (_, port) => xen.ioportPermission(3, port, 1, true));
  await Promise.all([...calls, xen.close()]);
  expect(await host.calls()).toEqual([
    ...Array.from({ length: 40 }, (_, port) => `xc_domain_ioport_permission 3 0x${port.toString(16)} 1 1`),
    'handles open: 0',
  ]);
});

withLibrary('after it is closed nothing is called, and closing again is no error', async () => {
  const { host, xen } = await ready();
  await xen.close();
  await xen.close();
  expect(await failureOf(xen.domains())).toMatchObject({ code: 'Unavailable' });
  expect(await host.calls()).toEqual(['handles open: 0']);
});

const failures: readonly (readonly [keyof typeof errno, string])[] = [
  ['ESRCH', 'NoSuchDomain'],
  ['ENODEV', 'NoSuchDevice'],
  ['EBUSY', 'DeviceInUse'],
  ['EPERM', 'Unavailable'],
  ['EACCES', 'Unavailable'],
  ['ENOSYS', 'NotSupported'],
  ['EOPNOTSUPP', 'NotSupported'],
  ['ENOMEM', 'NoMemory'],
  ['EINVAL', 'InvalidArgument'],
  ['EIO', 'Failed'],
  ['EXDEV', 'Failed'],
];

withLibrary('an errno that the library sets on another thread becomes the code that it means', async () => {
  const { host, xen } = await ready();
  const seen: unknown[] = [];
  for (const [name] of failures) {
    await host.answer('xc_domain_ioport_permission', -1, errno[name]);
    const { code, message } = await failureOf(xen.ioportPermission(9, 0xc100, 32, true));
    expect(message).toMatch(/^Cannot grant domain 9 32 I\/O ports from 49408 on: the hypervisor said \S.*: .*\.$/);
    seen.push([name, code]);
  }
  expect(seen).toEqual(failures);
});

withLibrary('the IOMMU that is off, and the device that has an owner, are named', async () => {
  const { host, xen } = await ready();
  const assigning = async (name: keyof typeof errno): Promise<{ code: string; message: string }> => {
    await host.answer('xc_assign_device', -1, errno[name]);
    return failureOf(xen.assign(1, bdf, { rdmRelaxed: false }));
  };
  expect(await assigning('EOPNOTSUPP')).toMatchObject({
    code: 'NotSupported',
    message: expect.stringContaining('IOMMU'),
  });
  expect(await assigning('ENOSYS')).toMatchObject({ code: 'NotSupported', message: expect.stringContaining('IOMMU') });
  expect(await assigning('EBUSY')).toMatchObject({ code: 'DeviceInUse' });
  expect(await assigning('ENODEV')).toMatchObject({ code: 'NoSuchDevice' });
  await host.answer('xc_test_assign_device', -1, errno.EINVAL);
  expect(await xen.testAssign(bdf)).toMatchObject({ assignable: false, reason: { code: 'DeviceInUse' } });
  await host.answer('xc_test_assign_device', -1, errno.EPERM);
  expect(await failureOf(xen.testAssign(bdf))).toMatchObject({ code: 'Unavailable' });
  await host.answer('xc_domain_irq_permission', -1, errno.EPERM);
  expect(await failureOf(xen.irqPermission(1, 200, true))).toMatchObject({ code: 'NoSuchDevice' });
});

withLibrary('what is done already is no error, and what is not is', async () => {
  const { host, xen } = await ready();
  expect(await xen.setTarget(2, 1)).toBe('Set');
  await host.answer('xc_domain_set_target', -1, errno.EINVAL);
  expect(await xen.setTarget(2, 1)).toBe('AlreadySet');
  await host.answer('xc_domain_set_target', -1, errno.ESRCH);
  expect(await failureOf(xen.setTarget(2, 1))).toMatchObject({ code: 'NoSuchDomain' });
  await host.answer('xc_physdev_unmap_pirq', -1, errno.EINVAL);
  await xen.unmapPirq(2, 10);
  await host.answer('xc_physdev_unmap_pirq', -1, errno.ESRCH);
  expect(await failureOf(xen.unmapPirq(2, 10))).toMatchObject({ code: 'NoSuchDomain' });
  await host.answer('xc_deassign_device', -1, errno.ENODEV);
  await xen.deassign(1, bdf);
  await host.answer('xc_deassign_device', -1, errno.ESRCH);
  expect(await failureOf(xen.deassign(1, bdf))).toMatchObject({ code: 'NoSuchDomain' });
});

withLibrary('numbers that no host has never reach the library', async () => {
  const { host, xen } = await ready();
  const refused = [
    xen.setTarget(0x7ff0, 1),
    xen.setTarget(-1, 1),
    xen.setTarget(1.5, 1),
    xen.setTarget(3, 3),
    xen.ioportPermission(1, 65_536, 1, true),
    xen.ioportPermission(1, 65_535, 2, true),
    xen.ioportPermission(1, 0, 0, true),
    xen.iomemPermission(1, 2 ** 40, 1, true),
    xen.iomemPermission(1, 1, 2 ** 40, true),
    xen.iomemPermission(1, 0, 0, true),
    xen.iomemPermission(1, Number.NaN, 1, true),
    xen.irqPermission(1, 65_536, true),
    xen.mapPirq(1, -1),
    xen.unmapPirq(1, -1),
    xen.testAssign('0000:00:10'),
    xen.assign(1, '10000:00:10.0', { rdmRelaxed: false }),
    xen.deassign(1, '0000:00:20.0'),
  ];
  for (const call of refused) expect(await failureOf(call)).toMatchObject({ code: 'InvalidArgument' });
  expect(await host.calls()).toEqual([]);
});

withLibrary('whatever the first question about a device finds, the library is good if it may be asked', async () => {
  const host = await fake();
  for (const name of ['EINVAL', 'ENODEV', 'EOPNOTSUPP', 'ENOSYS'] as const) {
    await host.answer('xc_test_assign_device', -1, errno[name]);
    expect(open(host).version).toBe('4.17.7');
  }
});

withLibrary('the structures and prototypes of 4.14 are its own', async () => {
  const host = await fake({ domainInfoSize: 104, physicalInfoSize: 104, defines: ['OLD_IRQ_PERMISSION'] });
  await host.write('sys/hypervisor/version/minor', '14\n');
  await host.answer('xc_version', 0x4000e, 0);
  const { domains } = await capturedStructures();
  await host.setDomains(Buffer.concat([0, 112, 224].map((at) => domains.subarray(at, at + 104))));
  const xen = open(host);
  expect((await xen.domains()).map(({ memoryMiB }) => memoryMiB)).toEqual([1024, 59, 196]);
  await host.calls();
  await xen.irqPermission(1, 255, true);
  expect(await failureOf(xen.irqPermission(1, 256, true))).toMatchObject({ code: 'NotSupported' });
  expect(await host.calls()).toEqual(['xc_domain_irq_permission 1 255 1']);
});

interface Refusal {
  readonly what: string;
  readonly options?: FakeLibxenctrlOptions;
  readonly change?: (host: FakeLibxenctrl) => Promise<void>;
  readonly code: string;
  readonly says: string;
}

const refusals: readonly Refusal[] = [
  {
    what: 'a machine without Xen',
    change: async (host) => host.write('sys/hypervisor/type', 'kvm\n'),
    code: 'NotSupported',
    says: 'does not run under Xen',
  },
  {
    what: 'a domain that is not dom0',
    change: async (host) => host.write('sys/hypervisor/properties/features', '000220f0\n'),
    code: 'NotSupported',
    says: 'not dom0',
  },
  {
    what: 'features that are garbage',
    change: async (host) => host.write('sys/hypervisor/properties/features', '0x;rm -rf'),
    code: 'NotSupported',
    says: 'not dom0',
  },
  {
    what: 'a release that is garbage',
    change: async (host) => host.write('sys/hypervisor/version/minor', '../../17'),
    code: 'NotSupported',
    says: 'release of Xen is not known',
  },
  {
    what: 'a release that nobody read',
    change: async (host) => host.write('sys/hypervisor/version/minor', '99'),
    code: 'NotSupported',
    says: 'Xen 4.99 runs, and its hypercalls are not known here',
  },
  {
    what: 'a hypervisor of another release than sysfs says',
    change: async (host) => host.answer('xc_version', 0x40012, 0),
    code: 'NotSupported',
    says: 'says that it is Xen 4.18',
  },
  { what: 'domains of another size', options: { domainInfoSize: 120 }, code: 'NotSupported', says: 'other structures' },
  {
    what: 'domains of a smaller size',
    options: { domainInfoSize: 104 },
    code: 'NotSupported',
    says: 'other structures',
  },
  {
    what: 'host facts of another size',
    options: { physicalInfoSize: 104 },
    code: 'NotSupported',
    says: 'other structures',
  },
  {
    what: 'a library without a function',
    options: { defines: ['WITHOUT_ASSIGN'] },
    code: 'NotSupported',
    says: 'has no xc_assign_device',
  },
  {
    what: 'a hypervisor that does not take the library',
    change: async (host) => host.answer('xc_domain_getinfolist', -1, errno.EACCES),
    code: 'Unavailable',
    says: 'built for another Xen',
  },
  {
    what: 'a hypervisor that takes the lists of the library but not what it changes',
    change: async (host) => host.answer('xc_test_assign_device', -1, errno.EACCES),
    code: 'Unavailable',
    says: 'built for another Xen',
  },
  {
    what: 'a hypervisor that cannot be opened',
    change: async (host) => host.answer('xc_interface_open', -1, errno.ENOENT),
    code: 'Unavailable',
    says: 'ENOENT',
  },
];

test.each(refusals)('$what is refused, with the next step, and no handle is left open', async (refusal) => {
  if (!compiler) return;
  const host = await fake(refusal.options);
  await refusal.change?.(host);
  const { code, message } = await failureOf(() => open(host));
  expect({ code, message }).toEqual({ code: refusal.code, message: expect.stringContaining(refusal.says) });
  expect(message).toMatch(/\. [A-Z][^.]*.*\.$/);
  const handles = (await host.calls()).filter((line) => line.startsWith('handles') || line.includes('closed'));
  expect(['handles open: 0', undefined]).toContain(handles.at(-1));
});

withLibrary('a library that is not there is refused', async () => {
  const host = await fake();
  const opening = (): unknown => openLibxenctrl({ root: host.root, library: `${host.library}.1`, architecture: 'x64' });
  expect(await failureOf(opening)).toEqual({
    code: 'Unavailable',
    message: expect.stringContaining('libxenctrl.so.4.17 cannot be loaded. Install'),
  });
});

withLibrary('a host without the device for hypercalls, and another kind of machine, are refused', async () => {
  const host = await fake();
  const opening = (architecture: string) => (): unknown =>
    openLibxenctrl({
      root: architecture === 'x64' ? `${host.root}/../bare` : host.root,
      library: host.library,
      architecture,
    });
  expect(await failureOf(opening('arm64'))).toMatchObject({ code: 'NotSupported' });
  for (const name of ['type', 'properties/features', 'version/major', 'version/minor']) {
    const values: Record<string, string> = {
      type: 'xen',
      'properties/features': '800',
      'version/major': '4',
      'version/minor': '17',
    };
    await host.write(`../bare/sys/hypervisor/${name}`, values[name]!);
  }
  expect(await failureOf(opening('x64'))).toEqual({
    code: 'Unavailable',
    message: expect.stringContaining('there is no /dev/xen/privcmd'),
  });
});

test('koffi is not loaded before a handle is opened', async () => {
  const file = new URL('../../../../operator/hypervisor/libxenctrl/libxenctrl.ts', import.meta.url).href;
  const program = `
    import { createRequire } from 'node:module';
    const { openLibxenctrl } = await import(${JSON.stringify(file)});
    const loaded = () => Object.keys(createRequire(${JSON.stringify(file)}).cache).some((path) => path.includes('koffi'));
    let code;
    try { openLibxenctrl({ root: '/nonexistent' }); } catch (error) { code = error.code; }
    const before = loaded();
    createRequire(${JSON.stringify(file)})('koffi');
    console.log(code, before, loaded());`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    env: { ...process.env, NODE_OPTIONS: '--no-warnings' },
  });
  expect(stdout).toBe('NotSupported false true\n');
});
