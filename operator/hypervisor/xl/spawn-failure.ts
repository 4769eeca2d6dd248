import { errnoOf } from '../errno-of.ts';
import { HypervisorError } from '../hypervisor.ts';

/** Why a program could not be started, and what to do. */
export function spawnFailure(program: string, error: unknown): HypervisorError {
  const errno = errnoOf(error) ?? 'EIO';
  return new HypervisorError('Unavailable', `${program} cannot be started (${errno}): ${nextStep(errno)}`, {
    cause: error,
  });
}

function nextStep(errno: string): string {
  switch (errno) {
    case 'ENOENT':
      return "it is not there, or its interpreter is not. Install the host's Xen tools (Debian: xen-utils), or name the program: --hypervisor xl:PATH.";
    case 'EACCES':
    case 'EPERM':
      return 'it may not be executed. Run the agent as root in dom0, and see the modes of the file and the mount options of its file system.';
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return 'dom0 can start no more processes. See its memory, and the limits of the agent (TasksMax, LimitNOFILE).';
    default:
      return 'see that it is the program of this Xen, and that it runs by hand.';
  }
}
