import { randomUUID } from 'node:crypto';
import {
  HypervisorError,
  type CreateDomainRequest,
  type Domain,
  type DomainIdentity,
  type Hypervisor,
} from '../../hypervisor/hypervisor.ts';
import { isSavePath } from '../../hypervisor/save-path.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import { domainTree, removeDomainTree, writeTree } from './domain-tree.ts';
import type { SaveFiles } from './device-model/save-files.ts';
import type { DomainRecord, DomainTable } from './domains.ts';
import type { DomainFabric } from './fabric.ts';
import type { GuestDefinition } from './guest.ts';
import type { PciBus } from './pci-bus.ts';

/** What the core tells the rest of the host. */
export interface DomainEvents {
  /** A PV domain runs for the first time. */
  readonly started: (domain: DomainRecord, guestSocket: string) => void;
  /** The domain is being destroyed: what runs in it ends now. */
  readonly ending: (domain: DomainRecord) => Promise<void>;
}

export interface HypervisorCoreOptions {
  readonly domains: DomainTable;
  readonly bus: PciBus;
  readonly saves: SaveFiles;
  readonly store: XenStore;
  readonly fabric: DomainFabric;
  readonly events: DomainEvents;
  readonly totalMiB: number;
}

/** The hypervisor of a simulated host, and what a toolstack for guests does beside it. */
export interface HypervisorCore extends Hypervisor {
  /** As `xl create` of an HVM guest without a device model. `domid` forces one: domids are used again in the end. */
  startGuest(guest: GuestDefinition, domid?: number): Promise<DomainIdentity>;
  /** As `xl destroy` and, for `forGood`, as if it never came back. */
  destroyGuest(uuid: string, options: { readonly forGood: boolean }): Promise<void>;
}

const defaultGuestMiB = 512;

export function createHypervisorCore(options: HypervisorCoreOptions): HypervisorCore {
  const { domains, bus, saves, store, fabric, events, totalMiB } = options;
  const bootID = randomUUID();
  const sockets = new Map<number, string>();
  const creations = new Map<string, Promise<DomainIdentity>>();
  const endings = new Map<number, Promise<void>>();

  const build = async (record: DomainRecord): Promise<DomainIdentity> => {
    const { domid, uuid } = record;
    try {
      await fabric.create(domid);
      // As libxl's domain_make: what an earlier domain left under the number goes, and its permissions with it.
      await removeDomainTree(store, domid, uuid);
      await writeTree(store, domainTree(record));
      const { guestSocket } = await fabric.introduce(domid);
      sockets.set(domid, guestSocket);
      return { domid, uuid };
    } catch (error) {
      domains.remove(domid);
      await fabric.release(domid).catch(() => {});
      throw new HypervisorError('Failed', 'the domain could not be made', { cause: error });
    }
  };

  /** Two requests for one uuid are one: the second waits for the first. */
  const once = async (uuid: string, make: () => Promise<DomainIdentity>): Promise<DomainIdentity> => {
    const running = creations.get(uuid);
    if (running !== undefined) return running;
    const creation = make().finally(() => creations.delete(uuid));
    creations.set(uuid, creation);
    return creation;
  };

  const createPv = async (request: CreateDomainRequest): Promise<DomainIdentity> => {
    const { uuid, name, memoryMiB } = request;
    const existing = domains.byUuid(uuid);
    if (existing !== undefined) return { domid: existing.domid, uuid };
    return build(domains.add({ uuid, name, memoryMiB, type: 'PV', paused: true, guest: undefined }));
  };

  const end = async (record: DomainRecord): Promise<void> => {
    const { domid } = record;
    const running = endings.get(domid);
    if (running !== undefined) return running;
    const ending = (async (): Promise<void> => {
      await events.ending(record);
      bus.forget(domid);
      sockets.delete(domid);
      // Gone from the hypervisor before XenStore says so: who hears of the release must not find it.
      domains.remove(domid);
      await fabric.release(domid);
    })().finally(() => endings.delete(domid));
    endings.set(domid, ending);
    return ending;
  };

  return {
    stubDomainsMadeBy: 'agent',
    createGuest: () => Promise.reject(new HypervisorError('NotSupported', 'The simulated host has no toolstack.')),
    info: async () => ({
      driver: 'simulated',
      xenVersion: '4.20.4',
      kernelVersion: '6.12.0',
      xenstoreVersion: '4.20.4',
      bootID,
      totalMiB,
      freeMiB: domains.freeMiB(),
    }),
    listDomains: async () =>
      domains.list().map(({ domid, uuid, name, type, memoryMiB, paused, suspended }): Domain => ({
        domid,
        uuid,
        name,
        type,
        memoryMiB,
        paused,
        ...(suspended === true ? { suspended } : {}),
      })),
    createDomain: async (request) => once(request.uuid, async () => createPv(request)),
    setTarget: async (stub, target) => {
      domains.require(stub);
      domains.require(target);
      domains.change(stub.domid, { target: { domid: target.domid, uuid: target.uuid } });
    },
    unpauseDomain: async (identity) => {
      const domain = domains.require(identity);
      if (!domain.paused) return;
      domains.change(domain.domid, { paused: false });
      const socket = sockets.get(domain.domid);
      if (domain.type === 'PV' && socket !== undefined) events.started({ ...domain, paused: false }, socket);
    },
    destroyDomain: async ({ domid, uuid }) => {
      const domain = domains.get(domid);
      if (domain?.uuid !== uuid) return endings.get(domid);
      if (domid === 0) throw new HypervisorError('InvalidArgument', 'domain 0 cannot be destroyed');
      await end(domain);
    },
    listPciDevices: async () => bus.devices(),
    makeAssignable: async (address) => bus.makeAssignable(address),
    releaseAssignable: async (address, driver) => bus.releaseAssignable(address, driver),
    reset: async (address) => bus.reset(address),
    grant: async (address, domain, { iommu }) => {
      domains.require(domain);
      bus.grant(address, domain, iommu);
    },
    revoke: async (address, domain, { iommu }) => bus.revoke(address, domain, iommu),
    inspectFile: async (path) => {
      if (!isSavePath(path)) throw new HypervisorError('InvalidArgument', 'only saved states below /var/lib/xen');
      return saves.inspect(path);
    },
    close: async () => {
      await Promise.allSettled([...creations.values(), ...endings.values()]);
    },

    startGuest: async (guest, domid) =>
      once(guest.uuid, async () => {
        const { uuid, name, memoryMiB = defaultGuestMiB } = guest;
        if (domains.byUuid(uuid) !== undefined)
          throw new HypervisorError('InvalidArgument', 'a guest with this uuid runs');
        return build(domains.add({ uuid, name, memoryMiB, type: 'HVM', paused: false, guest }, domid));
      }),
    destroyGuest: async (uuid, { forGood }) => {
      const domain = domains.byUuid(uuid);
      if (domain?.guest === undefined) throw new HypervisorError('NoSuchDomain', 'there is no guest with this uuid');
      // As libxl: the tree goes first, so that whoever hears of the release finds nothing left.
      await removeDomainTree(store, domain.domid, forGood ? uuid : undefined);
      await end(domain);
    },
  };
}
