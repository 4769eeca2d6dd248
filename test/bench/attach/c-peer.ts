import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import type { SimulatedHost } from '../../../operator/embedded/simulated-host/simulated-host.ts';
import { start } from '../../conformance/device-model/plain-toolstack.ts';
import { buildPeers } from '../peers/build.ts';
import type { BenchWorld } from '../processes/bench-world.ts';
import { traceXenStore } from '../processes/xenstore-trace.ts';

/** Each list has a value for each insert. */
export interface BareInserts {
  readonly micros: readonly number[];
  /** Of them those that the device model took. */
  readonly modelMicros: readonly number[];
  readonly roundTrips: readonly number[];
}

export interface PeerFigures {
  /** As libxl does it. */
  readonly plain: BareInserts;
  /** Guarded by transactions, as the agent does it. */
  readonly guarded: BareInserts;
  /** The same, through a proxy such as the one that the agent is traced by. */
  readonly guardedThroughProxy: BareInserts;
}

/** The C peer on the world's daemon, with a guest that nobody else drives; undefined where it cannot be built. */
export async function measurePeer(
  world: BenchWorld,
  guest: string,
  device: string,
  runs: number,
): Promise<PeerFigures | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'sdp-'));
  try {
    if (!(await buildPeers(folder, ['insert']))) return undefined;
    const { hypervisor, xenstore: store } = world;
    const host = { hypervisor } as unknown as SimulatedHost;
    const { channel } = await start(
      { host, store, close: () => Promise.resolve() },
      { guest: { name: guest, uuid: uuidOf(guest) }, devices: [device] },
    );
    const run = async (socket: string, mode: 'plain' | 'transaction'): Promise<BareInserts> => {
      const args = [socket, channel, device, mode, String(runs)];
      const { stdout } = await promisify(execFile)(join(folder, 'insert'), args, { timeout: 60_000 });
      return JSON.parse(stdout) as BareInserts;
    };
    const plain = await run(world.socketPath, 'plain');
    const guarded = await run(world.socketPath, 'transaction');
    const proxy = await traceXenStore(join(folder, 'proxy'), world.socketPath);
    try {
      return { plain, guarded, guardedThroughProxy: await run(proxy.socketPath, 'transaction') };
    } finally {
      await proxy.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
