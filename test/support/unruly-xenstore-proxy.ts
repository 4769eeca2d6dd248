import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { PacketParser } from '../../operator/xenstore/parser.ts';
import { encodePacket, MessageType, PAYLOAD_MAX, REPLY_PAYLOAD_MAX } from '../../operator/xenstore/wire.ts';

/** What a XenStore daemon may do, and an idle one on a fast machine hardly ever does. */
export interface Unruliness {
  /** So often in a row commits fail with EAGAIN, as if others had changed what they read, before one comes true. */
  conflictsEach: number;
  /** Every event comes that often again; nothing has changed by then. */
  spurious: number;
  /** Events are held for that long, in milliseconds, and those of one path and watch become one. */
  coalesceMs: number;
  /** The first event of a watch comes before the OK of its request, as /dev/xen/xenbus may have it. */
  eventBeforeOk: boolean;
}

/** How often each of them came to pass. */
export interface Mischief {
  conflicts: number;
  spurious: number;
  coalesced: number;
  eventBeforeOk: number;
}

/** A daemon's socket as its client sees it on a bad day. */
export interface UnrulyProxy {
  readonly socketPath: string;
  /** To be changed at any time. */
  readonly unruly: Unruliness;
  readonly happened: Readonly<Mischief>;
  /** What was written to nodes named `command` and came true, in order. */
  readonly commands: readonly string[];
  /** Breaks all connections there are. */
  cut(): void;
  close(): Promise<void>;
}

/** Starts a proxy at `socketPath` before the daemon at `upstreamPath`; until told otherwise it changes nothing. */
export async function startUnrulyProxy(socketPath: string, upstreamPath: string): Promise<UnrulyProxy> {
  const unruly: Unruliness = { conflictsEach: 0, spurious: 0, coalesceMs: 0, eventBeforeOk: false };
  const happened = { conflicts: 0, spurious: 0, coalesced: 0, eventBeforeOk: 0 };
  const commands: string[] = [];
  const links = new Set<Link>();
  const server = createServer((client) => {
    const link = new Link(client, createConnection(upstreamPath), { unruly, happened, commands });
    links.add(link);
    client.once('close', () => links.delete(link));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    unruly,
    happened,
    commands,
    cut: () => {
      for (const link of links) link.destroy();
    },
    close: async () => {
      for (const link of links) link.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

interface Shared {
  readonly unruly: Unruliness;
  readonly happened: Mischief;
  readonly commands: string[];
}

/** What has to be known of a request when its reply comes. */
type Pending =
  | { readonly kind: 'conflict' }
  | { readonly kind: 'commit'; readonly words: readonly string[] }
  | { readonly kind: 'word'; readonly word: string }
  | { readonly kind: 'watch' };

const conflict = Buffer.from('EAGAIN\0');
const abortion = Buffer.from('F\0');

/** One client's connection and the daemon's end of it. */
class Link {
  readonly #client: Socket;
  readonly #daemon: Socket;
  readonly #shared: Shared;
  readonly #pending = new Map<number, Pending>();
  /** Words written in each transaction, and which transactions write at all. */
  readonly #transactions = new Map<number, string[]>();
  /** OKs that wait for the event of their watch. */
  #held: Buffer[] = [];
  #waiting = new Map<string, Buffer>();
  #timer: NodeJS.Timeout | undefined;
  #inRow = 0;

  constructor(client: Socket, daemon: Socket, shared: Shared) {
    this.#client = client;
    this.#daemon = daemon;
    this.#shared = shared;
    const requests = new PacketParser(
      {
        onPacket: (type, reqId, txId, buffer, from, to) => {
          this.#request(type, reqId, txId, buffer.subarray(from, to));
        },
      },
      PAYLOAD_MAX,
    );
    const replies = new PacketParser(
      {
        onPacket: (type, reqId, txId, buffer, from, to) => {
          this.#reply(type, reqId, txId, buffer.subarray(from, to));
        },
      },
      REPLY_PAYLOAD_MAX,
    );
    client.on('data', (chunk: Buffer) => requests.push(chunk));
    daemon.on('data', (chunk: Buffer) => replies.push(chunk));
    client.on('close', () => daemon.end());
    daemon.on('close', () => {
      clearTimeout(this.#timer);
      client.destroy();
    });
    client.on('error', () => daemon.end());
    daemon.on('error', () => client.destroy());
  }

  destroy(): void {
    clearTimeout(this.#timer);
    this.#client.destroy();
    this.#daemon.destroy();
  }

  #request(type: number, reqId: number, txId: number, payload: Buffer): void {
    let passed = payload;
    const word = type === MessageType.WRITE ? commandWord(payload) : undefined;
    if (txId !== 0 && type === MessageType.WRITE) this.#words(txId).push(...(word === undefined ? [] : [word]));
    else if (word !== undefined) this.#pending.set(reqId, { kind: 'word', word });
    if (type === MessageType.WATCH && this.#shared.unruly.eventBeforeOk) this.#pending.set(reqId, { kind: 'watch' });
    if (type === MessageType.TRANSACTION_END && !payload.equals(abortion)) passed = this.#commit(reqId, txId, payload);
    this.#daemon.write(encodePacket(type, reqId, txId, passed));
  }

  #words(txId: number): string[] {
    const words = this.#transactions.get(txId) ?? [];
    this.#transactions.set(txId, words);
    return words;
  }

  /** What is sent on for the end of a transaction. */
  #commit(reqId: number, txId: number, payload: Buffer): Buffer {
    const words = this.#transactions.get(txId);
    this.#transactions.delete(txId);
    const { unruly, happened } = this.#shared;
    if (words === undefined || this.#inRow >= unruly.conflictsEach) {
      this.#inRow = 0;
      this.#pending.set(reqId, { kind: 'commit', words: words ?? [] });
      return payload;
    }
    this.#inRow += 1;
    happened.conflicts += 1;
    this.#pending.set(reqId, { kind: 'conflict' });
    return abortion;
  }

  #reply(type: number, reqId: number, txId: number, payload: Buffer): void {
    if (type === MessageType.WATCH_EVENT) {
      this.#event(payload);
      return;
    }
    const pending = this.#pending.get(reqId);
    this.#pending.delete(reqId);
    const bytes = encodePacket(type, reqId, txId, payload);
    if (type === MessageType.ERROR || pending === undefined) {
      this.#client.write(bytes);
      return;
    }
    switch (pending.kind) {
      case 'conflict':
        this.#client.write(encodePacket(MessageType.ERROR, reqId, txId, conflict));
        return;
      case 'commit':
        this.#shared.commands.push(...pending.words);
        break;
      case 'word':
        this.#shared.commands.push(pending.word);
        break;
      case 'watch':
        this.#held.push(bytes);
        return;
    }
    this.#client.write(bytes);
  }

  #event(payload: Buffer): void {
    const { unruly, happened } = this.#shared;
    const bytes = encodePacket(MessageType.WATCH_EVENT, 0, 0, payload);
    if (unruly.coalesceMs === 0) this.#deliver(bytes);
    else {
      const key = payload.toString('latin1');
      if (this.#waiting.has(key)) happened.coalesced += 1;
      this.#waiting.set(key, bytes);
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        const events = [...this.#waiting.values()];
        this.#waiting = new Map();
        for (const event of events) this.#deliver(event);
      }, unruly.coalesceMs);
    }
    const held = this.#held;
    this.#held = [];
    happened.eventBeforeOk += held.length;
    for (const ok of held) this.#client.write(ok);
  }

  #deliver(event: Buffer): void {
    const { unruly, happened } = this.#shared;
    for (let copy = 0; copy <= unruly.spurious; copy += 1) this.#client.write(event);
    happened.spurious += unruly.spurious;
  }
}

/** The word that a WRITE puts into a node named `command`. */
function commandWord(payload: Buffer): string | undefined {
  const end = payload.indexOf(0);
  const path = payload.toString('latin1', 0, end);
  return path.endsWith('/command') ? payload.toString('latin1', end + 1) : undefined;
}
