import { isControlDomain } from '../control-domain.ts';
import { HypervisorError } from '../hypervisor.ts';
import { type Sysfs, orUndefined } from '../sysfs/sysfs.ts';

/** Throws `Unavailable`, with what to do, unless this is the dom0 of a Xen host. */
export async function requireDom0(sysfs: Sysfs): Promise<void> {
  const capabilities = await read(sysfs, 'proc/xen/capabilities');
  const features = await read(sysfs, 'sys/hypervisor/properties/features');
  if (isControlDomain({ features, capabilities })) return;
  if ((await read(sysfs, 'sys/hypervisor/type')) !== 'xen') {
    throw new HypervisorError(
      'Unavailable',
      'This is no Xen host: /sys/hypervisor/type is not xen. Boot it with Xen, and run the agent in its dom0.',
    );
  }
  throw new HypervisorError(
    'Unavailable',
    'This is a domain of a Xen host, and not its dom0: neither /proc/xen/capabilities nor /sys/hypervisor/properties/features says so. Run the agent in dom0.',
  );
}

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
