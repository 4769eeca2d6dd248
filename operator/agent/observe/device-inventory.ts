import type { Hypervisor, PciDevice } from '../../hypervisor/hypervisor.ts';
import type { Logger } from '../../runtime/ports.ts';

/** The PCI devices of the host, read when asked: sysfs tells nobody of changes. */
export class DeviceInventory {
  readonly #hypervisor: Hypervisor;
  readonly #logger: Logger;
  readonly #listeners = new Set<() => void>();
  #devices = new Map<string, PciDevice>();
  #reading: Promise<void> | undefined;

  constructor(hypervisor: Hypervisor, logger: Logger) {
    this.#hypervisor = hypervisor;
    this.#logger = logger;
  }

  get devices(): ReadonlyMap<string, PciDevice> {
    return this.#devices;
  }

  /** Calls `listener` when a reading found something else than the one before. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** A device whose driver was just changed, before the list shows it. */
  setDriver(address: string, driver: string | undefined): void {
    const device = this.#devices.get(address);
    if (device === undefined) return;
    const { driver: _, ...rest } = device;
    this.#devices.set(address, driver === undefined ? rest : { ...rest, driver });
    for (const listener of this.#listeners) listener();
  }

  async refresh(): Promise<void> {
    this.#reading ??= this.#read().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #read(): Promise<void> {
    try {
      const devices = await this.#hypervisor.listPciDevices();
      const before = JSON.stringify([...this.#devices.values()]);
      this.#devices = new Map(devices.map((device) => [device.address, device]));
      if (JSON.stringify(devices) !== before) for (const listener of this.#listeners) listener();
    } catch (error) {
      this.#logger.warn('The list of PCI devices could not be read', { error: String(error) });
    }
  }
}
