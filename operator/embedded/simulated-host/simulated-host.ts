import { HypervisorError, type Hypervisor } from '../../hypervisor/hypervisor.ts';
import { silentLogger, systemClock, type Clock, type Logger, type Random } from '../../runtime/ports.ts';
import { openXenStore } from '../../xenstore/client.ts';
import type { HostAdmin } from './admin.ts';
import { startBackends } from './backends.ts';
import { createSaveFiles } from './device-model/save-files.ts';
import { createDeviceModels } from './device-models.ts';
import { writeTree } from './domain-tree.ts';
import { createDomainTable, dom0MemoryMiB } from './domains.ts';
import type { DomainFabric } from './fabric.ts';
import type { GuestDefinition } from './guest.ts';
import { createHypervisorCore } from './hypervisor-core.ts';
import { startHypervisorServer } from './hypervisor-server.ts';
import { createPciBus } from './pci-bus.ts';
import { parseQuirk, QuirkError } from './quirk-text.ts';
import { quirksFor, type Quirks } from './quirks.ts';
import type { PciTopology } from './topology.ts';

export interface SimulatedHostOptions {
  /** For logs. */
  readonly name: string;
  /** dom0's socket of the XenStore daemon; each host has a daemon of its own. */
  readonly xenstoreSocket: string;
  /** Not closed by the host. */
  readonly fabric: DomainFabric;
  readonly topology: PciTopology;
  readonly guests: readonly GuestDefinition[];
  readonly quirks?: Quirks;
  /** Where to serve the hypervisor for an agent in another process. */
  readonly hypervisorSocket?: string;
  /** Directory for save files; left out, they are only remembered. */
  readonly stateDirectory?: string;
  /** Memory of the host. Left out, 256 GiB. */
  readonly totalMiB?: number;
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** A Xen host without Xen: hypervisor, dom0's back ends, guests and a device model in each stub domain that runs. */
export interface SimulatedHost {
  readonly hypervisor: Hypervisor;
  readonly hypervisorSocket?: string;
  readonly admin: HostAdmin;
  /** Ends everything that runs on it, as pulling the plug does: XenStore is left as it is. Idempotent. */
  close(): Promise<void>;
}

const defaultTotalMiB = 256 * 1024;

export async function startSimulatedHost(options: SimulatedHostOptions): Promise<SimulatedHost> {
  const { xenstoreSocket, fabric, topology, hypervisorSocket } = options;
  const clock = options.clock ?? systemClock;
  const random = options.random ?? Math.random;
  const logger = options.logger ?? silentLogger;
  const totalMiB = options.totalMiB ?? defaultTotalMiB;
  let quirks: Quirks = options.quirks ?? [];

  const store = openXenStore({ transport: { kind: 'socket', path: xenstoreSocket }, clock, random, logger });
  const domains = createDomainTable(totalMiB);
  const bus = createPciBus(topology);
  const saves = createSaveFiles(options.stateDirectory);
  const models = createDeviceModels({
    domains,
    quirks: (guest) => (guest === undefined ? quirksFor(forAll(quirks), nobody) : quirksFor(quirks, guest)),
    kill: async (domain) => core.destroyDomain(domain),
    saves,
    clock,
    random,
    logger,
  });
  const core = createHypervisorCore({ domains, bus, saves, store, fabric, events: models, totalMiB });
  const closers: (() => Promise<void>)[] = [
    async () => models.close(),
    async () => core.close(),
    async () => store.close(),
  ];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0)) await one();
  };

  try {
    await store.connected();
    await writeTree(store, dom0Tree);
    const backends = await startBackends({
      store,
      clock,
      logger,
      assignable: (address) => bus.devices().some((one) => one.address === address && one.driver === 'pciback'),
      quirks: (domid) => models.quirksOf(domid),
    });
    closers.unshift(async () => backends.stop());
    for (const guest of options.guests) await core.startGuest(guest);

    const admin: HostAdmin = {
      grants: async () => bus.grants(),
      resets: async () => bus.resets(),
      deviceModels: async () => models.reports(),
      killDomain: async (domid) => {
        const domain = domains.get(domid);
        if (domain === undefined) throw new HypervisorError('NoSuchDomain', 'there is no such domain');
        await core.destroyDomain(domain);
      },
      addGuest: async (guest) => core.startGuest(guest),
      removeGuest: async (uuid) => core.destroyGuest(uuid, { forGood: true }),
      restartGuest: async (uuid, domid) => {
        const guest = domains.byUuid(uuid)?.guest;
        if (guest === undefined) throw new HypervisorError('NoSuchDomain', 'there is no guest with this uuid');
        await core.destroyGuest(uuid, { forGood: false });
        return core.startGuest(guest, domid);
      },
      suspendGuest: async (uuid, suspended) => {
        const guest = domains.byUuid(uuid);
        if (guest === undefined) throw new HypervisorError('NoSuchDomain', 'there is no guest with this uuid');
        domains.change(guest.domid, { suspended });
      },
      setPciDevice: async (device) => bus.put(device),
      addQuirk: async (text) => {
        quirks = [...quirks, quirkOf(text)];
      },
      clearQuirks: async () => {
        quirks = [];
      },
    };
    if (hypervisorSocket === undefined) return { hypervisor: core, admin, close };
    const server = await startHypervisorServer({ socketPath: hypervisorSocket, hypervisor: core, admin, logger });
    closers.unshift(async () => server.close());
    return { hypervisor: core, hypervisorSocket, admin, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Nobody's name: quirks for one guest do not apply before a stub domain has a target. */
const nobody = { name: '', uuid: '' };

function forAll(quirks: Quirks): Quirks {
  return quirks.filter(({ guest }) => guest === undefined);
}

function quirkOf(text: string): Quirks[number] {
  try {
    return parseQuirk(text);
  } catch (error) {
    if (error instanceof QuirkError) throw new HypervisorError('InvalidArgument', error.message);
    throw error;
  }
}

/** What xen-init-dom0 writes. */
const dom0Tree = [
  { path: '/local/domain/0/domid', value: '0' },
  { path: '/local/domain/0/name', value: 'Domain-0' },
  { path: '/local/domain/0/memory/target', value: String(dom0MemoryMiB * 1024) },
  { path: '/local/domain/0/backend' },
  { path: '/vm' },
  { path: '/libxl' },
  { path: '/tool' },
];
