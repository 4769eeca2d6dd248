import { expect } from '@jest/globals';
import type { StubDomainSpec } from '../../operator/api/generated/stub-domain.ts';
import { setupPlan } from '../../operator/domain/stub-domain/setup-plan.ts';
import { aSpec } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { compareWithPlan, parseTree } from '../support/libxl-tree.ts';
import type { Scenarios } from './scenario.ts';

/** A guest is made twice in it, and libxl takes half a minute for one. Milliseconds. */
const patience = 360_000;
const object = 'default/made';
const name = 'made1';
const uuid = '7c0f3d52-6f0e-4b3c-9a51-0d2f5b8e1c02';

// What the lab's stub domains and its emulated processor need, of every guest.
const defaults = `stubdomain_kernel="/lab/vmlinux"
stubdomain_ramdisk="/lab/stub.img"
stubdomain_cmdline="console=hvc0 quiet mitigations=off cryptomgr.notests"
stubdomain_memory=192
tsc_mode="native"
firmware_override="/root/idle.elf"
`;

/**
 * Firmware that does nothing: hvmloader looks for the devices of a real device model, and the guest crashes without. A 32-bit
 * ELF, entered at 1 MiB: sti; hlt; jmp to the hlt.
 */
function idleFirmware(): Buffer {
  const code = Buffer.from([0xfb, 0xf4, 0xeb, 0xfd]);
  const headers = 84;
  const entry = 0x10_0000;
  const file = Buffer.alloc(headers + code.length);
  file.write('\x7fELF\x01\x01\x01', 'latin1');
  file.writeUInt16LE(2, 16);
  file.writeUInt16LE(3, 18);
  [1, entry, 52].forEach((value, index) => file.writeUInt32LE(value, 20 + 4 * index));
  [52, 32, 1, 40].forEach((value, index) => file.writeUInt16LE(value, 40 + 2 * index));
  const segment = [1, headers, entry, entry, code.length, code.length, 7, 4];
  segment.forEach((value, index) => file.writeUInt32LE(value, 52 + 4 * index));
  code.copy(file, headers);
  return file;
}

const asked = {
  target: { uuid, name },
  guest: { memoryMiB: 64, vcpus: 1, bootOrder: 'cd', passthrough: 'Disabled' },
  // No disks and interfaces: the scripts of dom0 that connect them take longer here than libxl waits for them.
  serials: [{ name: 'console', output: 'pty' }],
} as const satisfies Partial<StubDomainSpec>;

/** A guest that libxl makes because a StubDomain has it in its spec, from its first start to its end; `whileItRuns` defines more. */
export function madeGuest({ scenario, aside }: Scenarios, whileItRuns: () => void): void {
  let domid = 0;

  scenario('libxl makes a guest and its stub domain for a StubDomain, and it runs', async ({ lab, objects }) => {
    await lab.run(`mkdir -p /etc/stubdom && cat > /etc/stubdom/guest-defaults.cfg <<'END'\n${defaults}END`);
    await lab.run(`echo ${idleFirmware().toString('base64')} | base64 -d >/root/idle.elf`);
    await objects.applySpec('StubDomain', object, { provisioning: 'Create', nodeName: 'xen-lab', ...asked });
    await objects.condition('StubDomain', object, 'Ready', { status: 'True' }, patience);
    const { status } = await objects.get('StubDomain', object);
    domid = status?.targetDomid ?? 0;
    const list = await lab.run('xl list');
    expect(list).toMatch(new RegExp(`^${name} +${String(domid)} .* [r-][b-]-`, 'm'));
    expect(list).toMatch(new RegExp(`^${name}-dm +${String(status?.domid)} `, 'm'));
    return `guest ${String(domid)}, stub domain ${String(status?.domid)}`;
  });

  aside('what libxl laid out for it is our plan', async ({ lab, objects }) => {
    const { status } = await objects.get('StubDomain', object);
    const stub = { domid: status?.domid ?? 0, uuid: status?.uuid ?? '' };
    const tree = parseTree(await lab.run('xenstore-ls -f -p'));
    const plan = setupPlan(aSpec(asked), { stub, target: { domid, uuid }, targetName: name });
    const differences = compareWithPlan(plan, tree).map(({ path, kind }) => `${kind} ${path}`);
    // Of the command line our own words alone; the firmware libxl notes for upstream QEMU alone.
    expect(differences).toEqual([
      `value /vm/${uuid}/image/dmargs`,
      `missing /local/domain/${String(domid)}/hvmloader/bios`,
    ]);
    return `${String(plan.length)} nodes compared, ${String(differences.length)} differ, as they should`;
  });

  whileItRuns();

  scenario('it is ended by xl, and made again', async ({ lab, objects }) => {
    await lab.run(`xl destroy ${name}`);
    await eventually(async () => {
      const { status } = await objects.get('StubDomain', object);
      expect(status?.targetDomid).toBeGreaterThan(domid);
    }, patience);
    await objects.condition('StubDomain', object, 'Ready', { status: 'True' }, patience);
  });

  scenario('its StubDomain is deleted, and it ends', async ({ lab, objects }) => {
    await objects.remove('StubDomain', object);
    await eventually(async () => expect(await objects.list('StubDomain')).toEqual([]), patience);
    expect(await lab.run('xl list')).not.toMatch(name);
    expect(await lab.run('xenstore-ls -f /tool 2>/dev/null || true')).not.toMatch(/stubdom\/./);
  });
}
