import { type AgentUse, type DomainZeroAgent, hostName, killAsSoonAs, useOf } from './xen-lab-agent.ts';
import type { XenLab } from './xen-lab.ts';

const program = '/opt/stubdom/bin/stubdom';

/** The agent as a process of dom0 that nothing confines and nothing starts again. Its log is agent.log in the share. */
export class ProcessAgent implements DomainZeroAgent {
  readonly #lab: XenLab;
  #pid: number | undefined;

  constructor(lab: XenLab) {
    this.#lab = lab;
  }

  async start(xenstore: string): Promise<void> {
    const options = `--name ${hostName} --kubeconfig /mnt/share/kubeconfig --xenstore ${xenstore} --hypervisor xl`;
    const line = `setsid ${program} agent ${options} --probe-port 9465 >>/mnt/share/agent.log 2>&1 </dev/null & echo $!`;
    this.#pid = Number((await this.#lab.run(line)).trim());
  }

  async killAsSoonAs(condition: string): Promise<void> {
    await killAsSoonAs(this.#lab, this.#here(), condition);
    this.#pid = undefined;
  }

  /** SIGTERM. Fails after 60 s: it is one of 15 s on a machine of usual speed. */
  async stop(): Promise<number> {
    const pid = String(this.#here());
    const line = `b=$EPOCHREALTIME; kill -TERM ${pid}; for i in {1..300}; do kill -0 ${pid} 2>/dev/null || { echo "$b $EPOCHREALTIME"; exit; }; sleep 0.2; done; exit 1`;
    const [from = 0, to = 0] = (await this.#lab.run(line)).trim().split(' ').map(Number);
    this.#pid = undefined;
    return to - from;
  }

  async use(): Promise<AgentUse> {
    return useOf(this.#lab, this.#here());
  }

  #here(): number {
    if (this.#pid === undefined) throw new Error('the agent was not started');
    return this.#pid;
  }
}
