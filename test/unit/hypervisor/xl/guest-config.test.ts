import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type GuestRequest, HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import { guestConfig } from '../../../../operator/hypervisor/xl/guest-config.ts';

const plain: GuestRequest = {
  uuid: '11111111-2222-4333-8444-555555555555',
  name: 'guest-1',
  memoryMiB: 512,
  vcpus: 2,
  bootOrder: 'dc',
  passthrough: true,
  deviceModelArgs: [],
  disks: [],
  nics: [],
  serials: [],
};
const full: GuestRequest = {
  ...plain,
  stubKernel: '/usr/lib/xen/boot/ioemu-stubdom.gz',
  stubMemoryMiB: 28,
  deviceModelArgs: ['-foo', 'a\\b;c,d=$(e)'],
  disks: [
    { source: '/dev/vg/guest-1', backend: 'Block', access: 'ReadWrite', device: 'Disk' },
    { source: '/srv/install.iso', backend: 'File', access: 'ReadWrite', device: 'CDROM' },
  ],
  nics: [{ mac: '00:16:3e:00:00:01', bridge: 'xenbr0', model: 'e1000' }],
  graphics: { type: 'VNC', listen: '127.0.0.1', keymap: 'en-us' },
  serials: ['pty', 'file:/var/log/serial'],
};

type Value = string | Value[];

/** The grammar of xl's configurations (libxlu_cfg_y.y, libxlu_cfg_l.l), as far as we write it; each name once. */
function parseConfig(text: string): Map<string, Value> {
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    const sticky = new RegExp(pattern.source, 'y');
    sticky.lastIndex = at;
    const found = sticky.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const must = (pattern: RegExp): string => {
    const found = take(pattern);
    if (found === undefined) throw new Error(`not understood from ${JSON.stringify(text.slice(at, at + 40))}`);
    return found;
  };
  const value = (): Value => {
    if (take(/\[/) === undefined) {
      const number = take(/-?\d+/);
      if (number !== undefined) return number;
      return must(/"(?:[^"\\\n]|\\.)*"/)
        .slice(1, -1)
        .replace(/\\(.)/g, '$1');
    }
    const items: Value[] = [];
    while (take(/\]/) === undefined) {
      if (items.length > 0) must(/, /);
      items.push(value());
    }
    return items;
  };
  const values = new Map<string, Value>();
  while (at < text.length) {
    const name = must(/[a-z_]+/);
    must(/=/);
    if (values.has(name)) throw new Error(`${name} twice`);
    values.set(name, value());
    must(/\n/);
  }
  return values;
}

describe('the configuration of a guest', () => {
  test('says all that was asked for', () => {
    expect(guestConfig(full)).toBe(`type="hvm"
name="guest-1"
uuid="11111111-2222-4333-8444-555555555555"
memory=512
maxmem=512
vcpus=2
maxvcpus=2
on_poweroff="destroy"
on_reboot="destroy"
on_crash="destroy"
on_watchdog="destroy"
on_soft_reset="destroy"
boot="dc"
passthrough="enabled"
device_model_version="qemu-xen-traditional"
device_model_stubdomain_override=1
stubdomain_memory=28
stubdomain_kernel="/usr/lib/xen/boot/ioemu-stubdom.gz"
device_model_args_hvm=["-foo", "a\\\\b;c,d=$(e)"]
disk=["format=raw,vdev=xvda,access=rw,backendtype=phy,target=/dev/vg/guest-1", "format=raw,vdev=xvdb,devtype=cdrom,access=ro,target=/srv/install.iso"]
vif=["type=ioemu,mac=00:16:3e:00:00:01,bridge=xenbr0,model=e1000"]
vnc=1
sdl=0
spice=0
vnclisten="127.0.0.1"
keymap="en-us"
serial=["pty", "file:/var/log/serial"]
`);
  });

  test('leaves nothing of a defaults file standing that the request decides', () => {
    const values = parseConfig(guestConfig(plain));
    for (const name of ['disk', 'vif', 'serial', 'device_model_args_hvm']) expect(values.get(name)).toEqual([]);
    for (const name of ['vnc', 'sdl', 'spice']) expect(values.get(name)).toBe('0');
    expect(values.get('passthrough')).toBe('enabled');
    expect(guestConfig({ ...plain, passthrough: false })).toContain('passthrough="disabled"');
  });

  test('leaves the kernel and the memory of the stub domain to the host where nothing is said', () => {
    expect(guestConfig(plain)).not.toMatch(/stubdomain_(?:kernel|memory)/);
  });

  test('SDL is no VNC', () => {
    const values = parseConfig(guestConfig({ ...plain, graphics: { type: 'SDL', listen: '127.0.0.1' } }));
    expect([values.get('vnc'), values.get('sdl'), values.get('vnclisten')]).toEqual(['0', '1', undefined]);
  });

  test.each<[string, Partial<GuestRequest>]>([
    ['a name with a quote', { name: 'a"b' }],
    ['a name with a line break', { name: 'a\nname' }],
    ['an argument with a quote', { deviceModelArgs: ["it's"] }],
    ['an argument with a blank', { deviceModelArgs: ['-a b'] }],
    ['an empty argument', { deviceModelArgs: [''] }],
    [
      'a disk with a comma',
      { disks: [{ source: '/dev/a,script=/tmp/x', backend: 'Block', access: 'ReadWrite', device: 'Disk' }] },
    ],
    ['a relative disk', { disks: [{ source: 'dev/a', backend: 'Block', access: 'ReadWrite', device: 'Disk' }] }],
    ['a script in a bridge', { nics: [{ mac: '00:16:3e:00:00:01', bridge: 'x,script=/tmp/x', model: 'e1000' }] }],
    ['a multicast MAC address', { nics: [{ mac: '01:16:3e:00:00:01', bridge: 'x', model: 'e1000' }] }],
    ['a serial port to a socket', { serials: ['tcp:1.2.3.4:5'] }],
    ['a fraction of memory', { memoryMiB: 1.5 }],
    ['no processor', { vcpus: 0 }],
    ['27 disks', { disks: Array.from({ length: 27 }, () => full.disks[0]!) }],
    ['a word that is none', { graphics: { type: 'SPICE' as 'VNC', listen: '::1' } }],
  ])('is refused for %s', (_, change) => {
    expect(() => guestConfig({ ...full, ...change })).toThrow(expect.objectContaining({ code: 'InvalidArgument' }));
  });

  test('no value breaks out of its quotes', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 30 }),
      fc.string({
        unit: fc.constantFrom('"', "'", '\\', '\n', ']', ',', ' ', '#', '=', 'a', '/', ':', '\0', '$'),
        maxLength: 20,
      }),
      fc.constantFrom('/dev/a\\', 'x\\"\nname="y', '\\', 'a"]', "'", '/a"', 'pty', 'e1000', '/dev/vg/x', 'a\\nb'),
    );
    const request = fc.record({
      uuid: fc.constant(plain.uuid),
      name: fc.oneof(fc.constant('g1'), hostile),
      memoryMiB: fc.oneof(fc.constant(64), fc.double()),
      vcpus: fc.oneof(fc.constant(1), fc.integer()),
      bootOrder: fc.oneof(fc.constant('cdn'), hostile),
      passthrough: fc.boolean(),
      stubKernel: fc.oneof(fc.constant('/boot/x'), hostile),
      stubMemoryMiB: fc.constant(28),
      deviceModelArgs: fc.array(hostile, { maxLength: 3 }),
      disks: fc.array(
        fc.record({
          source: fc.oneof(fc.constant('/dev/x'), hostile),
          backend: fc.constantFrom('Block' as const, 'File' as const),
          access: fc.constantFrom('ReadWrite' as const, 'ReadOnly' as const),
          device: fc.constantFrom('Disk' as const, 'CDROM' as const),
        }),
        { maxLength: 2 },
      ),
      nics: fc.array(
        fc.record({
          mac: fc.constant('00:16:3e:00:00:01'),
          bridge: fc.oneof(fc.constant('br0'), hostile),
          model: fc.oneof(fc.constant('e1000'), hostile),
        }),
        { maxLength: 2 },
      ),
      graphics: fc.record({
        type: fc.constantFrom('VNC' as const, 'SDL' as const),
        listen: fc.oneof(fc.constant('::1'), hostile),
      }),
      serials: fc.array(fc.oneof(fc.constant('pty'), hostile), { maxLength: 2 }),
    });
    let written = 0;
    const judge = (asked: GuestRequest): void => {
      let text: string;
      try {
        text = guestConfig(asked);
      } catch (error) {
        expect(error).toBeInstanceOf(HypervisorError);
        return;
      }
      written += 1;
      const values = parseConfig(text);
      expect(values.get('name')).toBe(asked.name);
      expect(values.get('stubdomain_kernel')).toBe(asked.stubKernel);
      expect(values.get('device_model_args_hvm')).toEqual(asked.deviceModelArgs);
      expect(values.get('serial')).toEqual(asked.serials);
      expect((values.get('disk') as string[]).map((disk) => disk.split(',target=')[1])).toEqual(
        asked.disks.map(({ source }) => source),
      );
      expect((values.get('vif') as string[]).map((nic) => nic.split(','))).toEqual(
        asked.nics.map(({ mac, bridge, model }) => ['type=ioemu', `mac=${mac}`, `bridge=${bridge}`, `model=${model}`]),
      );
      expect([...values.keys()].filter((name) => name === 'device_model_override')).toEqual([]);
    };
    fc.assert(
      fc.property(request, (asked) => judge(asked)),
      { numRuns: 1000 },
    );
    // One value hostile at a time, so that it is that one which is judged.
    fc.assert(
      fc.property(
        hostile,
        fc.constantFrom('name', 'bootOrder', 'stubKernel', 'deviceModelArgs', 'serials'),
        (value, field) => {
          judge({ ...full, [field]: field === 'deviceModelArgs' || field === 'serials' ? [value] : value });
        },
      ),
      { numRuns: 1000 },
    );
    expect(written).toBeGreaterThan(50);
  });
});
