import type { XenLab } from './xen-lab.ts';

/** Where the artifact is unpacked to in dom0. */
export const program = '/opt/stubdom/bin/stubdom';

/** What the agent takes of dom0. */
export interface AgentUse {
  readonly residentMiB: number;
  readonly mostMiB: number;
  /** Processor seconds since it was started. */
  readonly cpuS: number;
  readonly threads: number;
}

/** The agent as a process of dom0, one after another. Its log is agent.log in the share. */
export class DomainZeroAgent {
  readonly #lab: XenLab;
  readonly #hypervisor: string;
  #pid: number | undefined;

  constructor(lab: XenLab, hypervisor: string) {
    this.#lab = lab;
    this.#hypervisor = hypervisor;
  }

  /** Starts it; resolves when the process is there. */
  async start(xenstore: string): Promise<void> {
    const options = `--name xen-lab --kubeconfig /mnt/share/kubeconfig --xenstore ${xenstore} --hypervisor ${this.#hypervisor}`;
    const line = `setsid ${program} agent ${options} --probe-port 9465 >>/mnt/share/agent.log 2>&1 </dev/null & echo $!`;
    this.#pid = Number((await this.#lab.run(line)).trim());
  }

  /** SIGKILL in the moment when a command of dom0 succeeds, which still does so when the agent is gone; resolves then. */
  async killAsSoonAs(condition: string): Promise<void> {
    const pid = this.#here();
    const gone = `kill -KILL ${pid}; while kill -0 ${pid} 2>/dev/null; do sleep 0.1; done; ${condition}`;
    await this.#lab.run(`for i in {1..900}; do ${condition} && { ${gone}; exit; }; done; exit 1`, 240);
    this.#pid = undefined;
  }

  /** SIGTERM; gives the seconds that it took to end. Fails after 60 s: it is one of 15 s on a machine of usual speed. */
  async stop(): Promise<number> {
    const pid = this.#here();
    const line = `b=$EPOCHREALTIME; kill -TERM ${pid}; for i in {1..300}; do kill -0 ${pid} 2>/dev/null || { echo "$b $EPOCHREALTIME"; exit; }; sleep 0.2; done; exit 1`;
    const [from = 0, to = 0] = (await this.#lab.run(line)).trim().split(' ').map(Number);
    this.#pid = undefined;
    return to - from;
  }

  async use(): Promise<AgentUse> {
    const pid = this.#here();
    const text = await this.#lab.run(`cat /proc/${pid}/status /proc/${pid}/stat`);
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]);
    // After the name in parentheses: state is the first, utime and stime the 12th and 13th, in hundredths of a second.
    const times = text.slice(text.lastIndexOf(')')).split(' ');
    return {
      residentMiB: Math.round(field('VmRSS') / 1024),
      mostMiB: Math.round(field('VmHWM') / 1024),
      cpuS: (Number(times[12]) + Number(times[13])) / 100,
      threads: field('Threads'),
    };
  }

  #here(): string {
    if (this.#pid === undefined) throw new Error('the agent was not started');
    return String(this.#pid);
  }
}
