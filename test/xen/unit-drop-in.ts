import { expect } from '@jest/globals';
import { UnitAgent, unitName } from '../support/xen-lab-unit.ts';
import type { XenLab } from '../support/xen-lab.ts';
import type { Scenarios } from './scenario.ts';

/** From here on the unit may make guests: the drop-in is installed, as docs/install.md says. */
export function addDropIn({ scenario }: Scenarios): void {
  scenario('the drop-in for hosts that make guests is installed', async ({ lab }) => {
    const folder = `/etc/systemd/system/${unitName}.service.d`;
    await lab.run(`install -D -m 0644 -t ${folder} /opt/stubdom/creates-guests.conf && systemctl daemon-reload`);
    expect(await lab.run(`systemd-analyze verify ${unitName}.service 2>&1`)).toBe('');
    await lab.run(`systemctl restart ${unitName}`);
    const agent = new UnitAgent(lab);
    const { ActiveState, MemoryMax } = await agent.show();
    expect({ ActiveState, MemoryMax }).toEqual({ ActiveState: 'active', MemoryMax: 'infinity' });
    // A guest's disk can be any.
    expect(await agent.opens('/dev/vda')).toBe(true);
  });
}

/** The agent made a guest: what xl left behind for it is still there when the agent is another one. */
export function outlivesRestart({ scenario }: Scenarios): void {
  scenario('the agent is started anew, and what xl left behind for the guest goes on', async ({ lab }) => {
    const agent = new UnitAgent(lab);
    const left = await leftBehind(lab);
    // The guest's monitor, and the back end of its stub domain's consoles.
    expect(left).toHaveLength(2);
    for (const program of [/xen-qemu-system/, /xl create/]) expect(left).toContainEqual(expect.stringMatching(program));
    const before = await agent.show();
    await lab.run(`systemctl restart ${unitName}`);
    expect(await leftBehind(lab)).toEqual(left);
    const after = await agent.show();
    expect(after).toMatchObject({ ActiveState: 'active', Result: 'success' });
    expect(after.MainPID).not.toBe(before.MainPID);
  });
}

/** What xl leaves behind among the processes of the unit, with their pids. The agent has others for a moment. */
async function leftBehind(lab: XenLab): Promise<string[]> {
  const { ControlGroup } = await new UnitAgent(lab).show();
  const text = await lab.run(`ps -o pid=,args= -p "$(paste -sd, /sys/fs/cgroup${ControlGroup}/cgroup.procs)"`);
  const lines = text.split('\n').map((line) => line.trim());
  return lines.filter((line) => /xen-qemu-system|xl create/.test(line)).sort();
}
