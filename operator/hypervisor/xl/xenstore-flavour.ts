import { posix } from 'node:path';
import { type Sysfs, orUndefined } from '../sysfs/sysfs.ts';

const pidFiles = ['run/xenstored.pid', 'run/xen/xenstored.pid', 'run/oxenstored.pid', 'var/run/xenstored.pid'];

const unknown = 'unknown';

/**
 * Which XenStore daemon serves the host, as far as its files tell: `C xenstored 4.17`, `oxenstored`, or `unknown`, also
 * where it is a domain of its own. Neither daemon tells its version to clients.
 */
export async function readXenstoreVersion(sysfs: Sysfs): Promise<string> {
  const read = (path: string) => orUndefined(() => sysfs.read(path));
  for (const file of pidFiles) {
    const pid = (await read(file))?.trim();
    if (pid === undefined || !/^[1-9]\d{0,8}$/.test(pid)) continue;
    const name = (await read(`proc/${pid}/comm`))?.trim();
    const command = (await read(`proc/${pid}/cmdline`))?.split('\0')[0] ?? '';
    const flavour = name === 'xenstored' ? 'C xenstored' : name === 'oxenstored' ? 'oxenstored' : undefined;
    if (flavour === undefined) continue;
    const release = /^xen-(\d{1,3}\.\d{1,3})$/.exec(posix.basename(posix.dirname(posix.dirname(command))))?.[1];
    return release === undefined ? flavour : `${flavour} ${release}`;
  }
  return unknown;
}
