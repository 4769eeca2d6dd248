import { mkdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { silentLogger, type Logger } from '../../runtime/ports.ts';
import { XenstoredCore } from './core.ts';
import type { Limits } from './limits.ts';
import { SocketConnection, type ConnectionServer } from './socket-connection.ts';
import { clearSocketPath, listenUnix, type UnixListener } from './unix-listener.ts';

/** How the daemon is started. */
export interface XenstoredOptions {
  /** dom0's socket; at most 107 bytes. Its folder is made if missing. */
  readonly socketPath: string;
  /** Where the guests' sockets are made; default `<socketPath>.guests`. Made if missing, for its owner alone. */
  readonly guestDir?: string;
  readonly logger?: Logger;
  readonly limits?: Partial<Limits>;
}

/** A running daemon. */
export interface EmbeddedXenstored {
  readonly socketPath: string;
  readonly guestDir: string;
  /** Where an introduced domain's socket is. */
  guestSocket(domid: number): string;
  /** How many nodes, watches and connections there are. */
  counts(): { readonly nodes: number; readonly watches: number; readonly connections: number };
  /** Closes every connection and removes the sockets. Idempotent. */
  close(): Promise<void>;
}

/**
 * Starts a XenStore daemon: dom0 on `socketPath`, and each introduced domain on `<guestDir>/<domid>.sock`, with that
 * domain's identity. A stale socket is replaced; rejects if a daemon still runs there.
 */
export async function startXenstored(options: XenstoredOptions): Promise<EmbeddedXenstored> {
  const { socketPath } = options;
  mkdirSync(dirname(socketPath), { recursive: true });
  await clearSocketPath(socketPath);
  return new Server(options);
}

class Server implements EmbeddedXenstored, ConnectionServer {
  readonly socketPath: string;
  readonly guestDir: string;
  readonly logger: Logger;
  readonly core: XenstoredCore;
  readonly #connections = new Set<SocketConnection>();
  readonly #guests = new Map<number, UnixListener>();
  readonly #toFlush = new Set<SocketConnection>();
  readonly #sockets = new Set<Socket>();
  readonly #listener: UnixListener;
  #closed = false;

  constructor(options: XenstoredOptions) {
    this.socketPath = options.socketPath;
    this.guestDir = options.guestDir ?? `${options.socketPath}.guests`;
    this.logger = options.logger ?? silentLogger;
    mkdirSync(this.guestDir, { recursive: true, mode: 0o700 });
    this.core = new XenstoredCore({
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      host: {
        introduced: (domid) => this.#listenForGuest(domid),
        released: (domid) => {
          this.#dropGuest(domid);
        },
      },
    });
    this.#listener = listenUnix(this.socketPath, this.logger, (socket) => {
      this.#accept(socket, 0);
    });
  }

  guestSocket(domid: number): string {
    return join(this.guestDir, `${String(domid)}.sock`);
  }

  counts(): { readonly nodes: number; readonly watches: number; readonly connections: number } {
    return { ...this.core.counts, connections: this.#connections.size };
  }

  wants(connection: SocketConnection): void {
    this.#toFlush.add(connection);
  }

  flush(): void {
    for (const connection of this.#toFlush) {
      this.#toFlush.delete(connection);
      connection.flush();
    }
  }

  closed(connection: SocketConnection): void {
    this.#connections.delete(connection);
    this.#toFlush.delete(connection);
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#listener.close();
      for (const listener of this.#guests.values()) listener.close();
      for (const connection of this.#connections) connection.destroy();
    }
    await Promise.all([...this.#sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))));
  }

  #accept(socket: Socket, domid: number): void {
    if (this.#closed || this.#tooMany(domid)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    this.#connections.add(new SocketConnection(this, socket, domid));
  }

  #tooMany(domid: number): boolean {
    if (domid === 0) return false;
    let open = 0;
    for (const connection of this.#connections) if (connection.domid === domid) open++;
    return open >= this.core.limits.guestConnections;
  }

  #listenForGuest(domid: number): boolean {
    try {
      const listener = listenUnix(this.guestSocket(domid), this.logger, (socket) => {
        this.#accept(socket, domid);
      });
      this.#guests.set(domid, listener);
      return true;
    } catch (error) {
      this.logger.error('cannot serve a guest', {
        domid,
        error: error instanceof Error ? error.message : String(error),
      });
      return false;
    }
  }

  #dropGuest(domid: number): void {
    this.#guests.get(domid)?.close();
    this.#guests.delete(domid);
    for (const connection of this.#connections) if (connection.domid === domid) connection.destroy();
  }
}
