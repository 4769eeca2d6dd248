import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isControlDomain } from '../control-domain.ts';
import { HypervisorError } from '../hypervisor.ts';

/**
 * The release of the Xen that runs, as `4.17`, by the files below `root`. Throws `NotSupported` where there is no Xen or
 * where this is not dom0.
 */
export function runningRelease(root: string): string {
  if (attribute(root, 'sys/hypervisor/type') !== 'xen') {
    throw new HypervisorError(
      'NotSupported',
      'This machine does not run under Xen: /sys/hypervisor/type does not say xen. Boot it with Xen, run the agent in dom0, and in a pod mount /sys of the host.',
    );
  }
  const features = attribute(root, 'sys/hypervisor/properties/features');
  if (!isControlDomain({ features, capabilities: attribute(root, 'proc/xen/capabilities') })) {
    throw new HypervisorError(
      'NotSupported',
      'This is not dom0: neither /proc/xen/capabilities nor /sys/hypervisor/properties/features says so. Run the agent in dom0.',
    );
  }
  const release = `${attribute(root, 'sys/hypervisor/version/major') ?? ''}.${attribute(root, 'sys/hypervisor/version/minor') ?? ''}`;
  if (!/^\d{1,3}\.\d{1,3}$/.test(release)) {
    throw new HypervisorError(
      'NotSupported',
      'The release of Xen is not known: /sys/hypervisor/version has no two numbers. Start dom0 with a kernel that has CONFIG_XEN_SYS_HYPERVISOR.',
    );
  }
  return release;
}

/** Throws `Unavailable` unless this process may make hypercalls. */
export function requirePrivcmd(root: string): void {
  try {
    accessSync(join(root, 'dev/xen/privcmd'), constants.R_OK | constants.W_OK);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new HypervisorError(
      'Unavailable',
      missing
        ? 'Hypercalls cannot be made: there is no /dev/xen/privcmd. Load the module xen-privcmd in dom0; in a pod, mount /dev of the host.'
        : 'Hypercalls cannot be made: this process may not open /dev/xen/privcmd. Run the agent as root in dom0; in a pod, with privileged: true.',
      { cause: error },
    );
  }
}

function attribute(root: string, path: string): string | undefined {
  try {
    return readFileSync(join(root, path), 'latin1').slice(0, 64).trim();
  } catch {
    return undefined;
  }
}
