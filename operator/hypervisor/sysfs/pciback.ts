import { posix } from 'node:path';
import { HypervisorError } from '../hypervisor.ts';
import { Mutex } from '../../runtime/mutex.ts';
import type { Clock } from '../../runtime/ports.ts';
import { isAddress } from './address.ts';
import { noSuchDevice } from './failure.ts';
import { patientWriter } from './patient-writer.ts';
import { devicesPath, readDriver } from './read-devices.ts';
import type { Sysfs } from './sysfs.ts';

const pciback = 'pciback';
const driversPath = 'sys/bus/pci/drivers';
const pcibackPath = `${driversPath}/${pciback}`;
/** The kernel writes a line per device into one page, and stops when it is full. */
const slotsBytes = 65_536;

/** What the device was bound to. The caller keeps it, as libxl does below /libxl/pci, to give the device back. */
export interface Bound {
  /** Undefined if it had no driver, or was bound to pciback before. */
  readonly originalDriver: string | undefined;
}

/**
 * Binding of PCI devices to xen-pciback and back (stubdom-protocol §5.1). A step is taken only if its result is not there
 * yet, and one that failed or was never finished is taken up where it was left: asked again after a crash at any line, the
 * verbs end in the same state.
 */
export interface Pciback {
  bind(address: string): Promise<Bound>;
  /**
   * Takes the device from pciback. With a driver, gives it to that one; a device that another driver has is left to it. No
   * domain may have it any more: the kernel lets go of a device that is in use, and only complains.
   */
  release(address: string, driver: string | undefined): Promise<void>;
  /** `do_flr` of pciback where the kernel has it, else the device's own reset. */
  reset(address: string): Promise<void>;
  /** Lets the guest write all of the device's configuration. Some devices need it, and none should have it unasked. */
  setPermissive(address: string): Promise<void>;
}

export function createPciback(sysfs: Sysfs, clock: Clock): Pciback {
  const writer = patientWriter(sysfs, clock);
  const locks = new Map<string, Mutex>();

  /** One verb at a time for a device. */
  const alone = async <T>(address: string, work: () => Promise<T>): Promise<T> => {
    if (!isAddress(address)) throw new HypervisorError('InvalidArgument', 'That is no PCI address. Give 0000:03:00.0.');
    const lock = locks.get(address) ?? new Mutex();
    locks.set(address, lock);
    return lock.run(work);
  };
  const at = (address: string, file: string): string => posix.join(devicesPath, address, file);

  const driverOf = async (address: string): Promise<string | undefined> => {
    if ((await sysfs.read(at(address, 'vendor'))) === undefined) throw noSuchDevice(address);
    const { name, bad } = await readDriver(sysfs, address);
    if (bad) {
      throw new HypervisorError(
        'Failed',
        `The driver of ${address} cannot be told: /${at(address, 'driver')} leads nowhere. Unbind the device by hand.`,
      );
    }
    return name;
  };
  const requirePciback = async (): Promise<void> => {
    if ((await sysfs.list(pcibackPath)) !== undefined) return;
    throw new HypervisorError(
      'NotSupported',
      `dom0 has no /${pcibackPath}: xen-pciback is not loaded. Load it (modprobe xen-pciback), and at each boot (/etc/modules-load.d).`,
    );
  };
  const hasSlot = async (address: string): Promise<boolean> =>
    ((await sysfs.read(`${pcibackPath}/slots`, slotsBytes)) ?? '').split('\n').includes(address);
  const addSlot = async (address: string): Promise<void> => {
    // Where the list is cut, one that is there already is written again: the kernel keeps one of the two.
    if (!(await hasSlot(address)))
      await writer.write(`${pcibackPath}/new_slot`, address, `announce ${address} to pciback`);
  };
  const dropSlot = async (address: string): Promise<void> => {
    if (await hasSlot(address)) {
      await writer.write(`${pcibackPath}/remove_slot`, address, `take ${address} from the list of pciback`);
    }
  };
  const unbind = async (address: string, driver: string): Promise<void> => {
    try {
      await writer.write(`${driversPath}/${driver}/unbind`, address, `unbind ${address} from ${driver}`);
    } catch (error) {
      // Somebody was faster.
      if ((await driverOf(address)) === driver) throw error;
    }
  };
  /** Ends with the device bound to `driver`, or throws. */
  const bindTo = async (address: string, driver: string): Promise<void> => {
    try {
      await writer.write(`${driversPath}/${driver}/bind`, address, `bind ${address} to ${driver}`);
    } catch (error) {
      if ((await driverOf(address)) !== driver) throw error;
    }
    const now = await driverOf(address);
    if (now === driver) return;
    throw new HypervisorError(
      'Failed',
      `${address} is bound to ${now ?? 'no driver'} after it was bound to ${driver}: something else in dom0 binds drivers too (udev, driverctl, libvirt). Stop it for this device.`,
    );
  };
  /** Refuses while `driver_override` would keep the device from `driver`. */
  const requireNoOverride = async (address: string, driver: string): Promise<void> => {
    const override = ((await sysfs.read(at(address, 'driver_override'))) ?? '').trim();
    if (override === '' || override === '(null)' || override === driver) return;
    throw new HypervisorError(
      'DeviceInUse',
      `driver_override of ${address} lets another driver than ${driver} have it. Clear it in dom0: echo > /${at(address, 'driver_override')} (or driverctl unset-override ${address}).`,
    );
  };

  const bindToPciback = async (address: string): Promise<Bound> => {
    const before = await driverOf(address);
    if (before === pciback) return { originalDriver: undefined };
    await requirePciback();
    await requireNoOverride(address, pciback);
    // First what can fail without harm: until it is unbound, the device works as before.
    await addSlot(address);
    if (before !== undefined) await unbind(address, before);
    try {
      await bindTo(address, pciback);
    } catch (error) {
      if (error instanceof HypervisorError && error.code === 'Unavailable') throw error;
      // Best effort: the device works for dom0 again, and the first failure is the one to tell of.
      await dropSlot(address).catch(() => undefined);
      if (before !== undefined) await bindTo(address, before).catch(() => undefined);
      throw error;
    }
    return { originalDriver: before };
  };

  const requireDriver = async (address: string, driver: string): Promise<void> => {
    if ((await sysfs.list(`${driversPath}/${driver}`)) !== undefined) return;
    throw new HypervisorError(
      'NotSupported',
      `${address} cannot go back to its driver ${driver}, which dom0 does not have loaded. Load it (modprobe ${driver}); until then the device stays as it is.`,
    );
  };
  const giveBack = async (address: string, driver: string | undefined): Promise<void> => {
    if (driver !== undefined && !/^[A-Za-z0-9_.+()-]{1,64}$/.test(driver)) {
      throw new HypervisorError('InvalidArgument', 'That is no name of a driver.');
    }
    const to = driver === pciback ? undefined : driver;
    const now = await driverOf(address);
    if (now === undefined || now === pciback) {
      if (to !== undefined) await requireDriver(address, to);
      if (to !== undefined) await requireNoOverride(address, to);
    }
    if (now === pciback) await unbind(address, pciback);
    await dropSlot(address);
    if (to !== undefined && (await driverOf(address)) === undefined) await bindTo(address, to);
  };

  const resetDevice = async (address: string): Promise<void> => {
    const driver = await driverOf(address);
    if (driver !== undefined && driver !== pciback) {
      throw new HypervisorError(
        'DeviceInUse',
        `${address} is not reset while driver ${driver} of dom0 works with it. Make it assignable first (xl pci-assignable-add ${address}).`,
      );
    }
    const doing = `reset ${address}`;
    if (driver === pciback && ((await sysfs.list(pcibackPath)) ?? []).includes('do_flr')) {
      await writer.write(`${pcibackPath}/do_flr`, address, doing);
      return;
    }
    if (!((await sysfs.list(posix.join(devicesPath, address))) ?? []).includes('reset')) {
      throw new HypervisorError(
        'NotSupported',
        `${address} has no way to be reset: no FLR, no power management reset, no bus of its own. A guest would find what the one before left in it. Choose another device; to have this one clean, restart the host.`,
      );
    }
    await writer.write(at(address, 'reset'), '1', doing);
  };

  return {
    bind: async (address) => alone(address, async () => bindToPciback(address)),
    release: async (address, driver) => alone(address, async () => giveBack(address, driver)),
    reset: async (address) => alone(address, async () => resetDevice(address)),
    setPermissive: async (address) =>
      alone(address, async () => {
        if ((await driverOf(address)) !== pciback) {
          throw new HypervisorError(
            'DeviceInUse',
            `${address} is not bound to pciback, which alone has a permissive mode. Make it assignable first (xl pci-assignable-add ${address}).`,
          );
        }
        await writer.write(`${pcibackPath}/permissive`, address, `make ${address} permissive`);
      }),
  };
}
