import { describe, expect, test } from '@jest/globals';
import type { StubDomainSpec } from '../../../../operator/api/generated/stub-domain.ts';
import type { PlanNode } from '../../../../operator/domain/plan-node.ts';
import { findDrift } from '../../../../operator/domain/stub-domain/drift.ts';
import { diskNumber } from '../../../../operator/domain/stub-domain/disks.ts';
import { setupPlan, teardownPaths } from '../../../../operator/domain/stub-domain/setup-plan.ts';
import { refuse } from '../../../../operator/domain/stub-domain/support.ts';
import { aSpec, stubUuid, targetUuid, theStub, theTarget } from '../../../support/builders.ts';

const full: Partial<StubDomainSpec> = {
  disks: [
    { name: 'system', source: '/dev/vg0/web', backend: 'Block', access: 'ReadWrite', device: 'Disk' },
    { name: 'install', source: '/srv/iso/debian.iso', backend: 'File', access: 'ReadOnly', device: 'CDROM' },
  ],
  nics: [
    { name: 'front', mac: '00:16:3e:00:00:01', bridge: 'xenbr0', model: 'rtl8139' },
    { name: 'back', mac: '00:16:3e:00:00:02', bridge: 'xenbr1', model: 'e1000' },
  ],
  graphics: { type: 'VNC', listen: '127.0.0.1', keymap: 'de' },
  serials: [
    { name: 'console', output: 'pty' },
    { name: 'log', output: 'file:/var/log/xen/web-serial.log' },
  ],
  deviceModelArgs: ['-boot', 'd'],
};

const plan = (spec: Partial<StubDomainSpec> = {}) =>
  setupPlan(aSpec(spec), { stub: theStub, target: theTarget, targetName: 'web' });
const valueOf = (nodes: readonly PlanNode[], path: string) => nodes.find((node) => node.path === path)?.value;
const permissionsOf = (nodes: readonly PlanNode[], path: string) =>
  nodes.find((node) => node.path === path)?.permissions;

describe('every line of the set-up', () => {
  const nodes = plan(full);

  test.each([
    ['the first disk is xvda', '/local/domain/0/backend/vbd/7/51712/dev', 'xvda'],
    ['its source', '/local/domain/0/backend/vbd/7/51712/params', '/dev/vg0/web'],
    ['it is writable', '/local/domain/0/backend/vbd/7/51712/mode', 'w'],
    ['the second disk is xvdb', '/local/domain/0/backend/vbd/7/51728/dev', 'xvdb'],
    ['and a read-only CD', '/local/domain/0/backend/vbd/7/51728/mode', 'r'],
    ['of type cdrom', '/local/domain/7/device/vbd/51728/device-type', 'cdrom'],
    ['both ends know each other', '/local/domain/7/device/vbd/51712/backend', '/local/domain/0/backend/vbd/7/51712'],
    ['the other way round too', '/local/domain/0/backend/vbd/7/51712/frontend', '/local/domain/7/device/vbd/51712'],
    ['nics count from 0', '/local/domain/0/backend/vif/7/0/mac', '00:16:3e:00:00:01'],
    ['the second nic', '/local/domain/0/backend/vif/7/1/bridge', 'xenbr1'],
    ['a frame buffer', '/local/domain/0/backend/vfb/7/0/vnclisten', '127.0.0.1'],
    ['a keyboard', '/local/domain/0/backend/vkbd/7/0/frontend', '/local/domain/7/device/vkbd/0'],
    ['whom it serves', '/local/domain/7/target', '5'],
    ['who serves the guest', '/local/domain/5/image/device-model-domid', '7'],
    ['the firmware', '/local/domain/5/hvmloader/bios', 'rombios'],
    ['the kind of device model', '/libxl/5/dm-version', 'qemu_xen_traditional'],
    ['console 0 is the log', '/local/domain/7/console/output', 'file:/var/log/xen/qemu-dm-web.log'],
    ['console 1 is the save file', '/local/domain/7/device/console/1/output', 'file:/var/lib/xen/qemu-save.5'],
    ['console 3 is the first serial', '/local/domain/7/device/console/3/output', 'pty'],
    ['console 4 is the second', '/local/domain/7/device/console/4/output', 'file:/var/log/xen/web-serial.log'],
  ])('%s', (_, path, value) => {
    expect(valueOf(nodes, path)).toBe(value);
  });

  test('console 2 is there, and leads nowhere when nothing is restored', () => {
    expect(nodes.some(({ path }) => path === '/local/domain/7/device/console/2/backend')).toBe(true);
    expect(valueOf(nodes, '/local/domain/7/device/console/2/output')).toBeUndefined();
  });

  test('the command line', () => {
    expect(valueOf(nodes, `/vm/${targetUuid}/image/dmargs`)).toBe(
      [
        '-d 5 -domain-name web -vnc 127.0.0.1:0 -vncunused -k de -serial pty -serial pty',
        '-net nic,vlan=0,macaddr=00:16:3e:00:00:01,model=rtl8139',
        '-net tap,vlan=0,ifname=vif5.0-emu,bridge=xenbr0,script=no,downscript=no',
        '-net nic,vlan=1,macaddr=00:16:3e:00:00:02,model=e1000',
        '-net tap,vlan=1,ifname=vif5.1-emu,bridge=xenbr1,script=no,downscript=no',
        '-boot d',
      ].join(' '),
    );
  });

  test('no PCI device: those come by hotplug', () => {
    expect(nodes.filter(({ path }) => path.includes('/pci/'))).toEqual([]);
  });

  test('every path is one that XenStore takes', () => {
    for (const { path } of nodes) expect(path).toMatch(/^(\/[A-Za-z0-9@_-]+)+$/);
  });
});

describe('who may do what', () => {
  const nodes = plan(full);
  test.each([
    [
      'the channel is the stub domain’s, and the guest may look',
      '/local/domain/7/device-model/5',
      { owner: 7, others: 'none', entries: [{ domid: 5, access: 'read' }] },
    ],
    [
      'a front end is the stub domain’s',
      '/local/domain/7/device/vbd/51712',
      { owner: 7, others: 'none', entries: [{ domid: 0, access: 'read' }] },
    ],
    [
      'a back end is dom0’s',
      '/local/domain/0/backend/vbd/7/51712',
      { owner: 0, others: 'none', entries: [{ domid: 7, access: 'read' }] },
    ],
    [
      'where a console goes is not the stub domain’s to say',
      '/local/domain/7/device/console/1/output',
      { owner: 0, others: 'none', entries: [{ domid: 7, access: 'read' }] },
    ],
    [
      'the command line is read-only',
      `/vm/${targetUuid}/image/dmargs`,
      { owner: 0, others: 'none', entries: [{ domid: 7, access: 'read' }] },
    ],
  ])('%s', (_, path, permissions) => {
    expect(permissionsOf(nodes, path)).toEqual(permissions);
  });

  test('a directory’s permissions come before its children, which inherit them', () => {
    const seen = new Set<string>();
    for (const { path } of nodes) {
      for (const parent of nodes.filter((node) => node.permissions !== undefined && path.startsWith(`${node.path}/`))) {
        expect(seen).toContain(parent.path);
      }
      seen.add(path);
    }
  });
});

test('restoring: console 2 brings the file, and the device model is told to load it', () => {
  const nodes = plan({ restoreFrom: { path: '/srv/saved/web' } });
  expect(valueOf(nodes, '/local/domain/7/device/console/2/output')).toBe('pipe:/srv/saved/web');
  expect(valueOf(nodes, `/vm/${targetUuid}/image/dmargs`)).toContain('-loadvm /var/lib/xen/qemu-resume.5');
});

test('without graphics and nics there are neither', () => {
  const nodes = plan();
  expect(nodes.some(({ path }) => /vfb|vkbd|vif/.test(path))).toBe(false);
  expect(valueOf(nodes, `/vm/${targetUuid}/image/dmargs`)).toBe('-d 5 -domain-name web -nographic -net none');
});

test.each([
  [0, 51_712],
  [1, 51_728],
  [15, 51_952],
  [16, 0x10001000],
  [25, 0x10001900],
])('disk %p has number %p', (index, number) => {
  expect(diskNumber(index)).toBe(number);
});

test('the plan is what is there: no drift', () => {
  const nodes = plan(full);
  const tree = new Map(nodes.map(({ path, value }) => [path, new TextEncoder().encode(value ?? '')]));
  expect(findDrift(nodes, (path) => tree.get(path))).toEqual([]);
  tree.set('/local/domain/7/target', new TextEncoder().encode('6'));
  tree.delete('/local/domain/0/backend/vif/7/1/mac');
  tree.set('/local/domain/0/backend/vif/7/1/state', new TextEncoder().encode('4'));
  expect(findDrift(nodes, (path) => tree.get(path))).toEqual([
    { path: '/local/domain/7/target', kind: 'different' },
    { path: '/local/domain/0/backend/vif/7/1/mac', kind: 'missing' },
  ]);
});

test('what is taken down covers all that was laid out', () => {
  const removed = teardownPaths({ stub: theStub, target: theTarget, stubReused: false, targetReused: false });
  for (const { path } of plan(full)) {
    expect(removed.some((root) => path === root || path.startsWith(`${root}/`))).toBe(true);
  }
  expect(removed).toContain(`/vm/${stubUuid}`);
});

const guest = { memoryMiB: 512, vcpus: 1, bootOrder: 'cd', passthrough: 'Disabled' } as const;

test.each<[string, Partial<StubDomainSpec>, string]>([
  ['flavor Linux', { flavor: 'Linux' }, 'Unsupported'],
  ['a pause of flavor Linux', { flavor: 'Linux', provisioning: 'Adopt', runState: 'Paused' }, 'Unsupported'],
  ['a guest to be started where the agent is the toolstack', { guest }, 'Unsupported'],
  ['a firmware that qemu-traditional cannot boot', { bios: 'OVMF' }, 'Unsupported'],
  [
    'a command line that XenStore cannot hold',
    { deviceModelArgs: Array.from({ length: 100 }, () => 'x'.repeat(50)) },
    'InvalidSpec',
  ],
])('%s is refused', (_, spec, reason) => {
  expect(refuse(aSpec(spec), 'web')?.reason).toBe(reason);
});

test('where libxl makes stub domains, one without its guest is refused, and says what to do', () => {
  expect(refuse(aSpec(), 'web', 'toolstack')?.message).toMatch(
    /provisioning Adopt, or with the guest in spec\.guest\.$/,
  );
  expect(refuse(aSpec({ guest }), 'web', 'toolstack')).toBeUndefined();
});

test.each<[string, Partial<StubDomainSpec>]>([
  ['what another toolstack made', { provisioning: 'Adopt' }],
  ['upstream QEMU that another toolstack made', { provisioning: 'Adopt', flavor: 'Linux' }],
  ['whatever firmware it boots', { provisioning: 'Adopt', bios: 'OVMF' }],
])('%s is adopted on any host', (_, spec) => {
  expect(refuse(aSpec(spec), 'web', 'agent')).toBeUndefined();
  expect(refuse(aSpec(spec), 'web', 'toolstack')).toBeUndefined();
});

test('an ordinary spec is not refused', () => {
  expect(refuse(aSpec(full), 'web')).toBeUndefined();
});
