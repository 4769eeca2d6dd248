import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  encodeError,
  encodeStrings,
  decodeStrings,
  decodeWrite,
  OK_PAYLOAD,
} from '../../../operator/xenstore/messages.ts';
import type { WireErrorCode } from '../../../operator/xenstore/errors.ts';
import { PacketParser } from '../../../operator/xenstore/parser.ts';
import { MessageType, PAYLOAD_MAX, encodePacket } from '../../../operator/xenstore/wire.ts';

/** A request as the fake daemon got it. */
export interface Received {
  readonly type: number;
  readonly reqId: number;
  readonly txId: number;
  readonly payload: Buffer;
  readonly strings: string[];
  readonly peer: Peer;
}

/** One client's connection, seen from the daemon. */
export class Peer {
  readonly socket: Socket;
  readonly received: Received[] = [];
  readonly watches = new Map<string, string>();

  constructor(socket: Socket) {
    this.socket = socket;
  }

  send(type: number, reqId: number, txId: number, payload: Uint8Array | string): void {
    this.socket.write(encodePacket(type, reqId, txId, Buffer.from(payload)));
  }

  reply(request: Received, payload: Uint8Array | string = OK_PAYLOAD): void {
    this.send(request.type, request.reqId, request.txId, payload);
  }

  refuse(request: Received, code: WireErrorCode): void {
    this.send(MessageType.ERROR, request.reqId, request.txId, encodeError(code));
  }

  event(path: string, token: string): void {
    this.send(MessageType.WATCH_EVENT, 0, 0, encodeStrings([path, token]));
  }
}

/** True when the test has seen to the request; false lets the fake daemon answer as a daemon would. */
export type Hook = (request: Received) => boolean;

/**
 * A daemon that speaks the wire and knows a flat tree, watches by exact path, and transactions that always commit. A
 * test's `hook` may answer anything else instead, or nothing.
 */
export class FakeDaemon {
  readonly path: string;
  readonly nodes = new Map<string, Buffer>();
  readonly peers: Peer[] = [];
  readonly received: Received[] = [];
  hook: Hook = () => false;
  #server: Server | undefined;
  #lastTransaction = 0;
  readonly #folder: string;
  #heard: (() => void)[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 's');
  }

  static async start(options: { readonly backlog?: number } = {}): Promise<FakeDaemon> {
    const daemon = new FakeDaemon(await mkdtemp(join(tmpdir(), 'xs-')));
    await daemon.listen(options.backlog);
    return daemon;
  }

  /** Listens, on a socket file of the same name as before. */
  async listen(backlog = 16): Promise<void> {
    const server = createServer((socket) => {
      this.#accept(socket);
    });
    this.#server = server;
    await new Promise<void>((resolve) => {
      server.listen({ path: this.path, backlog }, resolve);
    });
  }

  /** Dies: connections are cut and the socket file goes. The tree is lost, as that of C xenstored. */
  async crash(): Promise<void> {
    for (const peer of this.peers) peer.socket.destroy();
    this.nodes.clear();
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    await new Promise((resolve) => server.close(resolve));
  }

  async stop(): Promise<void> {
    await this.crash();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Changes a node, and fires the watches on its path. */
  set(path: string, value: string): void {
    this.nodes.set(path, Buffer.from(value));
    for (const peer of this.peers) {
      for (const [token, watched] of peer.watches) if (watched === path) peer.event(path, token);
    }
  }

  /** Resolves when what has been received satisfies `condition`. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        this.#heard.push(resolve);
      });
    }
  }

  /** How many requests of a type came. */
  count(type: number): number {
    return this.received.filter((request) => request.type === type).length;
  }

  #accept(socket: Socket): void {
    const peer = new Peer(socket);
    this.peers.push(peer);
    const parser = new PacketParser(
      {
        onPacket: (type, reqId, txId, buffer, start, end) => {
          const payload = Buffer.from(buffer.subarray(start, end));
          const request = { type, reqId, txId, payload, strings: decodeStrings(payload), peer };
          this.received.push(request);
          peer.received.push(request);
          if (!this.hook(request)) this.answer(request);
        },
      },
      PAYLOAD_MAX,
    );
    socket.on('data', (chunk) => {
      parser.push(chunk);
      for (const heard of this.#heard.splice(0)) heard();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const heard of this.#heard.splice(0)) heard();
    });
  }

  /** Answers as a daemon would. */
  answer(request: Received): void {
    const { peer, strings } = request;
    const path = strings[0] ?? '';
    switch (request.type) {
      case MessageType.READ: {
        const value = this.nodes.get(path);
        if (value === undefined) peer.refuse(request, 'ENOENT');
        else peer.reply(request, value);
        return;
      }
      case MessageType.WRITE: {
        const written = decodeWrite(request.payload);
        peer.reply(request);
        this.set(written.path, written.value.toString());
        return;
      }
      case MessageType.WATCH:
        peer.watches.set(strings[1] ?? '', path);
        peer.reply(request);
        peer.event(path, strings[1] ?? '');
        return;
      case MessageType.UNWATCH:
        peer.watches.delete(strings[1] ?? '');
        peer.reply(request);
        return;
      case MessageType.TRANSACTION_START:
        peer.reply(request, `${String(++this.#lastTransaction)}\0`);
        return;
      default:
        peer.reply(request);
    }
  }
}
