import type { Hypervisor } from '../hypervisor.ts';
import { quarantineDomid } from '../libxenctrl/arguments.ts';
import type { HostPci } from '../sysfs/host-pci.ts';
import type { Control } from './control.ts';
import { requirePassthrough } from './passthrough.ts';

/**
 * Devices made assignable as `xl pci-assignable-add` does it, and back: bound to pciback and quarantined, so that xl's own
 * verbs go on from there. `/libxl/pci` is the caller's.
 */
export function createAssignable(
  control: Control,
  pci: HostPci,
): Pick<Hypervisor, 'makeAssignable' | 'releaseAssignable' | 'reset'> {
  return {
    makeAssignable: async (address) => {
      // Before dom0's driver loses the device for nothing.
      const calls = await requirePassthrough(control);
      const bound = await pci.makeAssignable(address);
      // No memory is mapped there that reserved memory of the device could be in the way of.
      await calls.assign(quarantineDomid, address, { rdmRelaxed: true });
      return bound;
    },
    releaseAssignable: async (address, driver) => {
      const calls = control.get();
      await calls.deassign(quarantineDomid, address);
      await pci.releaseAssignable(address, driver);
    },
    reset: async (address) => {
      control.get();
      await pci.reset(address);
    },
  };
}
