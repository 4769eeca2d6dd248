import type { XenLab } from './xen-lab.ts';

/** Name of the XenHost. */
export const hostName = 'xen-lab';

/** What the agent takes of dom0. */
export interface AgentUse {
  readonly residentMiB: number;
  readonly mostMiB: number;
  /** Processor seconds since it was started. */
  readonly cpuS: number;
  readonly threads: number;
}

/** The agent in dom0, one after another, from the archive in /opt and with the driver `xl`. */
export interface DomainZeroAgent {
  /** Starts it with this transport of XenStore; resolves when the process is there. */
  start(xenstore: string): Promise<void>;
  /** SIGKILL in the moment when a command of dom0 succeeds, which still does so when the agent is gone; resolves then. */
  killAsSoonAs(condition: string): Promise<void>;
  /** Ends it; gives the seconds that it took. */
  stop(): Promise<number>;
  use(): Promise<AgentUse>;
}

/** For `killAsSoonAs`. */
export async function killAsSoonAs(lab: XenLab, pid: number, condition: string): Promise<void> {
  const gone = `kill -KILL ${String(pid)}; while kill -0 ${String(pid)} 2>/dev/null; do sleep 0.1; done; ${condition}`;
  await lab.run(`for i in {1..900}; do ${condition} && { ${gone}; exit; }; done; exit 1`, 240);
}

/** For `use`. */
export async function useOf(lab: XenLab, pid: number): Promise<AgentUse> {
  const text = await lab.run(`cat /proc/${String(pid)}/status /proc/${String(pid)}/stat`);
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
