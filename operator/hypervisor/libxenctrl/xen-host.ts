import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { HypervisorError } from '../hypervisor.ts';

/** XENFEAT_dom0 of Xen's public/features.h: this domain is the one that controls the host. */
const controlFeature = 1n << 11n;

/**
 * The release of the Xen that runs, as `4.17`, by the files below `root`. Throws `NotSupported` where there is no Xen or
 * where this is not dom0.
 */
export function runningRelease(root: string): string {
  if (attribute(root, 'type') !== 'xen') {
    throw new HypervisorError(
      'NotSupported',
      'This machine does not run under Xen: /sys/hypervisor/type does not say xen. Boot it with Xen, run the agent in dom0, and in a pod mount /sys of the host.',
    );
  }
  const features = attribute(root, 'properties/features') ?? '';
  if (!/^[0-9a-f]{1,16}$/.test(features) || (BigInt(`0x${features}`) & controlFeature) === 0n) {
    throw new HypervisorError(
      'NotSupported',
      'This is not dom0: /sys/hypervisor/properties/features lacks the bit of the domain that controls the host. Run the agent in dom0.',
    );
  }
  const release = `${attribute(root, 'version/major') ?? ''}.${attribute(root, 'version/minor') ?? ''}`;
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

function attribute(root: string, name: string): string | undefined {
  try {
    return readFileSync(join(root, 'sys/hypervisor', name), 'latin1')
      .slice(0, 64)
      .trim();
  } catch {
    return undefined;
  }
}
