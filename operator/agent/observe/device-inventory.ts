import type { Hypervisor, PciDevice } from '../../hypervisor/hypervisor.ts';
import { FreshReading } from '../../runtime/fresh-reading.ts';
import type { Clock, Logger } from '../../runtime/ports.ts';

/** Sysfs tells nobody of changes, so that it is read again after that long: somebody may have bound a driver. */
const readAgainMs = 30_000;

/** The PCI devices of the host. */
export class DeviceInventory {
  readonly #hypervisor: Hypervisor;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<() => void>();
  #devices = new Map<string, PciDevice>();
  readonly #reading = new FreshReading(() => this.#read());
  /** A driver changed while the list was on its way: the list may not know. */
  #again = false;
  #stopped = false;
  #cancel: (() => void) | undefined;

  constructor(hypervisor: Hypervisor, clock: Clock, logger: Logger) {
    this.#hypervisor = hypervisor;
    this.#clock = clock;
    this.#logger = logger;
  }

  get devices(): ReadonlyMap<string, PciDevice> {
    return this.#devices;
  }

  /** Reads the list, and now and then again. */
  async start(): Promise<void> {
    await this.refresh();
    if (this.#stopped) return;
    this.#cancel = this.#clock.setTimer(readAgainMs, () => void this.start());
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** Calls `listener` when a reading found something else than the one before. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** A device whose driver was just changed, before the list shows it. */
  setDriver(address: string, driver: string | undefined): void {
    const device = this.#devices.get(address);
    if (device === undefined) return;
    this.#again = true;
    const { driver: _, ...rest } = device;
    this.#devices.set(address, driver === undefined ? rest : { ...rest, driver });
    for (const listener of this.#listeners) listener();
  }

  /** Resolves when the list was read after this call began; what cannot be read stays as it was. */
  async refresh(): Promise<void> {
    return this.#reading.after();
  }

  async #read(): Promise<void> {
    try {
      let devices: PciDevice[];
      do {
        this.#again = false;
        devices = await this.#hypervisor.listPciDevices();
      } while (this.#again as boolean);
      const before = JSON.stringify([...this.#devices.values()]);
      this.#devices = new Map(devices.map((device) => [device.address, device]));
      if (JSON.stringify(devices) !== before) for (const listener of this.#listeners) listener();
    } catch (error) {
      this.#logger.warn('The list of PCI devices could not be read', { error: String(error) });
    }
  }
}
