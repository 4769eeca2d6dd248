import { expect } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { UnitAgent, unitName } from '../support/xen-lab-unit.ts';
import {
  type Domids,
  consumed,
  driverOf,
  firstDevice,
  guestName,
  guestUuid,
  misbehave,
  modelState,
  pciList,
} from './guest.ts';
import type { Scenarios } from './scenario.ts';
import type { Told } from './told.ts';

/** Milliseconds, as for the other scenarios. */
const patience = 180_000;
const limitMiB = 512;

/** The agent's unit under systemd, beside a guest whose device model runs. */
export function agentUnit({ scenario, aside }: Scenarios, ids: () => Domids, told: Told): void {
  aside('the unit is active, confined, and systemd has nothing to say against it', async ({ lab }) => {
    expect(await lab.run(`systemd-analyze verify ${unitName}.service 2>&1`)).toBe('');
    const shown = await new UnitAgent(lab).show();
    expect(shown).toMatchObject({ ActiveState: 'active', SubState: 'running', Result: 'success', NRestarts: '0' });
    const files = `/proc/${shown.MainPID}/status /sys/fs/cgroup${shown.ControlGroup}/memory.max`;
    const facts = await lab.run(`cat ${files}`);
    expect(facts).toMatch(new RegExp(`^${String(limitMiB * 1_048_576)}$`, 'm'));
    // CAP_SYS_ADMIN alone; a filter of system calls.
    for (const name of ['CapPrm', 'CapEff', 'CapBnd'])
      expect(facts).toMatch(new RegExp(`^${name}:\\s0{10}200000$`, 'm'));
    expect(facts).toMatch(/^CapAmb:\s0{16}$/m);
    expect(facts).toMatch(/^NoNewPrivs:\s1$/m);
    expect(facts).toMatch(/^Seccomp:\s2$/m);
    // Xen's devices and no others.
    expect(await new UnitAgent(lab).opens('/dev/xen/privcmd')).toBe(true);
    expect(await new UnitAgent(lab).opens('/dev/vda')).toBe(false);
    return memoryText(shown);
  });

  aside('it tells PCI Express bridges from older ones: what is behind one is no group', async ({ lab, objects }) => {
    const behind = (await lab.run('cd /sys/bus/pci/devices/0000:00:09.0 && dirname */vendor')).trim().split('\n');
    expect(behind).toHaveLength(2);
    const { status } = (await objects.get('XenHost', 'xen-lab')) as unknown as {
      status: { pciDevices: readonly { readonly address: string; readonly iommuGroup?: number }[] };
    };
    const shown = status.pciDevices.filter(({ address }) => behind.includes(address));
    expect(shown.map(({ address, iommuGroup }) => ({ address, iommuGroup }))).toEqual(
      behind.map((address) => ({ address, iommuGroup: undefined })),
    );
  });

  scenario('it is killed in the middle of an attach: systemd starts it again, and it ends that', async (world) => {
    const { lab, agent, objects } = world;
    await misbehave(lab, ids().stub, 'delay=8');
    await objects.attachment('default/again', 'lab', firstDevice, { driverPolicy: 'Seize' });
    await agent.killAsSoonAs(`xenstore-exists /tool/stubdom/${guestUuid}/inflight`);
    await objects.condition('PciAttachment', 'default/again', 'Ready', { status: 'True' }, patience);
    told.add('pci-ins');
    expect(await consumed(lab)).toEqual(told.counts);
    await misbehave(lab, ids().stub, '');
    expect(await pciList(lab, `${guestName}-dm`)).toEqual([firstDevice]);
    const { ActiveState, NRestarts } = await new UnitAgent(lab).show();
    expect({ ActiveState, NRestarts }).toEqual({ ActiveState: 'active', NRestarts: '1' });
  });

  scenario('it takes more memory than it may: it is ended and started again, and detaches', async (world) => {
    const { lab, objects } = world;
    await lab.run(`systemctl set-property --runtime ${unitName} MemoryMax=24M`);
    await eventually(async () => {
      expect(Number((await new UnitAgent(lab).show()).NRestarts)).toBeGreaterThan(1);
    }, patience);
    // Only the file that set-property made goes.
    await lab.run(`rm -r /run/systemd/system.control/${unitName}.service.d && systemctl daemon-reload`);
    expect(await lab.run(`journalctl -u ${unitName} --no-pager`)).toMatch(/Failed with result 'oom-kill'/);
    await objects.remove('PciAttachment', 'default/again');
    await eventually(async () => expect(await objects.list('PciAttachment')).toEqual([]), patience);
    told.add('pci-rem');
    expect(await consumed(lab)).toEqual(told.counts);
    expect(await driverOf(lab, firstDevice)).toBe('e1000e');
    return memoryText(await new UnitAgent(lab).show());
  });

  scenario('systemctl stop ends it by SIGTERM, and the stub domain goes on', async ({ lab, agent }) => {
    const seconds = await agent.stop();
    // A unit that had to be killed is a failed one.
    const { ActiveState, Result } = await new UnitAgent(lab).show();
    expect({ ActiveState, Result }).toEqual({ ActiveState: 'inactive', Result: 'success' });
    expect(await modelState(lab, ids())).toBe('running');
    await lab.run(`systemctl start ${unitName}`);
    return `ended in ${seconds.toFixed(1)} s`;
  });
}

function memoryText({ MemoryCurrent, NRestarts }: { MemoryCurrent: string; NRestarts: string }): string {
  return `${String(Math.round(Number(MemoryCurrent) / 1_048_576))} MiB of ${String(limitMiB)}, ${NRestarts} restarts`;
}
