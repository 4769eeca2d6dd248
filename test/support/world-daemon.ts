import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createEmbeddedFabric } from '../../operator/embedded/simulated-host/embedded-fabric.ts';
import type { DomainFabric } from '../../operator/embedded/simulated-host/fabric.ts';
import { createFakexenFabric } from '../../operator/embedded/simulated-host/fakexen-fabric.ts';
import { startXenstored } from '../../operator/embedded/xenstored/server.ts';
import { type RealXenstoredKind, setUpRealXenstored, startRealXenstored } from './real-xenstored.ts';

/** The XenStore daemon below a simulated host. */
export interface WorldDaemon {
  /** dom0's socket. */
  readonly socket: string;
  /** How the host makes domains known to it; the caller closes it. */
  fabric(): DomainFabric;
  /** It dies, and all connections with it. */
  stop(): Promise<void>;
  /** It comes back with an empty store, as C xenstored without live update does. */
  startEmpty(): Promise<void>;
}

/** Starts a daemon in a directory of the test's. */
export type DaemonStarter = (directory: string) => Promise<WorldDaemon>;

/** The operator's own daemon, in this process. */
export const embeddedDaemon: DaemonStarter = async (directory) => {
  const socket = join(directory, 'xs');
  const guestDir = join(directory, 'g');
  const start = () => startXenstored({ socketPath: socket, guestDir });
  let daemon = await start();
  return {
    socket,
    fabric: () => createEmbeddedFabric({ xenstoreSocket: socket, guestDir }),
    stop: () => daemon.close(),
    startEmpty: async () => {
      daemon = await start();
    },
  };
};

/** A real daemon on a made-up hypervisor, with guests on real rings. */
export function realDaemon(kind: RealXenstoredKind): DaemonStarter {
  return async (directory) => {
    const setup = await setUpRealXenstored();
    if (!setup.available) throw new Error(setup.reason);
    const dir = join(directory, 'x');
    await mkdir(dir, { recursive: true });
    let daemon = await startRealXenstored({ ...kind, dir });
    const { socket } = daemon;
    return {
      socket,
      fabric: () => createFakexenFabric({ fakexen: join(setup.cache, 'bin', 'fakexen'), directory: dir }),
      stop: () => daemon.stop(),
      startEmpty: async () => {
        daemon = await startRealXenstored({ ...kind, dir });
      },
    };
  };
}
