import { HypervisorError, type PassthroughFacts } from '../hypervisor.ts';
import type { Libxenctrl } from '../libxenctrl/libxenctrl.ts';
import { type Sysfs, SysfsError } from '../sysfs/sysfs.ts';
import type { Control } from './control.ts';

const iommuOff =
  'The IOMMU is off, so that no guest can have a PCI device. Enable it in the firmware (VT-d, AMD-Vi), take iommu=off from the command line of Xen, and restart the host.';

/** The hypercalls, if devices can be given away here. Throws `NotSupported` or `Unavailable`, saying why not and what to do. */
export async function requirePassthrough(control: Control): Promise<Libxenctrl> {
  const calls = control.get();
  if (!(await calls.capabilities()).directIo) throw new HypervisorError('NotSupported', iommuOff);
  return calls;
}

/** Whether PCI devices can be given to guests on this host. */
export async function readPassthrough(control: Control, sysfs: Sysfs): Promise<PassthroughFacts> {
  try {
    const calls = control.get();
    if (!(await calls.capabilities()).directIo) return { ok: false, reason: 'IommuOff', message: iommuOff };
  } catch (error) {
    if (!(error instanceof HypervisorError)) throw error;
    const reason = error.code === 'NotSupported' ? 'UnknownXenVersion' : 'HypercallsUnavailable';
    return { ok: false, reason, message: error.message };
  }
  if (await hasPciback(sysfs)) return { ok: true };
  const message =
    'xen-pciback is not loaded in dom0, so that no device can be taken from it. Load it (modprobe xen-pciback), and at each boot (/etc/modules-load.d).';
  return { ok: false, reason: 'PcibackMissing', message };
}

async function hasPciback(sysfs: Sysfs): Promise<boolean> {
  try {
    return (await sysfs.list('sys/bus/pci/drivers/pciback')) !== undefined;
  } catch (error) {
    if (error instanceof SysfsError) return false;
    throw error;
  }
}
