import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commit } from '../../operator/agent/act/commit.ts';
import type { ActContext, Happening } from '../../operator/agent/act/context.ts';
import { Turns } from '../../operator/agent/act/turns.ts';
import { DeviceInventory } from '../../operator/agent/observe/device-inventory.ts';
import { DomainInventory } from '../../operator/agent/observe/domain-inventory.ts';
import { KeyMemory } from '../../operator/agent/observe/key-memory.ts';
import type { Snapshot } from '../../operator/domain/snapshot.ts';
import { createPciBus, type PciBus } from '../../operator/embedded/simulated-host/pci-bus.ts';
import { startXenstored } from '../../operator/embedded/xenstored/server.ts';
import {
  type Domain,
  type FileFacts,
  type Hypervisor,
  HypervisorError,
  type PciDevice,
} from '../../operator/hypervisor/hypervisor.ts';
import { silentLogger } from '../../operator/runtime/ports.ts';
import { openXenStore } from '../../operator/xenstore/client.ts';
import type { XenStore } from '../../operator/xenstore/xenstore.ts';
import { aSnapshot } from './builders.ts';
import { type ManualClock, manualClock } from './manual-clock.ts';

/** What a step works on: a real XenStore daemon, a PCI bus, and a list of domains. */
export interface ActWorld {
  readonly xenstore: XenStore;
  readonly clock: ManualClock;
  readonly bus: PciBus;
  readonly happenings: readonly Happening[];
  /** Domains that were ended. */
  readonly ended: readonly string[];
  readonly memory: KeyMemory;
  /** The device is pulled out of the machine. */
  unplug(address: string): void;
  /** The context of one step. */
  context(change?: Partial<Snapshot>): ActContext;
  /** Value of each node below a path, by path. */
  tree(path: string): Promise<Record<string, string>>;
  close(): Promise<void>;
}

/** `devices`: those of the bus. `domains`: what the hypervisor lists. */
export async function startActWorld(options: {
  readonly devices: readonly PciDevice[];
  readonly domains?: readonly Domain[];
  /** Saved states in dom0, by path. */
  readonly files?: ReadonlyMap<string, FileFacts>;
}): Promise<ActWorld> {
  const home = await mkdtemp(join(tmpdir(), 'act-'));
  const daemon = await startXenstored({ socketPath: join(home, 's'), guestDir: join(home, 'g') });
  const xenstore = openXenStore({ transport: { kind: 'socket', path: daemon.socketPath } });
  await xenstore.connected();
  const clock = manualClock();
  const bus = createPciBus({ devices: options.devices });
  const ended: string[] = [];
  const gone = new Set<string>();
  const hypervisor = hypervisorOn(bus, options.domains ?? [], ended, gone, options.files ?? new Map());
  const domains = new DomainInventory(hypervisor, silentLogger);
  await domains.refresh();
  const devices = new DeviceInventory(hypervisor, clock, silentLogger);
  await devices.refresh();
  const happenings: Happening[] = [];
  const memory = new KeyMemory();
  const tree = async (path: string): Promise<Record<string, string>> => {
    const value = await xenstore.tryReadString(path);
    if (value === undefined) return {};
    const names = (await xenstore.tryList(path)) ?? [];
    const below = await Promise.all(names.map((name) => tree(`${path}/${name}`)));
    return Object.assign({ [path]: value }, ...below) as Record<string, string>;
  };
  return {
    xenstore,
    clock,
    bus,
    happenings,
    ended,
    memory,
    tree,
    unplug: (address) => gone.add(address),
    context: (change = {}) => ({
      xenstore,
      layOut: (callback, transaction) => xenstore.transaction(callback, transaction),
      commit: (change) => commit(xenstore.transaction.bind(xenstore), change),
      hypervisor,
      domains,
      devices,
      memory,
      creations: new Turns(1),
      snapshot: aSnapshot({ hostDevices: devices.devices, ...change }),
      clock,
      random: Math.random,
      happened: (happening) => happenings.push(happening),
    }),
    close: async () => {
      await xenstore.close();
      await daemon.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

function hypervisorOn(
  bus: PciBus,
  domains: readonly Domain[],
  ended: string[],
  gone: ReadonlySet<string>,
  files: ReadonlyMap<string, FileFacts>,
): Hypervisor {
  const none = async (): Promise<never> => Promise.reject(new Error('no step here asks for that'));
  return {
    stubDomainsMadeBy: 'agent',
    createGuest: none,
    info: none,
    createDomain: none,
    setTarget: none,
    unpauseDomain: none,
    listDomains: async () => [...domains],
    destroyDomain: async ({ uuid }) => {
      ended.push(uuid);
    },
    listPciDevices: async () => bus.devices().filter(({ address }) => !gone.has(address)),
    makeAssignable: async (address) => bus.makeAssignable(address),
    releaseAssignable: async (address, driver) => {
      bus.releaseAssignable(address, driver);
    },
    reset: async (address) => {
      if (gone.has(address)) throw new HypervisorError('NoSuchDevice', 'the host has no such PCI device');
      bus.reset(address);
    },
    grant: async (address, domain, { iommu }) => {
      bus.grant(address, domain, iommu);
    },
    revoke: async (address, domain, { iommu }) => {
      bus.revoke(address, domain, iommu);
    },
    inspectFile: async (path) => files.get(path),
    close: async () => {},
  };
}
