import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import { connectSimulatedHypervisor } from '../hypervisor/simulated.ts';
import type { NodeReader } from '../hypervisor/xl/domain-names.ts';
import { systemClock } from '../runtime/ports.ts';
import type { HypervisorArgument } from './arguments.ts';

/** The driver that `--hypervisor` names. Nothing is asked of the host yet. `root`: the folder of its /sys and /proc. */
export async function openHypervisor(
  argument: HypervisorArgument,
  xenstore: NodeReader,
  root?: string,
): Promise<Hypervisor> {
  switch (argument.driver) {
    case 'simulated':
      return connectSimulatedHypervisor(argument.socketPath);
    case 'xl': {
      // Nobody else needs what is loaded for it.
      const { createXlHypervisor } = await import('../hypervisor/xl/xl.ts');
      const { program } = argument;
      return createXlHypervisor({
        xenstore,
        clock: systemClock,
        ...(program === undefined ? {} : { program }),
        ...(root === undefined ? {} : { root }),
      });
    }
  }
}
