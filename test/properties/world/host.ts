import { startBackends } from '../../../operator/embedded/simulated-host/backends.ts';
import { startDeviceModel, type DeviceModel } from '../../../operator/embedded/simulated-host/device-model/driver.ts';
import type { DeviceModelReport } from '../../../operator/embedded/simulated-host/device-model/record.ts';
import { createSaveFiles } from '../../../operator/embedded/simulated-host/device-model/save-files.ts';
import {
  createDomainTable,
  type DomainRecord,
  type DomainTable,
} from '../../../operator/embedded/simulated-host/domains.ts';
import {
  createHypervisorCore,
  type HypervisorCore,
} from '../../../operator/embedded/simulated-host/hypervisor-core.ts';
import { createPciBus, type PciBus } from '../../../operator/embedded/simulated-host/pci-bus.ts';
import { noQuirks, type QuirkSettings } from '../../../operator/embedded/simulated-host/quirks.ts';
import { writeTree } from '../../../operator/embedded/simulated-host/domain-tree.ts';
import type { PciDevice } from '../../../operator/hypervisor/hypervisor.ts';
import { silentLogger, type Clock } from '../../../operator/runtime/ports.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import { isXenStoreError } from '../../../operator/xenstore/errors.ts';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import type { HubLine, StoreHub } from './store-hub.ts';
import type { WorldTime } from './time.ts';

/** A stub domain whose device model runs. */
interface Running {
  readonly model: DeviceModel;
  readonly line: HubLine;
  end(): void;
}

export interface HostOptions {
  readonly hub: StoreHub;
  readonly time: WorldTime;
  readonly devices: readonly PciDevice[];
  /** The behaviour of the stub domains of a guest, by the guest's uuid. */
  readonly quirks: (guestUuid: string) => Partial<QuirkSettings>;
  /** A device model starts: a new incarnation. */
  readonly started: (stub: DomainRecord) => void;
}

/**
 * The simulated host of the embedded world, on lines of the hub: hypervisor, dom0's back ends, and a device model in each
 * stub domain. They are the simulated host's own; only the sockets are missing.
 */
export class PropertyHost {
  readonly domains: DomainTable = createDomainTable(64 * 1024);
  readonly bus: PciBus;
  readonly core: HypervisorCore;
  readonly #options: HostOptions;
  readonly #saves = createSaveFiles(undefined);
  readonly #running = new Map<number, Running>();
  readonly #store: XenStore;
  readonly #clock: Clock;

  constructor(options: HostOptions) {
    this.#options = options;
    const { hub, time, devices } = options;
    this.bus = createPciBus({ devices });
    this.#clock = time.life().clock;
    const store = this.#open('xen', 0).store;
    this.#store = store;
    this.core = createHypervisorCore({
      domains: this.domains,
      bus: this.bus,
      store,
      totalMiB: 64 * 1024,
      saves: this.#saves,
      fabric: {
        create: async () => {},
        introduce: async (domid) => {
          await store.introduce(domid, 0n, 1);
          return { guestSocket: String(domid) };
        },
        release: async (domid) => {
          await store.release(domid).catch((error: unknown) => {
            if (!isXenStoreError(error, 'ENOENT')) throw error;
          });
        },
        close: async () => {},
      },
      events: {
        started: (domain) => {
          this.#start(hub, time, domain);
        },
        ending: async ({ domid }) => {
          this.#end(domid);
        },
      },
    });
  }

  /** Resolves when dom0 is up. */
  async boot(): Promise<void> {
    await writeTree(this.#store, [
      { path: '/local/domain/0/domid', value: '0' },
      { path: '/local/domain/0/backend' },
      { path: '/vm' },
      { path: '/libxl' },
      { path: '/tool' },
    ]);
    await startBackends({
      store: this.#open('back ends', 0).store,
      assignable: (address) => this.bus.device(address).driver === 'pciback',
      quirks: (domid) => this.#quirks(domid),
      clock: this.#clock,
      logger: silentLogger,
    });
  }

  /** The device model that serves a guest now. */
  modelOf(guestUuid: string): DeviceModelReport | undefined {
    for (const [domid, { model }] of this.#running) {
      if (this.domains.get(domid)?.target?.uuid === guestUuid) return model.report();
    }
    return undefined;
  }

  /** Has the device models look again: one that ignored a command does not otherwise. */
  nudge(): void {
    for (const { line } of this.#running.values()) for (let watch = 0; watch < 8; watch += 1) line.spurious(watch);
  }

  #open(actor: string, domid: number): { readonly store: XenStore; readonly line: HubLine } {
    const line = this.#options.hub.line(actor, domid);
    const store = openXenStore({
      transport: { kind: 'custom', transport: line.transport },
      clock: this.#clock,
      random: () => 0.5,
      // As many as xenstored allows a guest is 20.
      maxInFlight: domid === 0 ? 64 : 16,
      reconnect: false,
    });
    return { store, line };
  }

  #quirks(domid: number): QuirkSettings {
    const guest = this.domains.get(domid)?.target?.uuid;
    return { ...noQuirks, ...(guest === undefined ? {} : this.#options.quirks(guest)) };
  }

  #start(hub: StoreHub, time: WorldTime, domain: DomainRecord): void {
    const { domid, uuid } = domain;
    const life = time.life();
    const line = hub.line(`model ${domid}`, domid);
    const store = openXenStore({
      transport: { kind: 'custom', transport: line.transport },
      clock: life.clock,
      random: () => 0.5,
      maxInFlight: 16,
      reconnect: false,
    });
    const model = startDeviceModel({
      domid,
      uuid,
      store,
      quirks: () => this.#quirks(domid),
      guest: (target) => {
        const allowed = this.domains.get(domid)?.target;
        const guest = this.domains.get(target)?.guest;
        if (allowed?.domid !== target || guest === undefined || guest.uuid !== allowed.uuid) return undefined;
        return { name: guest.name, ejectDelayMs: 50, acceptsEject: true };
      },
      saves: this.#saves,
      onDeath: () => {
        void this.core.destroyDomain({ domid, uuid }).catch(() => {});
      },
      clock: life.clock,
      logger: silentLogger,
    });
    this.#running.set(domid, {
      model,
      line,
      end: () => {
        life.end();
        line.kill(0);
        void model.stop();
      },
    });
    this.#options.started(domain);
  }

  #end(domid: number): void {
    const running = this.#running.get(domid);
    if (running === undefined) return;
    this.#running.delete(domid);
    running.end();
  }
}
