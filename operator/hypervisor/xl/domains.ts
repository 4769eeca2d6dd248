import { type Domain, type DomainIdentity, HypervisorError } from '../hypervisor.ts';
import type { Control } from './control.ts';
import { DomainNames, type DomainNotes, type NodeReader } from './domain-names.ts';
import { parseList } from './parse-list.ts';
import { xlFailure } from './xl-failure.ts';
import type { XlProgram } from './xl-program.ts';

/** The domains that live, as the port has them. */
export interface Domains {
  list(): Promise<Domain[]>;
  /** Whether this very domain lives. */
  lives(domain: DomainIdentity): Promise<boolean>;
}

/** A domain as the hypervisor or xl has it. */
interface Seen {
  readonly domid: number;
  readonly uuid: string;
  readonly memoryMiB: number;
  readonly paused: boolean;
  readonly suspended: boolean;
  /** Whether it is an HVM or PVH guest, where that is known. */
  readonly hvm?: boolean;
  readonly name?: string;
}

const noUuid = '00000000-0000-0000-0000-000000000000';
/** SHUTDOWN_suspend of Xen's public/sched.h. */
const suspend = 2;

/** By hypercall where that can be had, which takes no process; else by `xl list -v`. */
export function createDomains(control: Control, xl: XlProgram, xenstore: NodeReader): Domains {
  const names = new DomainNames(xenstore);

  const byHypercall = async (): Promise<Seen[] | undefined> => {
    try {
      const domains = await control.tryGet()?.domains();
      return domains
        ?.filter(({ dying }) => !dying)
        .map(({ domid, uuid, memoryMiB, paused, hvm, shutdownReason }) => ({
          domid,
          uuid,
          memoryMiB,
          paused,
          hvm,
          suspended: shutdownReason === 'suspend',
        }));
    } catch (error) {
      if (error instanceof HypervisorError) return undefined;
      throw error;
    }
  };
  const byXl = async (): Promise<Seen[]> => {
    const { status, stdout, stderr } = await xl.query('list', '-v');
    if (status !== 0) throw xlFailure('list the domains', status, stderr);
    return parseList(stdout)
      .filter(({ dying }) => !dying)
      .map(({ domid, uuid, memoryMiB, paused, name, shutdownReason }) => ({
        domid,
        uuid,
        memoryMiB,
        paused,
        name,
        suspended: shutdownReason === suspend,
      }));
  };
  // A toolstack that gives a domain no uuid makes it before it is one: it cannot be told from others.
  const look = async (): Promise<Seen[]> =>
    ((await byHypercall()) ?? (await byXl())).filter(({ domid, uuid }) => domid === 0 || uuid !== noUuid);

  return {
    list: async () => {
      const seen = await look();
      const notes = await names.read(seen);
      return seen.map(({ domid, uuid, memoryMiB, paused, suspended, hvm, name }, index) => ({
        domid,
        uuid,
        name: notes[index]?.name ?? (name === undefined ? '' : name.replace(/\p{C}/gu, '?')),
        type: typeOf(domid, hvm, notes[index]),
        memoryMiB,
        paused,
        ...(suspended ? { suspended } : {}),
      }));
    },
    lives: async ({ domid, uuid }) => (await look()).some((domain) => domain.domid === domid && domain.uuid === uuid),
  };
}

/** Throws `Unavailable` where nobody tells: a guest that is taken for something else looks like one that is gone. */
function typeOf(domid: number, hvm: boolean | undefined, noted: DomainNotes | undefined): Domain['type'] {
  if (noted?.type !== undefined) return noted.type;
  if (domid === 0) return hvm === true ? 'PVH' : 'PV';
  if (hvm === undefined && noted === undefined) {
    throw new HypervisorError(
      'Unavailable',
      `Whether domain ${domid} is a guest cannot be told: XenStore gave no answer. See xenstored; it is asked again.`,
    );
  }
  return hvm === true ? 'HVM' : 'PV';
}
