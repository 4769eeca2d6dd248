import { lstatSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../../runtime/ports.ts';

/** Bytes that the path of a unix socket may have (sun_path, without the NUL). */
const SOCKET_PATH_MAX = 107;

/** A unix socket that listens. */
export interface UnixListener {
  readonly path: string;
  /** Listens no more; connections stay. Removes the socket. */
  close(): void;
}

/**
 * Listens on a unix socket for its owner alone (mode 0600), at once: when this returns, clients can connect. Throws if
 * it cannot. A socket that is there is replaced: see `clearSocketPath` for whether it is still somebody's.
 */
export function listenUnix(path: string, logger: Logger, onConnection: (socket: Socket) => void): UnixListener {
  if (Buffer.byteLength(path) > SOCKET_PATH_MAX) {
    throw new Error(`the path of a unix socket has at most ${String(SOCKET_PATH_MAX)} bytes: ${path}`);
  }
  rmSync(path, { force: true });
  const server: Server = createServer({ allowHalfOpen: true }, onConnection);
  let failure: Error | undefined;
  server.on('error', (error) => {
    failure = error;
    logger.warn('a XenStore socket has failed', { path, error: error.message });
  });
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  if (!server.listening) throw new Error(`cannot listen on ${path}`, { cause: failure });
  return {
    path,
    close: () => {
      server.close();
    },
  };
}

/**
 * Makes sure that a socket can be made at `path`: nothing is there, or a socket that nobody listens on any more, as a
 * daemon that was killed leaves behind. Rejects with one line that says what is in the way.
 */
export async function clearSocketPath(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${path} is there and is not a socket; remove it or choose another path`);
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT');
    });
  });
  if (alive) throw new Error(`a XenStore daemon is running on ${path}; stop it or choose another path`);
}
