import { HypervisorError, type HypervisorErrorCode } from '../hypervisor.ts';
import { tidyErrors } from './tidy-output.ts';

interface Known {
  readonly sign: RegExp;
  readonly code: HypervisorErrorCode;
  /** Why, and the next step. */
  readonly why: string;
}

/** What failures of the toolstack look like, whatever the verb. The order counts: the first that fits is told. */
const known: readonly Known[] = [
  {
    sign: /privileged command interface[^\n]*(?:No such file|No such device)|\/dev\/xen\/privcmd[^\n]*No such/,
    code: 'Unavailable',
    why: 'dom0 has no /dev/xen/privcmd. Load the module xen-privcmd; if this is no Xen host, boot it with Xen',
  },
  {
    sign: /privileged command interface|must be root|libxc handle: (?:Permission denied|Operation not permitted)/,
    code: 'Unavailable',
    why: 'it may not speak to the hypervisor. Run the agent as root in dom0',
  },
  {
    sign: /(?:cannot|could not|failed to) (?:connect to|open) xenstore|xs_open/i,
    code: 'Unavailable',
    why: 'it does not reach XenStore. Start xenstored, and see that this is dom0',
  },
  {
    sign: /No matching Xen|Can't find[^\n]*version|not match[^\n]*running/i,
    code: 'Unavailable',
    why: 'there are no tools of the running Xen. Install those of its release',
  },
  {
    sign: /not enough (?:free )?memory|Out of memory|Cannot allocate memory|failed to (?:free|allocate)[^\n]*(?:memory|pages)|failed to make enough memory available|insufficient memory/i,
    code: 'NoMemory',
    why: 'the host has not enough free memory for the guest and its stub domain. Free some: end or shrink other guests (xl mem-set), or shrink dom0',
  },
  {
    sign: /Domain with name [^\n]* already exists/,
    code: 'Failed',
    why: 'another domain has this name. Rename or end it (xl list)',
  },
  {
    sign: /config parsing error|Failed to parse config/,
    code: 'Failed',
    why: 'the configuration was refused. See the defaults file of guests: a line of it is wrong or unknown to this Xen',
  },
  {
    sign: /startup timed out|device model did not start/,
    code: 'Failed',
    why: 'the stub domain did not come up in time. See its log, /var/log/xen/qemu-dm-NAME.log; it is tried again',
  },
  {
    sign: /passthrough (?:not|is not|isn't)|passthrough[^\n]*(?:not supported|unavailable)|IOMMU/i,
    code: 'NotSupported',
    why: 'it cannot have PCI devices: the IOMMU is off. Enable it in the firmware (VT-d, AMD-Vi) and on the command line of Xen',
  },
];

/** What a failed `xl` means. `doing` follows "Cannot". */
export function xlFailure(doing: string, status: number | undefined, output: string): HypervisorError {
  const match = known.find(({ sign }) => sign.test(output));
  const said = tidyErrors(output);
  const detail =
    said === ''
      ? `xl ended with ${status === undefined ? 'a signal' : `status ${status}`} and said nothing`
      : `xl said: ${said}`;
  if (match === undefined) return new HypervisorError('Failed', `Cannot ${doing}: ${detail}. It is tried again.`);
  return new HypervisorError(match.code, `Cannot ${doing}: ${match.why}. (${detail}.)`);
}
