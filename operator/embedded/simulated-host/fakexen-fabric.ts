import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { DomainFabric } from './fabric.ts';

/**
 * Domains for a real xenstored that runs on `fakexen` (hack/real-xenstored): each is a process that serves a real
 * guest ring as a unix socket. Destroying one raises VIRQ_DOM_EXC, from which the daemon learns that it is gone.
 */
export function createFakexenFabric(options: {
  /** The program. */
  readonly fakexen: string;
  /** The directory of the daemon's made-up host. */
  readonly directory: string;
}): DomainFabric {
  const { fakexen, directory } = options;
  const run = promisify(execFile);
  const rings = new Map<number, ChildProcess>();
  const known = new Set<number>();

  const stop = async (domid: number): Promise<void> => {
    const ring = rings.get(domid);
    rings.delete(domid);
    if (ring === undefined || ring.exitCode !== null || ring.signalCode !== null) return;
    const exited = once(ring, 'exit');
    ring.kill('SIGTERM');
    await exited;
  };

  return {
    create: async (domid) => {
      await run(fakexen, ['create', directory, String(domid)]);
      known.add(domid);
    },
    introduce: async (domid) => {
      await run(fakexen, ['introduce', directory, String(domid)]);
      const guestSocket = join(directory, `g${domid}.sock`);
      const ring = spawn(fakexen, ['attach', directory, String(domid), guestSocket], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      rings.set(domid, ring);
      const lines = createInterface({ input: ring.stdout });
      // It prints the socket's path once it listens.
      const ready = new Promise<void>((resolve, reject) => {
        lines.once('line', () => resolve());
        ring.once('error', reject);
        ring.once('exit', () => reject(new Error(`fakexen attach of domain ${domid} ended`)));
      });
      await ready;
      lines.close();
      return { guestSocket };
    },
    release: async (domid) => {
      await stop(domid);
      if (!known.delete(domid)) return;
      await run(fakexen, ['destroy', directory, String(domid)]);
    },
    close: async () => {
      await Promise.all([...rings.keys()].map(stop));
    },
  };
}
