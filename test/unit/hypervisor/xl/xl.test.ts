import { chmod, mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { type GuestRequest, HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import { eventually } from '../../../support/eventually.ts';
import { listLine, listScript, infoScript } from '../../../support/fake-xl.ts';
import { domainInfo, fakeXen } from '../../../support/fake-xen.ts';
import { bootID, type XlBench, type XlBenchOptions, xlBench } from '../../../support/xl-bench.ts';

const guest = '7f9afc3f-98e7-473e-b584-b370223dd693';
const stub = 'faa41abc-5dfc-4c08-b3fe-4f69ba1e9e5c';
const other = '3e7b50d5-8418-4cda-99e4-adfcf42d3760';

const benches: XlBench[] = [];
afterEach(async () => {
  await Promise.all(benches.splice(0).map(async (one) => one.close()));
});

async function bench(options?: XlBenchOptions): Promise<XlBench> {
  const one = await xlBench(options);
  benches.push(one);
  return one;
}

const failing = (code: string, words: RegExp) => ({ code, message: expect.stringMatching(words) });

describe('the list of domains', () => {
  const lines = [
    listLine('hvm1', 1, guest, '--p---'),
    listLine('hvm1-dm', 2, stub),
    listLine('saving', 3, other, '---ss-', '2'),
    listLine('going', 4, '11111111-2222-4333-8444-555555555555', '---s-d', '0'),
    listLine('made by hand', 5, '00000000-0000-0000-0000-000000000000'),
  ];
  const infos = [
    domainInfo(1, guest, { paused: true }),
    domainInfo(2, stub, { hvm: false }),
    domainInfo(3, other, { shutdown: true, shutdownReason: 'suspend' }),
    domainInfo(4, '11111111-2222-4333-8444-555555555555', { dying: true, shutdown: true }),
    domainInfo(5, '00000000-0000-0000-0000-000000000000'),
  ];
  const notes = [
    ['/libxl/1/type', 'hvm'],
    ['/libxl/2/type', 'pv'],
    ['/libxl/3/type', 'pvh'],
    ['/local/domain/1/name', 'hvm1'],
    ['/local/domain/2/name', 'hvm1-dm'],
    ['/local/domain/3/name', 'saving'],
  ] as const;
  const expected = [
    {
      domid: 0,
      uuid: '00000000-0000-0000-0000-000000000000',
      name: 'Domain-0',
      type: 'PV',
      memoryMiB: 1024,
      paused: false,
    },
    { domid: 1, uuid: guest, name: 'hvm1', type: 'HVM', memoryMiB: 64, paused: true },
    { domid: 2, uuid: stub, name: 'hvm1-dm', type: 'PV', memoryMiB: 64, paused: false },
    { domid: 3, uuid: other, name: 'saving', type: 'PVH', memoryMiB: 64, paused: false, suspended: true },
  ];

  test('by xl and by hypercall is the same', async () => {
    const byXl = await bench();
    await byXl.fake.on('list', listScript(...lines));
    const byCall = await bench({ xen: fakeXen(infos) });
    for (const { nodes } of [byXl, byCall]) for (const [path, value] of notes) nodes.set(path, value);
    await expect(byXl.hypervisor.listDomains()).resolves.toEqual(expected);
    await expect(byCall.hypervisor.listDomains()).resolves.toEqual(expected);
    expect(await byXl.fake.calls()).toEqual(['list|-v']);
    expect(await byCall.fake.calls()).toEqual([]);
  });

  test('guests of other toolstacks are HVM where they have firmware', async () => {
    const { hypervisor, fake, nodes } = await bench();
    await fake.on('list', listScript(listLine('xapi', 7, guest), listLine('pv', 8, other)));
    nodes.set('/local/domain/7/hvmloader', '');
    const types = (await hypervisor.listDomains()).map(({ domid, type }) => [domid, type]);
    expect(types).toEqual([
      [0, 'PV'],
      [7, 'HVM'],
      [8, 'PV'],
    ]);
  });

  test('goes by xl where the hypercall fails', async () => {
    const xen = fakeXen(infos.slice(0, 1));
    const { hypervisor, fake } = await bench({ xen });
    await fake.on('list', listScript(...lines.slice(0, 1)));
    xen.broken = new HypervisorError('Unavailable', 'the policy forbids it');
    expect((await hypervisor.listDomains()).map(({ domid }) => domid)).toEqual([0, 1]);
    expect(await fake.calls()).toEqual(['list|-v']);
  });

  test('has the names of before while XenStore is away', async () => {
    const { hypervisor, nodes, disconnect } = await bench({ xen: fakeXen(infos.slice(0, 2)) });
    for (const [path, value] of notes) nodes.set(path, value);
    await hypervisor.listDomains();
    disconnect();
    expect((await hypervisor.listDomains()).map(({ name, type }) => [name, type])).toEqual([
      ['Domain-0', 'PV'],
      ['hvm1', 'HVM'],
      ['hvm1-dm', 'PV'],
    ]);
  });

  test('is no list where nothing tells whether a domain is a guest: none is taken for one that is gone', async () => {
    const { hypervisor, fake, nodes, disconnect } = await bench();
    await fake.on('list', listScript(...lines.slice(0, 2)));
    for (const [path, value] of notes) nodes.set(path, value);
    disconnect();
    await expect(hypervisor.listDomains()).rejects.toMatchObject(failing('Unavailable', /XenStore gave no answer/));
  });

  test('has new names, and no control characters', async () => {
    const { hypervisor, nodes } = await bench({ xen: fakeXen(infos.slice(0, 1)) });
    nodes.set('/local/domain/1/name', 'before');
    await hypervisor.listDomains();
    nodes.set('/local/domain/1/name', `new\x1b[2J\n${'x'.repeat(300)}`);
    const name = (await hypervisor.listDomains())[1]?.name;
    expect(name).toMatch(/^new\?\[2J\?x+$/);
    expect(name).toHaveLength(255);
  });

  test.each([
    ['prints garbage', 'echo garbage', failing('Failed', /is no list of domains/)],
    [
      'fails',
      'echo "libxl: error: x.c:1:y: no luck" >&2; exit 1',
      failing('Failed', /Cannot list the domains: xl said: no luck/),
    ],
    ['hangs', 'exec sleep 600', failing('Unavailable', /did not answer in 0.4 s/)],
    [
      'may not speak to the hypervisor',
      'echo "xencall: error: Could not obtain handle on privileged command interface: Permission denied" >&2; exit 1',
      failing('Unavailable', /Run the agent as root in dom0/),
    ],
  ])('is none when xl %s', async (_, script, error) => {
    const { hypervisor, fake } = await bench({ timeouts: { list: 400 } });
    await fake.on('list', script);
    await expect(hypervisor.listDomains()).rejects.toMatchObject(error);
  });
});

describe('what the host is', () => {
  test('as the lab tells it', async () => {
    const { hypervisor } = await bench({ xen: fakeXen() });
    await expect(hypervisor.info()).resolves.toEqual({
      driver: 'xl',
      xenVersion: '4.17.7',
      xenstoreVersion: 'C xenstored 4.17',
      kernelVersion: '6.1.0-56-amd64',
      bootID,
      totalMiB: 3071,
      freeMiB: 1500,
      passthrough: { ok: true },
    });
  });

  test('with memory by xl where hypercalls are not known, and without passthrough', async () => {
    const { hypervisor } = await bench();
    await expect(hypervisor.info()).resolves.toMatchObject({
      freeMiB: 2014,
      passthrough: { ok: false, reason: 'UnknownXenVersion', message: expect.stringMatching(/Xen 4\.99.*newer agent/) },
    });
  });

  test('the IOMMU is off', async () => {
    const xen = fakeXen();
    xen.directIo = false;
    const { hypervisor } = await bench({ xen });
    const { passthrough } = await hypervisor.info();
    expect(passthrough).toMatchObject({
      ok: false,
      reason: 'IommuOff',
      message: expect.stringMatching(/Enable it in the firmware/),
    });
  });

  test('pciback is missing', async () => {
    const { hypervisor } = await bench({ xen: fakeXen(), host: { drivers: ['igb'] } });
    const { passthrough } = await hypervisor.info();
    expect(passthrough).toMatchObject({
      ok: false,
      reason: 'PcibackMissing',
      message: expect.stringMatching(/modprobe xen-pciback/),
    });
  });

  test('hypercalls cannot be made for now', async () => {
    const xen = fakeXen();
    xen.broken = new HypervisorError('Unavailable', 'Run the agent as root in dom0.');
    const { hypervisor, fake } = await bench({ xen });
    await fake.on('info', infoScript());
    await expect(hypervisor.info()).rejects.toMatchObject({ code: 'Unavailable' });
  });

  test('oxenstored, and a daemon that nobody knows', async () => {
    const { hypervisor, put, drop } = await bench();
    await put('proc/148/comm', 'oxenstored\n');
    expect((await hypervisor.info()).xenstoreVersion).toBe('oxenstored 4.17');
    await put('proc/148/cmdline', '/usr/sbin/oxenstored\0');
    expect((await hypervisor.info()).xenstoreVersion).toBe('oxenstored');
    await put('run/xenstored.pid', '1; reboot\n');
    expect((await hypervisor.info()).xenstoreVersion).toBe('unknown');
    await drop('run/xenstored.pid');
    expect((await hypervisor.info()).xenstoreVersion).toBe('unknown');
  });

  test.each<[string, (one: XlBench) => Promise<unknown>, RegExp]>([
    [
      'no Xen',
      async ({ drop }) => Promise.all([drop('proc/xen'), drop('sys/hypervisor')]),
      /This is no Xen host.*Boot it with Xen/,
    ],
    ['no dom0', async ({ put }) => put('proc/xen/capabilities', '\n'), /not its dom0.*Run the agent in dom0/],
    ['a /proc of elsewhere', async ({ drop }) => drop('proc/sys'), /Mount \/proc of dom0/],
    ['xl missing', async ({ fake }) => fake.remove(), /cannot be started \(ENOENT\).*Install/],
    ['xl not executable', async ({ fake }) => chmod(fake.path, 0o600), /cannot be started \(EACCES\)/],
    ['xl hanging', async ({ fake }) => fake.on('info', 'exec sleep 600'), /info did not answer in 0.4 s/],
    [
      'xl printing garbage',
      async ({ fake }) => fake.on('info', 'head -c 100000 /dev/urandom'),
      /does not tell the version/,
    ],
    ['xl flooding', async ({ fake }) => fake.on('info', 'exec yes'), /printed more than|did not answer/],
    [
      'xl of no use',
      async ({ fake }) =>
        fake.on(
          'info',
          'echo "xencall: error: Could not obtain handle on privileged command interface: No such file or directory" >&2; exit 1',
        ),
      /Load the module xen-privcmd/,
    ],
  ])('with %s is an error with the next step', async (_, spoil, words) => {
    const one = await bench({ timeouts: { info: 400 } });
    await spoil(one);
    await expect(one.hypervisor.info()).rejects.toThrow(words);
  });

  test('xenfs that is not mounted is no obstacle', async () => {
    const { hypervisor, drop, put } = await bench();
    await drop('proc/xen');
    await put('sys/hypervisor/properties/features', '000228f0\n');
    await expect(hypervisor.info()).resolves.toMatchObject({ xenVersion: '4.17.7' });
    await put('sys/hypervisor/properties/features', '000220f0\n');
    await expect(hypervisor.info()).rejects.toMatchObject(failing('Unavailable', /not its dom0/));
  });
});

describe('domains', () => {
  test('are not made, but by libxl with their guests', async () => {
    const { hypervisor } = await bench();
    expect(hypervisor.stubDomainsMadeBy).toBe('toolstack');
    const error = failing('NotSupported', /spec\.provisioning to Adopt.*spec\.guest/);
    await expect(hypervisor.createDomain({ uuid: guest, name: 'x', kernel: '/x', memoryMiB: 1 })).rejects.toMatchObject(
      error,
    );
    await expect(hypervisor.setTarget({ domid: 1, uuid: stub }, { domid: 2, uuid: guest })).rejects.toMatchObject(
      error,
    );
  });

  test('are ended when they are the ones that were meant', async () => {
    const { hypervisor, fake } = await bench();
    await fake.on('list', listScript(listLine('a', 7, guest)));
    await fake.on('destroy', ':');
    await hypervisor.destroyDomain({ domid: 7, uuid: other });
    await hypervisor.destroyDomain({ domid: 8, uuid: guest });
    expect((await fake.calls()).filter((call) => call.startsWith('destroy'))).toEqual([]);
    await hypervisor.destroyDomain({ domid: 7, uuid: guest });
    expect((await fake.calls()).filter((call) => call.startsWith('destroy'))).toEqual(['destroy|7']);
  });

  test('that went while they were ended are no error', async () => {
    const { hypervisor, fake } = await bench();
    await fake.on('list', listScript(listLine('a', 7, guest)));
    const gone = join(dirname(fake.path), 'verb-list');
    await fake.on('destroy', `cat >'${gone}' <<'OUT'\n${listScript()}OUT\nexit 1`);
    await expect(hypervisor.destroyDomain({ domid: 7, uuid: guest })).resolves.toBeUndefined();
  });

  test('that do not go are an error', async () => {
    const { hypervisor, fake } = await bench();
    await fake.on('list', listScript(listLine('a', 7, guest)));
    await fake.on('destroy', 'echo "libxl: error: x.c:1:y: Domain 7:Pci shutdown failed" >&2; exit 1');
    await expect(hypervisor.destroyDomain({ domid: 7, uuid: guest })).rejects.toMatchObject(
      failing('Failed', /^Cannot end domain 7: xl said: Pci shutdown failed/),
    );
  });

  test('are unpaused when they are the ones that were meant', async () => {
    const { hypervisor, fake } = await bench();
    await fake.on('list', listScript(listLine('a', 7, guest)));
    await fake.on('unpause', ':');
    await hypervisor.unpauseDomain({ domid: 7, uuid: guest });
    const gone = failing('NoSuchDomain', /has ended/);
    await expect(hypervisor.unpauseDomain({ domid: 7, uuid: other })).rejects.toMatchObject(gone);
    expect((await fake.calls()).filter((call) => call.startsWith('unpause'))).toEqual(['unpause|7']);
  });
});

describe('guests', () => {
  const request: GuestRequest = {
    uuid: guest,
    name: 'g1',
    memoryMiB: 64,
    vcpus: 1,
    bootOrder: 'dc',
    passthrough: true,
    deviceModelArgs: ['a\\b'],
    disks: [],
    nics: [],
    serials: ['pty'],
  };
  const made = [listLine('g1', 7, guest, '--p---'), listLine('g1-dm', 8, stub)];

  /** xl create that keeps a copy of its file and changes the list of domains. */
  async function creating(one: XlBench, lines: readonly string[], end = 'exit 0'): Promise<string> {
    const folder = dirname(one.fake.path);
    const copy = join(folder, 'copy.cfg');
    await one.fake.on(
      'create',
      `cp -p "$3" '${copy}'; cat >'${folder}/verb-list' <<'OUT'\n${listScript(...lines)}OUT\n${end}`,
    );
    return copy;
  }

  test('are made of the defaults and the request, from a file of root alone', async () => {
    const one = await bench();
    const copy = await creating(one, made);
    await writeFile(one.defaultsFile, 'tsc_mode="native"', { mode: 0o644 });
    await expect(one.hypervisor.createGuest(request)).resolves.toEqual({ domid: 7, uuid: guest });
    const text = await readFile(copy, 'utf8');
    expect(text).toMatch(/^tsc_mode="native"\ntype="hvm"\nname="g1"\n/);
    expect(await one.fake.calls()).toContain(`create|-p|-q|${one.fake.runDir}/guest-${guest}.cfg`);
    const { mode } = await stat(copy);
    expect(mode & 0o777).toBe(0o600);
    expect(await readdir(one.fake.runDir)).toEqual([]);
  });

  test('that are there already are the answer', async () => {
    const one = await bench();
    await one.fake.on('list', listScript(...made));
    await expect(one.hypervisor.createGuest(request)).resolves.toEqual({ domid: 7, uuid: guest });
    expect(await one.fake.calls()).toEqual(['list|-v']);
  });

  test('asked for twice at once are made once', async () => {
    const one = await bench();
    await creating(one, made, 'sleep 0.3');
    const both = await Promise.all([one.hypervisor.createGuest(request), one.hypervisor.createGuest(request)]);
    expect(both).toEqual([
      { domid: 7, uuid: guest },
      { domid: 7, uuid: guest },
    ]);
    expect((await one.fake.calls()).filter((call) => call.startsWith('create'))).toHaveLength(1);
  });

  test('without memory leave nothing behind', async () => {
    const one = await bench();
    const left = [listLine('g1-dm', 8, stub, '--p---'), listLine('g2-dm', 9, other)];
    await one.fake.on('list', listScript(left[1]!));
    await creating(
      one,
      left,
      'echo "xc: error: panic: x.c:1: y: failed to allocate 0x77000 pages: Internal error" >&2; exit 3',
    );
    await one.fake.on('destroy', ':');
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject(
      failing('NoMemory', /^Cannot create guest g1: the host has not enough free memory/),
    );
    expect((await one.fake.calls()).filter((call) => call.startsWith('destroy'))).toEqual(['destroy|8']);
    expect(await readdir(one.fake.runDir)).toEqual([]);
  });

  test('leave a guest alone that is named as their stub domain would be', async () => {
    const one = await bench();
    await one.fake.on('list', listScript());
    one.nodes.set('/libxl/9/type', 'hvm');
    await creating(one, [listLine('g1-dm', 9, other)], 'exit 3');
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject({ code: 'Failed' });
    expect((await one.fake.calls()).filter((call) => call.startsWith('destroy'))).toEqual([]);
  });

  test('of a stub domain that was there before it is left alone', async () => {
    const one = await bench();
    const before = [listLine('g1-dm', 8, stub)];
    await one.fake.on('list', listScript(...before));
    await creating(one, before, 'exit 3');
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject({ code: 'Failed' });
    expect((await one.fake.calls()).filter((call) => call.startsWith('destroy'))).toEqual([]);
  });

  test('refused because another guest has the name leave that one its stub domain', async () => {
    const one = await bench();
    await one.fake.on('list', listScript());
    // Made by somebody else after the first look: the stub domain was not there before.
    const theirs = [listLine('g1', 7, other), listLine('g1-dm', 8, stub)];
    await creating(one, theirs, 'echo "libxl: error: Domain with name \\"g1\\" already exists." >&2; exit 3');
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject({ code: 'Failed' });
    expect((await one.fake.calls()).filter((call) => call.startsWith('destroy'))).toEqual([]);
  });

  test('whose creation goes on longer than anybody waits are not made a second time', async () => {
    const one = await bench({ timeouts: { create: 400 } });
    const go = join(dirname(one.fake.path), 'go');
    await one.fake.on('create', `while ! [ -e '${go}' ]; do sleep 0.1; done; exit 3`);
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject(failing('Unavailable', /left to run/));
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject(
      failing('Unavailable', /has not come to its end; a second one would make the guest twice/),
    );
    expect((await one.fake.calls()).filter((call) => call.startsWith('create'))).toHaveLength(1);
    await writeFile(go, '');
    await eventually(async () => {
      await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject({ code: 'Failed' });
    });
  });

  test('that an earlier agent has made at this moment are not made a second time', async () => {
    const one = await bench();
    await creating(one, made);
    const words = ['/usr/sbin/xl', 'create', '-p', '-q', `${one.fake.runDir}/guest-${guest}.cfg`, ''];
    await one.put('proc/4711/cmdline', words.join('\0'));
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject(
      failing('Unavailable', /make the guest twice/),
    );
    await one.drop('proc/4711');
    await expect(one.hypervisor.createGuest(request)).resolves.toEqual({ domid: 7, uuid: guest });
  });

  test('that xl says it made and nobody sees are no success', async () => {
    const one = await bench();
    await creating(one, []);
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject({ code: 'Failed' });
  });

  test.each<[string, (file: string) => Promise<unknown>, RegExp]>([
    [
      'others can write',
      async (file) => (await writeFile(file, 'x=1'), chmod(file, 0o666)),
      /others than root may write it.*chmod 644/,
    ],
    ['is a link', async (file) => symlink('/etc/passwd', file), /it is a link/],
    ['is a folder', async (file) => mkdir(file), /no regular file/],
    ['is too large', async (file) => writeFile(file, '#'.repeat(70_000)), /more than 65536 bytes/],
  ])('are not made with defaults in a file that %s', async (_, spoil, words) => {
    const one = await bench();
    await creating(one, made);
    await spoil(one.defaultsFile);
    await expect(one.hypervisor.createGuest(request)).rejects.toMatchObject(failing('Unavailable', words));
    expect((await one.fake.calls()).filter((call) => call.startsWith('create'))).toEqual([]);
  });

  test('that cannot be written down are refused before anything is asked', async () => {
    const one = await bench();
    await expect(one.hypervisor.createGuest({ ...request, name: 'a"b' })).rejects.toMatchObject({
      code: 'InvalidArgument',
    });
    expect(await one.fake.calls()).toEqual([]);
  });
});

describe('saved states', () => {
  test('are files, and no links', async () => {
    const { hypervisor, put, root } = await bench();
    await put('var/lib/xen/qemu-save.7', 'state');
    await put('var/lib/xen/sub/state', '');
    await symlink('qemu-save.7', join(root, 'var/lib/xen/link'));
    await symlink('sub', join(root, 'var/lib/xen/elsewhere'));
    await expect(hypervisor.inspectFile('/var/lib/xen/qemu-save.7')).resolves.toMatchObject({ size: 5 });
    await expect(hypervisor.inspectFile('/var/lib/xen/sub/state')).resolves.toMatchObject({ size: 0 });
    for (const path of ['none', 'link', 'elsewhere/state', 'sub', 'qemu-save.7/x']) {
      await expect(hypervisor.inspectFile(`/var/lib/xen/${path}`)).resolves.toBeUndefined();
    }
  });

  test('are below /var/lib/xen', async () => {
    const { hypervisor } = await bench();
    for (const path of ['/etc/passwd', '/var/lib/xen/../../etc/passwd', '/var/lib/xen/']) {
      await expect(hypervisor.inspectFile(path)).rejects.toMatchObject({ code: 'InvalidArgument' });
    }
  });
});
