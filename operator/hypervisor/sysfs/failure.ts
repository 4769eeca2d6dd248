import { HypervisorError, type HypervisorErrorCode } from '../hypervisor.ts';
import { SysfsError } from './sysfs.ts';

const reasons: Readonly<Record<string, readonly [HypervisorErrorCode, string]>> = {
  EACCES: [
    'NotSupported',
    'the agent is not allowed to. Run it as root in dom0; in a pod, with privileged: true and /sys of the host mounted writable',
  ],
  EROFS: ['NotSupported', '/sys is mounted read-only. In a pod, mount /sys of the host without readOnly'],
  EBUSY: ['DeviceInUse', 'a driver holds the device. Close what uses it in dom0, then it is tried again'],
  ENODEV: [
    'Failed',
    'the driver does not take the device. See driver_override of the device, and the kernel log (dmesg) in dom0',
  ],
  ENOMEM: ['NoMemory', 'dom0 has no memory left for it. Give dom0 more (xl mem-set 0)'],
  ENOTTY: ['NotSupported', 'the device has no way to be reset. Restart the host to have it in a known state'],
};
const synonyms: Readonly<Record<string, string>> = { EPERM: 'EACCES', ENXIO: 'ENODEV' };

/** What a failed write means to the person who reads it: what was done, where, why it failed, and the next step. */
export function writeFailure(doing: string, error: unknown): unknown {
  if (!(error instanceof SysfsError)) return error;
  const [code, why] = reasons[synonyms[error.code] ?? error.code] ?? [
    'Failed',
    'the kernel refused. See its log (dmesg) in dom0; it is tried again',
  ];
  return new HypervisorError(code, `Cannot ${doing}: /${error.path} said ${error.code}: ${why}.`, { cause: error });
}

/** The host has no such device, or no longer. */
export function noSuchDevice(address: string): HypervisorError {
  return new HypervisorError('NoSuchDevice', `The host has no PCI device ${address}. lspci -D lists those it has.`);
}
