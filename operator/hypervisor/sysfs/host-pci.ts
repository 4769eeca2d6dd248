import { HypervisorError, type Hypervisor } from '../hypervisor.ts';
import type { Clock } from '../../runtime/ports.ts';
import { noSuchDevice, writeFailure } from './failure.ts';
import { type HostInventory, readInventory } from './inventory.ts';
import { type Pciback, createPciback } from './pciback.ts';
import { type PciResources, readResources } from './resources.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

/** The PCI side of a host whose files are at hand: what every hypervisor driver of a real host shares. */
export interface HostPci
  extends
    Pick<Hypervisor, 'listPciDevices' | 'makeAssignable' | 'releaseAssignable' | 'reset'>,
    Pick<Pciback, 'setPermissive'> {
  inventory(): Promise<HostInventory>;
  /** Ports, pages and interrupt, to be granted and revoked. */
  resources(address: string): Promise<PciResources>;
}

/** `sysfs`: the host's /sys and /proc, as `openSysfs` gives them. */
export function createHostPci(sysfs: Sysfs, clock: Clock): HostPci {
  const pciback = createPciback(sysfs, clock);
  const inventory = async (): Promise<HostInventory> => {
    try {
      return await readInventory(sysfs);
    } catch (error) {
      if (!(error instanceof SysfsError)) throw error;
      const message = `The PCI devices cannot be listed: /${error.path} said ${error.code}. Run the agent as root in dom0; in a pod, with /sys and /proc of the host.`;
      throw new HypervisorError('Unavailable', message, { cause: error });
    }
  };
  /** The last look before a driver of dom0 loses the device. */
  const refuseInUse = async (address: string): Promise<void> => {
    const device = (await inventory()).devices.find((one) => one.address === address);
    if (device === undefined) throw noSuchDevice(address);
    if (device.hostUse === undefined) return;
    throw new HypervisorError(
      'DeviceInUse',
      `${address} is not taken from the host, which needs it (${device.hostUse}). Choose another device, or free this one in dom0 first.`,
    );
  };
  return {
    inventory,
    listPciDevices: async () => [...(await inventory()).devices],
    makeAssignable: async (address) => {
      await refuseInUse(address);
      return pciback.bind(address);
    },
    releaseAssignable: async (address, driver) => pciback.release(address, driver),
    reset: async (address) => pciback.reset(address),
    setPermissive: async (address) => pciback.setPermissive(address),
    resources: async (address) => {
      try {
        return await readResources(sysfs, address);
      } catch (error) {
        throw writeFailure(`read the resources of ${address}`, error);
      }
    },
  };
}
