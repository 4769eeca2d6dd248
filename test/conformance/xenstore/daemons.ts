import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startXenstored } from '../../../operator/embedded/xenstored/server.ts';
import { startRealXenstored, type RealXenstoredKind } from '../../support/real-xenstored.ts';
import { RawConnection } from './raw-connection.ts';

/** The daemons that the suite runs against, as the documentation names them. */
export const daemonNames = ['embedded', 'C 4.17', 'C 4.20', 'oxenstored 4.17', 'oxenstored 4.20'] as const;

export type DaemonName = (typeof daemonNames)[number];

/** A daemon under test with a host below it. */
export interface Daemon {
  readonly socket: string;
  nextDomid(): number;
  /** Creates and introduces a guest; gives the socket with its identity. */
  startGuest(domid: number): Promise<string>;
  /** Ends a guest, introduced still or not. */
  stopGuest(domid: number): Promise<void>;
  /** `create`: Xen has the domain from now on; `destroy`: no longer. */
  host(command: string, domid: number): Promise<void>;
  stop(): Promise<void>;
}

const real: Readonly<Record<Exclude<DaemonName, 'embedded'>, RealXenstoredKind>> = {
  'C 4.17': { flavor: 'c', version: '4.17' },
  'C 4.20': { flavor: 'c', version: '4.20' },
  'oxenstored 4.17': { flavor: 'ocaml', version: '4.17' },
  'oxenstored 4.20': { flavor: 'ocaml', version: '4.20' },
};

/** Starts a daemon in a folder of its own, which `stop` removes. */
export async function startDaemon(name: DaemonName): Promise<Daemon> {
  const dir = await mkdtemp(join(tmpdir(), 'xs-'));
  const daemon = name === 'embedded' ? await startEmbedded(dir) : await startReal(real[name], dir);
  let domid = 300;
  return {
    ...daemon,
    nextDomid: () => ++domid,
    stop: async () => {
      await daemon.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

type Started = Omit<Daemon, 'nextDomid'>;

async function startEmbedded(dir: string): Promise<Started> {
  const server = await startXenstored({ socketPath: join(dir, 'socket'), guestDir: join(dir, 'guests') });
  const ask = async (type: number, payload: string): Promise<void> => {
    const raw = await RawConnection.open(server.socketPath);
    await raw.request(type, payload);
    await raw.close();
  };
  return {
    socket: server.socketPath,
    startGuest: async (domid) => {
      await ask(8, `${String(domid)}\x001\x001\0`);
      return server.guestSocket(domid);
    },
    stopGuest: async (domid) => {
      await ask(9, `${String(domid)}\0`);
    },
    host: async () => {},
    stop: () => server.close(),
  };
}

async function startReal(kind: RealXenstoredKind, dir: string): Promise<Started> {
  const daemon = await startRealXenstored({ ...kind, dir });
  return {
    socket: daemon.socket,
    startGuest: (domid) => daemon.startGuest(domid),
    stopGuest: (domid) => daemon.stopGuest(domid),
    host: (command, domid) => daemon.fakexen(command, String(domid)),
    stop: () => daemon.stop(),
  };
}
