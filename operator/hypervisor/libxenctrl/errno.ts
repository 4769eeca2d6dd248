import { HypervisorError, type HypervisorErrorCode } from '../hypervisor.ts';

/** The errnos that hypercalls end with, by number as Linux on x86 has them. */
const names: Readonly<Record<number, string>> = {
  1: 'EPERM',
  2: 'ENOENT',
  3: 'ESRCH',
  4: 'EINTR',
  5: 'EIO',
  6: 'ENXIO',
  7: 'E2BIG',
  11: 'EAGAIN',
  12: 'ENOMEM',
  13: 'EACCES',
  14: 'EFAULT',
  16: 'EBUSY',
  17: 'EEXIST',
  19: 'ENODEV',
  22: 'EINVAL',
  28: 'ENOSPC',
  34: 'ERANGE',
  38: 'ENOSYS',
  61: 'ENODATA',
  75: 'EOVERFLOW',
  85: 'ERESTART',
  95: 'EOPNOTSUPP',
};

/** The errno's name, or its number if it is none that is expected. */
export function errnoName(errno: number): string {
  return names[errno] ?? `errno ${String(errno)}`;
}

/** What an errno means to a caller. */
export interface Meaning {
  readonly code: HypervisorErrorCode;
  /** Why, and the next step, without the full stop. */
  readonly why: string;
}

/** By the name of the errno. */
export type Meanings = Readonly<Record<string, Meaning>>;

const rights: Meaning = {
  code: 'Unavailable',
  why: 'the hypervisor does not let this process. Run the agent as root in dom0, and see that the XSM policy (xl getenforce), if there is one, allows it',
};
const unsupported: Meaning = {
  code: 'NotSupported',
  why: 'this hypervisor was built or started without it. See xl dmesg, and the options on its command line',
};

const meanings: Meanings = {
  EPERM: rights,
  EACCES: rights,
  ESRCH: { code: 'NoSuchDomain', why: 'there is no such domain any more. xl list shows those that live' },
  ENODEV: {
    code: 'NoSuchDevice',
    why: 'the hypervisor does not know the device, or it is not the domain’s. lspci -D lists the host’s devices, xl dmesg those it scanned',
  },
  EBUSY: {
    code: 'DeviceInUse',
    why: 'another domain has it. xl pci-assignable-list shows what is free; detach it from the other domain first',
  },
  ENOMEM: {
    code: 'NoMemory',
    why: 'the hypervisor has no memory left. Free some: destroy a domain, or balloon dom0 down',
  },
  ENOSYS: unsupported,
  EOPNOTSUPP: unsupported,
  EINVAL: { code: 'InvalidArgument', why: 'the hypervisor refuses these values. See xl dmesg' },
  ERANGE: { code: 'InvalidArgument', why: 'a number is beyond what the hypervisor has. See xl dmesg' },
};

/** A failed call: what was to be done, and what its errno means to the person who reads it. */
export function callFailure(doing: string, errno: number, special: Meanings = {}): HypervisorError {
  const name = errnoName(errno);
  const { code, why } = special[name] ??
    meanings[name] ?? { code: 'Failed', why: 'the hypervisor refused. See xl dmesg; it is tried again' };
  return new HypervisorError(code, `Cannot ${doing}: the hypervisor said ${name}: ${why}.`);
}

/** To calls about the IOMMU. */
export const ofTheIommu: Meanings = {
  ENOSYS: {
    code: 'NotSupported',
    why: 'the IOMMU is off. Enable it in the firmware (VT-d, AMD-Vi) and take iommu=off from Xen’s command line, then restart the host',
  },
  EOPNOTSUPP: {
    code: 'NotSupported',
    why: 'the IOMMU is off, or the domain was created without it. Enable it in the firmware (VT-d, AMD-Vi), and create the guest with passthrough="enabled"',
  },
};

/** To an assignment: Xen says so of a device that neither dom0 nor the quarantine has. */
export const ofAssigning: Meanings = {
  ...ofTheIommu,
  EBUSY: {
    code: 'DeviceInUse',
    why: 'a domain has the device already, maybe this one. Detach it from that domain first: xl pci-assignable-list shows what is free',
  },
};

/** To a test of one, where the same is EINVAL, and a device that Xen does not know too. */
export const ofTesting: Meanings = {
  ...ofTheIommu,
  EINVAL: {
    code: 'DeviceInUse',
    why: 'a domain has the device already, maybe this one, or the hypervisor has no such device. See xl pci-assignable-list and xl dmesg; detach it from that domain first',
  },
};

/** To an interrupt's permission: Xen has dom0 give away only what it could use itself. */
export const ofInterrupts: Meanings = {
  EPERM: {
    code: 'NoSuchDevice',
    why: 'dom0 itself may not use this interrupt, so that it cannot be given away. See /proc/interrupts and the device’s irq in sysfs',
  },
};
