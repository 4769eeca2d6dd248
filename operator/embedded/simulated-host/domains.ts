import { HypervisorError, type DomainIdentity } from '../../hypervisor/hypervisor.ts';
import type { GuestDefinition } from './guest.ts';

/** A domain as the simulated hypervisor keeps it. */
export interface DomainRecord extends DomainIdentity {
  readonly name: string;
  readonly type: 'HVM' | 'PV';
  readonly memoryMiB: number;
  readonly paused: boolean;
  /** A toolstack saves or migrates it. */
  readonly suspended?: boolean;
  /** Whose memory it may map: set for stub domains by setTarget. */
  readonly target: DomainIdentity | undefined;
  /** Set for HVM guests. */
  readonly guest: GuestDefinition | undefined;
}

/** Domain 0 of every host, in MiB. */
export const dom0MemoryMiB = 4096;

/** Domids end below this one (DOMID_FIRST_RESERVED). */
const firstReservedDomid = 0x7ff0;

/** The table of domains: ids, names, memory. */
export interface DomainTable {
  list(): readonly DomainRecord[];
  get(domid: number): DomainRecord | undefined;
  byUuid(uuid: string): DomainRecord | undefined;
  /** The domain with this id and uuid; throws NoSuchDomain. */
  require(identity: DomainIdentity): DomainRecord;
  /** Takes a domid (the next one that was never used, unless `domid` is given) and the memory. */
  add(domain: Omit<DomainRecord, 'domid' | 'target'>, domid?: number): DomainRecord;
  change(domid: number, change: Partial<Pick<DomainRecord, 'paused' | 'suspended' | 'target'>>): void;
  remove(domid: number): void;
  freeMiB(): number;
}

export function createDomainTable(totalMiB: number): DomainTable {
  const domains = new Map<number, DomainRecord>([
    [
      0,
      {
        domid: 0,
        uuid: '00000000-0000-0000-0000-000000000000',
        name: 'Domain-0',
        type: 'PV',
        memoryMiB: dom0MemoryMiB,
        paused: false,
        target: undefined,
        guest: undefined,
      },
    ],
  ]);
  let next = 1;

  const used = (): number => [...domains.values()].reduce((sum, { memoryMiB }) => sum + memoryMiB, 0);
  const byUuid = (uuid: string): DomainRecord | undefined => [...domains.values()].find((one) => one.uuid === uuid);

  return {
    list: () => [...domains.values()],
    get: (domid) => domains.get(domid),
    byUuid,
    require: ({ domid, uuid }) => {
      const domain = domains.get(domid);
      if (domain?.uuid !== uuid)
        throw new HypervisorError('NoSuchDomain', `there is no domain ${domid} with this uuid`);
      return domain;
    },
    add: (domain, wished) => {
      if ([...domains.values()].some(({ name }) => name === domain.name)) {
        throw new HypervisorError('InvalidArgument', 'a domain with this name exists');
      }
      if (used() + domain.memoryMiB > totalMiB) throw new HypervisorError('NoMemory', 'not enough free memory');
      const domid = wished ?? next;
      if (domid <= 0 || domid >= firstReservedDomid || domains.has(domid)) {
        throw new HypervisorError('Failed', 'no free domain id');
      }
      next = Math.max(next, domid + 1);
      const record: DomainRecord = { ...domain, domid, target: undefined };
      domains.set(domid, record);
      return record;
    },
    change: (domid, change) => {
      const domain = domains.get(domid);
      if (domain !== undefined) domains.set(domid, { ...domain, ...change });
    },
    remove: (domid) => {
      domains.delete(domid);
    },
    freeMiB: () => totalMiB - used(),
  };
}
