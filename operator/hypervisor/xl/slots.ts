import { HypervisorError } from '../hypervisor.ts';
import type { Clock } from '../../runtime/ports.ts';

/** So many at the same time; the others wait in the order of asking. */
export interface Slots {
  /** Resolves with what gives the slot back. Rejects with `Unavailable` when none is free for that long, or `close` was called. */
  take(patienceMs: number): Promise<() => void>;
  close(): void;
}

interface Waiting {
  readonly give: () => void;
  readonly refuse: (error: Error) => void;
}

/** `what` names those who hold the slots, for the message. */
export function createSlots(count: number, what: string, clock: Clock): Slots {
  const waiting: Waiting[] = [];
  let free = count;
  let closed = false;
  const giveBack = (): void => {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next.give();
  };
  const once = (): (() => void) => {
    let given = false;
    return () => {
      if (!given) giveBack();
      given = true;
    };
  };
  const closedError = (): HypervisorError => new HypervisorError('Unavailable', `${what}: the agent is stopping.`);
  return {
    take: async (patienceMs) => {
      if (closed) throw closedError();
      if (free > 0) {
        free -= 1;
        return once();
      }
      return new Promise((resolve, reject) => {
        const cancel = clock.setTimer(patienceMs, () => {
          waiting.splice(waiting.indexOf(entry), 1);
          reject(
            new HypervisorError(
              'Unavailable',
              `${what}: ${count} of them have not come to an end, so that no further one is started. See what they wait for (ps, /var/log/xen) and end them.`,
            ),
          );
        });
        const entry: Waiting = {
          give: () => {
            cancel();
            resolve(once());
          },
          refuse: (error) => {
            cancel();
            reject(error);
          },
        };
        waiting.push(entry);
      });
    },
    close: () => {
      closed = true;
      for (const one of waiting.splice(0)) one.refuse(closedError());
    },
  };
}
