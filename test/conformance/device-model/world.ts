import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startXenstored } from '../../../operator/embedded/xenstored/server.ts';
import { createEmbeddedFabric } from '../../../operator/embedded/simulated-host/embedded-fabric.ts';
import { createFakexenFabric } from '../../../operator/embedded/simulated-host/fakexen-fabric.ts';
import type { DomainFabric } from '../../../operator/embedded/simulated-host/fabric.ts';
import { parseQuirk } from '../../../operator/embedded/simulated-host/quirk-text.ts';
import { startSimulatedHost, type SimulatedHost } from '../../../operator/embedded/simulated-host/simulated-host.ts';
import { topologyWith } from '../../../operator/embedded/simulated-host/topology.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import { runningClock } from '../../support/running-clock.ts';
import { setUpRealXenstored, startRealXenstored } from '../../support/real-xenstored.ts';

/** Which daemon is below a simulated host. */
export type DaemonKind = 'embedded' | 'c-4.17' | 'c-4.20';

/** A daemon, a simulated host on it, and a toolstack's connection to dom0. */
export interface World {
  readonly host: SimulatedHost;
  readonly store: XenStore;
  close(): Promise<void>;
}

export const guest = { uuid: '6d1a0c4e-0000-4000-8000-000000000001', name: 'web' } as const;

/** Starts everything for one test; what it starts, `close` ends. */
export async function startWorld(kind: DaemonKind, quirks: readonly string[] = []): Promise<World> {
  const directory = await mkdtemp(join(tmpdir(), 'dm-'));
  const closers: (() => Promise<unknown>)[] = [async () => rm(directory, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const { socket, fabric, stop } = await startDaemon(kind, directory);
    closers.push(stop, async () => fabric.close());
    const host = await startSimulatedHost({
      name: 'xen-1',
      xenstoreSocket: socket,
      fabric,
      topology: topologyWith(40),
      guests: [guest],
      quirks: quirks.map(parseQuirk),
      clock: runningClock(),
    });
    closers.push(async () => host.close());
    const store = openXenStore({ transport: { kind: 'socket', path: socket } });
    closers.push(async () => store.close());
    await store.connected();
    return { host, store, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startDaemon(
  kind: DaemonKind,
  directory: string,
): Promise<{ socket: string; fabric: DomainFabric; stop: () => Promise<void> }> {
  if (kind === 'embedded') {
    const daemon = await startXenstored({ socketPath: join(directory, 'xs.sock'), guestDir: directory });
    const fabric = createEmbeddedFabric({ xenstoreSocket: daemon.socketPath, guestDir: daemon.guestDir });
    return { socket: daemon.socketPath, fabric, stop: async () => daemon.close() };
  }
  const setup = await setUpRealXenstored();
  if (!setup.available) throw new Error(setup.reason);
  const version = kind === 'c-4.17' ? '4.17' : '4.20';
  const real = await startRealXenstored({ flavor: 'c', version, dir: join(directory, 'x') });
  const fabric = createFakexenFabric({ fakexen: join(setup.cache, 'bin', 'fakexen'), directory: join(directory, 'x') });
  return { socket: real.socket, fabric, stop: async () => real.stop() };
}
