import { readdir, readFile } from 'node:fs/promises';

/** Peak resident memory of a process and of all it started, as far as they live: the sum of their VmHWM, in MiB. */
export async function treePeakMiB(root: number): Promise<number> {
  const parents = new Map<number, number>();
  const peaks = new Map<number, number>();
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const status = await readFile(`/proc/${entry}/status`, 'utf8').catch(() => '');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
    parents.set(Number(entry), field('PPid'));
    peaks.set(Number(entry), field('VmHWM'));
  }
  let total = 0;
  for (const [pid, peak] of peaks) {
    for (let at: number | undefined = pid; at !== undefined && at > 1; at = parents.get(at)) {
      if (at !== root) continue;
      total += peak;
      break;
    }
  }
  return total / 1024;
}
