import type { HostInfo } from '../hypervisor.ts';
import type { Clock } from '../../runtime/ports.ts';
import type { Sysfs } from '../sysfs/sysfs.ts';
import type { Control } from './control.ts';
import { readKernelFacts, requireDom0 } from './dom0.ts';
import { parseInfo, type XenInfo } from './parse-info.ts';
import { readPassthrough } from './passthrough.ts';
import { xlFailure } from './xl-failure.ts';
import type { XlProgram } from './xl-program.ts';
import { readXenstoreVersion } from './xenstore-flavour.ts';

/** xl is asked again after that long even where nothing of its answer is needed: only so is it seen that it hangs. */
const askAgainMs = 300_000;

export interface HostInfoOptions {
  readonly control: Control;
  readonly xl: XlProgram;
  readonly sysfs: Sysfs;
  readonly clock: Clock;
}

/**
 * Reads what the host is. Throws `Unavailable` where this is no dom0, or xl is missing, hangs or may not do its work. The
 * memory is the hypervisor's own word where hypercalls can be made, which takes no process.
 */
export function createHostInfo({ control, xl, sysfs, clock }: HostInfoOptions): () => Promise<HostInfo> {
  let last: { readonly info: XenInfo; readonly at: number } | undefined;
  const ask = async (): Promise<XenInfo> => {
    const { status, stdout, stderr } = await xl.query('info');
    if (status !== 0) throw xlFailure('read what the host is', status, stderr);
    const info = parseInfo(stdout);
    last = { info, at: clock.monotonic() };
    return info;
  };
  return async () => {
    await requireDom0(sysfs);
    await xl.check();
    const calls = control.tryGet();
    const isFresh = last !== undefined && clock.monotonic() - last.at < askAgainMs;
    const info = calls !== undefined && last !== undefined && isFresh ? last.info : await ask();
    const { totalMiB, freeMiB } = calls === undefined ? info : await calls.physicalMemory();
    return {
      driver: 'xl',
      xenVersion: info.xenVersion,
      xenstoreVersion: await readXenstoreVersion(sysfs),
      ...(await readKernelFacts(sysfs)),
      totalMiB,
      freeMiB,
      passthrough: await readPassthrough(control, sysfs),
    };
  };
}
