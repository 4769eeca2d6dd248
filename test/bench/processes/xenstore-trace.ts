import { once } from 'node:events';
import { createConnection, createServer, type Socket } from 'node:net';
import { PacketParser } from '../../../operator/xenstore/parser.ts';
import { MessageType, REPLY_PAYLOAD_MAX } from '../../../operator/xenstore/wire.ts';

/** A message between a client and the daemon, as it passed the proxy. */
export interface TracedMessage {
  /** `performance.now()`. */
  readonly at: number;
  readonly kind: 'request' | 'reply' | 'event';
  /** Which of the client's connections, from 0. */
  readonly connection: number;
  readonly type: number;
  readonly requestId: number;
  readonly transactionId: number;
  /** As the bytes are; NUL between the parts. */
  readonly payload: string;
}

/** A proxy that passes everything on as it is, and remembers what passed. */
export interface XenStoreTrace {
  readonly socketPath: string;
  /** What passed since `begin`, in order. */
  readonly messages: readonly TracedMessage[];
  /** Forgets what passed until now. */
  begin(): void;
  close(): Promise<void>;
}

/** Starts a proxy at `socketPath` before the daemon at `upstreamPath`. */
export async function traceXenStore(socketPath: string, upstreamPath: string): Promise<XenStoreTrace> {
  let messages: TracedMessage[] = [];
  let connections = 0;
  const sockets = new Set<Socket>();

  const follow = (from: Socket, to: Socket, connection: number, kindOf: (type: number) => TracedMessage['kind']) => {
    let at = 0;
    const parser = new PacketParser(
      {
        onPacket: (type, requestId, transactionId, buffer, start, end) => {
          const payload = buffer.toString('latin1', start, end);
          messages.push({ at, kind: kindOf(type), connection, type, requestId, transactionId, payload });
        },
      },
      REPLY_PAYLOAD_MAX,
    );
    from.on('data', (chunk: Buffer) => {
      at = performance.now();
      to.write(chunk);
      parser.push(chunk);
    });
    from.once('close', () => to.end());
    from.on('error', () => to.destroy());
    sockets.add(from);
    from.once('close', () => sockets.delete(from));
  };

  const server = createServer((client) => {
    const daemon = createConnection(upstreamPath);
    const connection = connections++;
    follow(client, daemon, connection, () => 'request');
    follow(daemon, client, connection, (type) => (type === MessageType.WATCH_EVENT ? 'event' : 'reply'));
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    socketPath,
    get messages() {
      return messages;
    },
    begin: () => {
      messages = [];
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
