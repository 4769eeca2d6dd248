import { HypervisorError } from '../hypervisor.ts';
import { type Sysfs, orUndefined } from '../sysfs/sysfs.ts';

/** Throws `Unavailable`, with what to do, unless this is the dom0 of a Xen host. */
export async function requireDom0(sysfs: Sysfs): Promise<void> {
  const type = await read(sysfs, 'sys/hypervisor/type');
  const capabilities = await read(sysfs, 'proc/xen/capabilities');
  if (capabilities?.split(/[\s,]+/).includes('control_d') === true) return;
  if (type !== 'xen') {
    throw new HypervisorError(
      'Unavailable',
      'This is no Xen host: /sys/hypervisor/type is not xen. Boot it with Xen, and run the agent in its dom0.',
    );
  }
  // Where xenfs is not mounted, the kernel's own word is all there is; xl itself tells the rest.
  if (capabilities === undefined && (await read(sysfs, 'sys/hypervisor/uuid')) === dom0Uuid) return;
  throw new HypervisorError(
    'Unavailable',
    'This is a domain of a Xen host, and not its dom0: /proc/xen/capabilities has no control_d. Run the agent in dom0 (mount -t xenfs xenfs /proc/xen if it is not mounted).',
  );
}

const dom0Uuid = '00000000-0000-0000-0000-000000000000';

/** Kernel and boot of dom0. */
export interface KernelFacts {
  readonly kernelVersion: string;
  readonly bootID: string;
}

/** Reads them from /proc. Throws `Unavailable` where that is not the kernel's. */
export async function readKernelFacts(sysfs: Sysfs): Promise<KernelFacts> {
  const kernelVersion = (await read(sysfs, 'proc/sys/kernel/osrelease')) ?? '';
  const bootID = (await read(sysfs, 'proc/sys/kernel/random/boot_id')) ?? '';
  if (/^[\w.+~-]{1,64}$/.test(kernelVersion) && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(bootID)) {
    return { kernelVersion, bootID };
  }
  throw new HypervisorError(
    'Unavailable',
    'Which boot of the host this is cannot be told: /proc/sys/kernel is not readable. Mount /proc of dom0.',
  );
}

async function read(sysfs: Sysfs, path: string): Promise<string | undefined> {
  return (await orUndefined(() => sysfs.read(path)))?.trim();
}
