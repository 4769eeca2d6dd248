import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import type { FaultLine, MutatingRequest } from './fault-line.ts';

/** A proxy on a unix socket that breaks a connection where a fault line says so. */
export interface BreakingProxy {
  readonly socketPath: string;
  /** Ends all connections, whatever is on its way; new ones are served. */
  cut(): void;
  close(): Promise<void>;
}

/** Takes a request as it is to be sent on, and what it changes, if anything. */
export type OnRequest = (bytes: Buffer, mutating: MutatingRequest | undefined) => void;

/** What is different between protocols: cuts one client's bytes into requests. Made anew for each connection. */
export type RequestSplitter = (onRequest: OnRequest) => (chunk: Buffer) => void;

/** Starts a proxy at `socketPath` before the server at `upstreamPath`. */
export async function startBreakingProxy(
  socketPath: string,
  upstreamPath: string,
  line: FaultLine,
  splitter: RequestSplitter,
): Promise<BreakingProxy> {
  const pairs = new Set<Pair>();
  const server = createServer((client) => {
    const pair = new Pair(client, createConnection(upstreamPath), line, splitter);
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  const cut = (): void => {
    for (const pair of pairs) pair.break();
  };
  return {
    socketPath,
    cut,
    close: async () => {
      for (const pair of pairs) pair.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** One client's connection and the server's end of it. */
class Pair {
  readonly #client: Socket;
  readonly #server: Socket;
  #broken = false;

  constructor(client: Socket, server: Socket, line: FaultLine, splitter: RequestSplitter) {
    this.#client = client;
    this.#server = server;
    const push = splitter((bytes, mutating) => {
      if (this.#broken) return;
      const verdict = mutating === undefined ? 'pass' : line.decide(mutating);
      if (verdict !== 'break before') server.write(bytes);
      if (verdict === 'pass') return;
      this.#broken = true;
      line.strike();
      this.break();
    });
    client.on('data', push);
    server.on('data', (chunk: Buffer) => {
      if (!this.#broken) client.write(chunk);
    });
    // What the server has not read yet it still gets: a client that ends has sent it.
    client.on('close', () => server.end());
    server.on('close', () => client.destroy());
    client.on('error', () => server.end());
    server.on('error', () => client.destroy());
  }

  destroy(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  /** Nothing passes any more in either direction. What the server has is served. */
  break(): void {
    this.#broken = true;
    this.#client.destroy();
    this.#server.end();
  }
}
