import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { PacketParser } from '../../operator/xenstore/parser.ts';
import { encodePacket, MessageType, messageTypeName, PAYLOAD_MAX } from '../../operator/xenstore/wire.ts';

/** A request that changes something, or makes what a transaction changed true. */
export interface MutatingRequest {
  /** Name of the message, and the path it is about: for people. */
  readonly text: string;
  /** Whether what it changes holds at once: not so inside a transaction, whose end makes it true. */
  readonly effective: boolean;
}

/** Where to interfere, counted from 1 since `arm`: before the daemon has that request, or right after. */
export interface FaultPoint {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** A proxy between one client and the daemon that can break their connection at any request that changes something. */
export interface XenStoreProxy {
  readonly socketPath: string;
  /**
   * Counts anew, and with a point breaks the connection there, once: nothing passes any more in either direction,
   * `onFault` is called, and both ends are closed. Later connections are served as before.
   */
  arm(point?: FaultPoint, onFault?: () => void): void;
  /** The requests since `arm`. */
  readonly seen: readonly MutatingRequest[];
  /** Whether the fault of the last `arm` came to pass. */
  readonly fired: boolean;
  close(): Promise<void>;
}

const mutating: ReadonlySet<number> = new Set([
  MessageType.WRITE,
  MessageType.MKDIR,
  MessageType.RM,
  MessageType.SET_PERMS,
  MessageType.TRANSACTION_END,
  MessageType.SET_TARGET,
  MessageType.INTRODUCE,
  MessageType.RELEASE,
  MessageType.RESUME,
]);

const abortion = Buffer.from('F\0');

/** Starts a proxy at `socketPath` before the daemon at `upstreamPath`. */
export async function startXenStoreProxy(socketPath: string, upstreamPath: string): Promise<XenStoreProxy> {
  const pairs = new Set<Pair>();
  let seen: MutatingRequest[] = [];
  let point: FaultPoint | undefined;
  let onFault: (() => void) | undefined;
  let fired = false;

  const decide: Decide = (request) => {
    seen.push(request);
    if (fired || point?.at !== seen.length) return 'pass';
    fired = true;
    return point.when === 'before' ? 'break-before' : 'break-after';
  };
  const server = createServer((client) => {
    const pair = new Pair(client, createConnection(upstreamPath), decide, () => onFault?.());
    pairs.add(pair);
    client.once('close', () => pairs.delete(pair));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    arm: (next, callback) => {
      seen = [];
      point = next;
      onFault = callback;
      fired = false;
    },
    get seen() {
      return seen;
    },
    get fired() {
      return fired;
    },
    close: async () => {
      for (const pair of pairs) pair.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

type Decide = (request: MutatingRequest) => 'pass' | 'break-before' | 'break-after';

/** One client's connection and the daemon's end of it. */
class Pair {
  readonly #client: Socket;
  readonly #daemon: Socket;
  #broken = false;

  constructor(client: Socket, daemon: Socket, decide: Decide, onFault: () => void) {
    this.#client = client;
    this.#daemon = daemon;
    const parser = new PacketParser(
      {
        onPacket: (type, reqId, txId, buffer, start, end) => {
          if (this.#broken) return;
          const payload = buffer.subarray(start, end);
          const verdict = mutating.has(type) ? decide(describe(type, txId, payload)) : 'pass';
          if (verdict !== 'break-before') daemon.write(encodePacket(type, reqId, txId, payload));
          if (verdict !== 'pass') this.#break(onFault);
        },
      },
      PAYLOAD_MAX,
    );
    client.on('data', (chunk: Buffer) => parser.push(chunk));
    daemon.on('data', (chunk: Buffer) => {
      if (!this.#broken) client.write(chunk);
    });
    // What the daemon has not read yet it still gets: a client that ends has sent it.
    client.on('close', () => daemon.end());
    daemon.on('close', () => client.destroy());
    client.on('error', () => daemon.end());
    daemon.on('error', () => client.destroy());
  }

  destroy(): void {
    this.#client.destroy();
    this.#daemon.destroy();
  }

  #break(onFault: () => void): void {
    this.#broken = true;
    onFault();
    this.#client.destroy();
    this.#daemon.end();
  }
}

function describe(type: number, txId: number, payload: Buffer): MutatingRequest {
  const aborts = type === MessageType.TRANSACTION_END && payload.equals(abortion);
  const [path = ''] = payload.toString('latin1').split('\0', 1);
  return {
    text: `${messageTypeName(type)} ${path}`,
    effective: type === MessageType.TRANSACTION_END ? !aborts : txId === 0,
  };
}
