import { HypervisorError } from '../hypervisor.ts';
import type { Clock } from '../../runtime/ports.ts';
import { writeFailure } from './failure.ts';
import type { Sysfs } from './sysfs.ts';

/** A driver of disks flushes them when it is unbound; a driver that hangs does so for ever. */
const deadlineMs = 30_000;
/** Each write that hangs has a thread of the process's four. */
const maxStuck = 2;

/** Writes of attributes that change something. */
export interface PatientWriter {
  /** `doing`: the words of an error, as `unbind 0000:03:00.0 from igb`. Throws `HypervisorError`. */
  write(path: string, text: string, doing: string): Promise<void>;
}

/**
 * Nothing ends a write that the kernel does not answer. So nobody waits for it longer than half a minute, whoever asks for
 * the same write waits for the one that is under way, and when two hang no further one is begun: the agent goes on.
 */
export function patientWriter(sysfs: Sysfs, clock: Clock): PatientWriter {
  const underWay = new Map<string, Promise<void>>();
  const stuck = new Set<string>();

  const begin = async (key: string, path: string, text: string): Promise<void> => {
    const [first] = stuck;
    if (stuck.size >= maxStuck) {
      throw new HypervisorError(
        'Unavailable',
        `Nothing is written to /${path}: ${stuck.size} writes hang in dom0's kernel (one to /${first?.split(' ')[0] ?? ''}). See its log (dmesg); restart the host if they stay.`,
      );
    }
    const writing = sysfs.write(path, text).finally(() => {
      underWay.delete(key);
      stuck.delete(key);
    });
    underWay.set(key, writing);
    return writing;
  };

  return {
    write: async (path, text, doing) => {
      const key = `${path} ${text}`;
      let cancel = (): void => {};
      const late = new Promise<never>((_, reject) => {
        cancel = clock.setTimer(deadlineMs, () => {
          stuck.add(key);
          reject(
            new HypervisorError(
              'Unavailable',
              `Cannot ${doing}: /${path} gives no answer for ${deadlineMs / 1000} s, a driver of dom0 hangs. See the kernel log (dmesg) in dom0; it is asked again.`,
            ),
          );
        });
      });
      try {
        await Promise.race([underWay.get(key) ?? begin(key, path, text), late]);
      } catch (error) {
        throw writeFailure(doing, error);
      } finally {
        cancel();
      }
    },
  };
}
