import { type AgentUse, type DomainZeroAgent, hostName, killAsSoonAs, useOf } from './xen-lab-agent.ts';
import type { XenLab } from './xen-lab.ts';

/** Name of the unit. */
export const unitName = 'stubdom-agent';

// As docs/install.md has a person do it; the kubeconfig is that of the test's API server.
const install = `set -e
ln -sf /opt/stubdom/bin/stubdom /usr/local/bin/stubdom
install -d -m 0700 /etc/stubdom
install -m 0644 /opt/stubdom/stubdom-agent.service /etc/systemd/system/
install -m 0600 /opt/stubdom/agent.env.example /etc/stubdom/agent.env
install -m 0600 /mnt/share/kubeconfig /etc/stubdom/kubeconfig
`;

/** The agent as the unit that the archive has, under dom0's systemd. Its log is in journal.log of the share after power-off. */
export class UnitAgent implements DomainZeroAgent {
  readonly #lab: XenLab;

  constructor(lab: XenLab) {
    this.#lab = lab;
  }

  async start(xenstore: string): Promise<void> {
    const set = `sed -i -e 's|^STUBDOM_NAME=.*|STUBDOM_NAME=${hostName}|' -e 's|^#*STUBDOM_XENSTORE=.*|STUBDOM_XENSTORE=${xenstore}|' /etc/stubdom/agent.env`;
    await this.#lab.run(`${install}${set}\nsystemctl enable --now ${unitName}`);
  }

  async killAsSoonAs(condition: string): Promise<void> {
    await killAsSoonAs(this.#lab, Number((await this.show()).MainPID), condition);
  }

  async stop(): Promise<number> {
    const line = `b=$EPOCHREALTIME; systemctl stop ${unitName} && echo "$b $EPOCHREALTIME"`;
    const [from = 0, to = 0] = (await this.#lab.run(line)).trim().split(' ').map(Number);
    return to - from;
  }

  async use(): Promise<AgentUse> {
    return useOf(this.#lab, Number((await this.show()).MainPID));
  }

  /** What systemd says of the unit. */
  async show(): Promise<Shown> {
    const text = await this.#lab.run(`systemctl show -p ${shown.join(',')} ${unitName}`);
    const value = (name: string): string => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '';
    return Object.fromEntries(shown.map((name) => [name, value(name)])) as unknown as Shown;
  }

  /** Whether a process of the unit may open the device: the kernel asks its control group. */
  async opens(device: string): Promise<boolean> {
    const { ControlGroup } = await this.show();
    const line = `echo $BASHPID >/sys/fs/cgroup${ControlGroup}/cgroup.procs && : <${device} && echo yes`;
    const { output } = await this.#lab.exec(line);
    if (!/^yes$|Operation not permitted/m.test(output)) throw new Error(output);
    return output.includes('yes');
  }
}

const shown = [
  'ActiveState',
  'SubState',
  'Result',
  'NRestarts',
  'MainPID',
  'MemoryCurrent',
  'MemoryMax',
  'ControlGroup',
] as const;

/** Properties of the unit as `systemctl show` prints them. */
export type Shown = Readonly<Record<(typeof shown)[number], string>>;
