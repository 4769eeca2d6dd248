import { HypervisorError } from '../hypervisor.ts';
import type { Libxenctrl } from '../libxenctrl/libxenctrl.ts';
import type { Clock } from '../../runtime/ports.ts';

/** The hypercalls, opened when they are first needed. */
export interface Control {
  /** Throws why there are none: `NotSupported` for a Xen that is not known, `Unavailable` for what may change. */
  get(): Libxenctrl;
  /** The same, or undefined. */
  tryGet(): Libxenctrl | undefined;
  close(): Promise<void>;
}

/** After a failure that may pass (a module not loaded yet), opening is tried again not sooner than that. */
const againMs = 30_000;

export function createControl(open: () => Libxenctrl, clock: Clock): Control {
  let opened: Libxenctrl | undefined;
  let failure: { readonly error: HypervisorError; readonly at: number } | undefined;
  let closed = false;
  const get = (): Libxenctrl => {
    if (closed) throw new HypervisorError('Unavailable', 'The hypervisor driver is closed: the agent is stopping.');
    if (opened !== undefined) return opened;
    const passes = failure?.error.code !== 'NotSupported';
    if (failure !== undefined && !(passes && clock.monotonic() - failure.at >= againMs)) throw failure.error;
    try {
      opened = open();
      return opened;
    } catch (error) {
      if (!(error instanceof HypervisorError)) throw error;
      failure = { error, at: clock.monotonic() };
      throw error;
    }
  };
  return {
    get,
    tryGet: () => {
      try {
        return get();
      } catch (error) {
        if (error instanceof HypervisorError) return undefined;
        throw error;
      }
    },
    close: async () => {
      closed = true;
      await opened?.close();
    },
  };
}
