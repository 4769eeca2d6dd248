import { HypervisorError } from '../hypervisor.ts';
import { firstReservedDomid } from '../libxenctrl/arguments.ts';

/** A domain as `xl list -v` shows it. The name may hold anything but a line break. */
export interface ListedDomain {
  readonly domid: number;
  readonly uuid: string;
  readonly name: string;
  readonly memoryMiB: number;
  readonly paused: boolean;
  readonly dying: boolean;
  readonly shutdown: boolean;
  /** SHUTDOWN_* of Xen's public/sched.h, if it is shut down. */
  readonly shutdownReason?: number;
}

/** From the right, where the columns are: domid, memory, processors, state, time, uuid, reason, label. */
const row =
  /^(.*?) +(\d{1,5}) +(\d{1,10}) +\d{1,5} +([r-][b-][p-][s-][rscw?-][d-]) +\d+\.\d +([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}) +([0-9a-f]{1,8}|-) +\S{1,128}$/;

/** Parses what `xl list -v` prints, strictly: a line that is no domain makes it no list at all (`Failed`). */
export function parseList(text: string): ListedDomain[] {
  const [header = '', ...lines] = text.replace(/\n$/, '').split('\n');
  if (!/^Name +ID +Mem +VCPUs\s+State\s+Time\(s\) +UUID +Reason-Code\s+Security Label$/.test(header)) throw noList();
  const seen = new Set<number>();
  return lines.map((line) => {
    const [, name, domid, memory, flags, uuid, reason] = row.exec(line) ?? [];
    if (name === undefined || domid === undefined || flags === undefined || uuid === undefined) throw noList();
    const number = Number(domid);
    if (number >= firstReservedDomid || seen.has(number)) throw noList();
    seen.add(number);
    return {
      domid: number,
      uuid,
      name,
      memoryMiB: Number(memory),
      paused: flags[2] === 'p',
      dying: flags[5] === 'd',
      shutdown: flags[3] === 's',
      ...(flags[3] === 's' && reason !== undefined && reason !== '-'
        ? { shutdownReason: Number.parseInt(reason, 16) }
        : {}),
    };
  });
}

function noList(): HypervisorError {
  return new HypervisorError(
    'Failed',
    'What xl list -v printed is no list of domains, so that nothing is concluded from it. Run it by hand; a newer xl needs a newer agent.',
  );
}
