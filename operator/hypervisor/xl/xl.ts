import { type DomainIdentity, type Hypervisor, HypervisorError } from '../hypervisor.ts';
import { type Libxenctrl, openLibxenctrl } from '../libxenctrl/libxenctrl.ts';
import { createHostPci } from '../sysfs/host-pci.ts';
import { openSysfs } from '../sysfs/sysfs.ts';
import type { Clock } from '../../runtime/ports.ts';
import { createAssignable } from './assignable.ts';
import { createControl } from './control.ts';
import { createGuestMaker } from './create-guest.ts';
import type { NodeReader } from './domain-names.ts';
import { createDomains } from './domains.ts';
import { createHostInfo } from './host-info.ts';
import { createPciGrants } from './pci-grants.ts';
import { inspectSavedState } from './saved-state-file.ts';
import { xlFailure } from './xl-failure.ts';
import { createXlProgram, type XlTimeouts } from './xl-program.ts';

export interface XlHypervisorOptions {
  /** Names and types of domains, and claims of devices, are read there; nothing is written. */
  readonly xenstore: NodeReader;
  readonly clock: Clock;
  /** Absolute path of xl. Default `/usr/sbin/xl`. */
  readonly program?: string;
  /** Where the host's /sys, /proc, /run and /var/lib/xen are. Default `/`. */
  readonly root?: string;
  /** A folder of ours alone, for configurations of guests on their way. Default `/run/stubdom`. */
  readonly runDir?: string;
  /** The administrator's lines for all guests. Default `/etc/stubdom/guest-defaults.cfg`. */
  readonly guestDefaults?: string;
  readonly timeouts?: XlTimeouts;
  /** Opens the hypercalls. Default: Xen's own library. */
  readonly openCalls?: () => Libxenctrl;
}

/** Where xl is on every distribution. */
export const xlPath = '/usr/sbin/xl';

/**
 * The driver of a real Xen host: libxl's `xl` as child processes for what makes and ends domains, hypercalls for what xl
 * has no verb for, sysfs for PCI devices. Nothing is opened before it is needed.
 */
export function createXlHypervisor(options: XlHypervisorOptions): Hypervisor {
  const { xenstore, clock, root = '/', runDir = '/run/stubdom' } = options;
  const sysfs = openSysfs(root);
  const xl = createXlProgram({
    program: options.program ?? xlPath,
    runDir,
    clock,
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
  });
  const control = createControl(options.openCalls ?? (() => openLibxenctrl({ root })), clock);
  const domains = createDomains(control, xl, xenstore);
  const pci = createHostPci(sysfs, clock);

  const destroyDomain = async (domain: DomainIdentity): Promise<void> => {
    if (!(await domains.lives(domain))) return;
    const { status, output } = await xl.act('destroy', String(domain.domid));
    if (status !== 0 && (await domains.lives(domain))) throw xlFailure(`end domain ${domain.domid}`, status, output);
  };
  const createGuest = createGuestMaker({
    xl,
    domains,
    destroy: destroyDomain,
    sysfs,
    runDir,
    defaultsFile: options.guestDefaults ?? '/etc/stubdom/guest-defaults.cfg',
  });

  return {
    stubDomainsMadeBy: 'toolstack',
    info: createHostInfo({ control, xl, sysfs, clock }),
    listDomains: async () => domains.list(),
    createDomain: async () => {
      throw madeByToolstack();
    },
    setTarget: async () => {
      throw madeByToolstack();
    },
    createGuest,
    unpauseDomain: async (domain) => {
      // xl ends well for a domain that is not there.
      const requireLife = async (): Promise<void> => {
        if (await domains.lives(domain)) return;
        throw new HypervisorError(
          'NoSuchDomain',
          `Domain ${domain.domid} is not the one that was meant: that one has ended.`,
        );
      };
      await requireLife();
      const { status, output } = await xl.act('unpause', String(domain.domid));
      if (status === 0) return;
      await requireLife();
      throw xlFailure(`unpause domain ${domain.domid}`, status, output);
    },
    destroyDomain,
    listPciDevices: async () => pci.listPciDevices(),
    ...createAssignable(control, pci),
    ...createPciGrants({ control, pci, xenstore }),
    inspectFile: async (path) => inspectSavedState(path, root),
    close: async () => {
      await xl.close();
      await control.close();
    },
  };
}

function madeByToolstack(): HypervisorError {
  return new HypervisorError(
    'NotSupported',
    'On this host libxl makes stub domains, together with their guests. Set spec.provisioning to Adopt for a guest that xl or another toolstack starts, or describe the guest in spec.guest to have it made.',
  );
}
