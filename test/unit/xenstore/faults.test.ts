import { describe, expect, test } from '@jest/globals';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import { encodeHeader, encodePacket, MessageType, REPLY_PAYLOAD_MAX } from '../../../operator/xenstore/wire.ts';
import type { Peer } from './fake-daemon.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { failure, ManualClock, promptClock, untilState, withClient } from './support.ts';

function header(type: number, reqId: number, length: number): Buffer {
  const bytes = Buffer.alloc(16);
  encodeHeader(bytes, 0, type, reqId, 0, length);
  return bytes;
}

/** What a daemon may say in answer to a READ that is not the protocol. */
const nonsense: readonly (readonly [name: string, say: (peer: Peer, reqId: number) => void])[] = [
  ['a reply of 4 GiB', (peer, reqId) => peer.socket.write(header(MessageType.READ, reqId, 0xffffffff))],
  [
    'a reply just too large',
    (peer, reqId) => peer.socket.write(header(MessageType.READ, reqId, REPLY_PAYLOAD_MAX + 1)),
  ],
  ['bytes that are no header', (peer) => peer.socket.write(Buffer.alloc(64, 0xa5))],
  ['a reply of an unknown type', (peer, reqId) => peer.socket.write(encodePacket(99, reqId, 0, Buffer.from('x')))],
  [
    'a reply of another type',
    (peer, reqId) => peer.socket.write(encodePacket(MessageType.WRITE, reqId, 0, Buffer.of())),
  ],
  ['a reply to nobody', (peer, reqId) => peer.socket.write(encodePacket(2, reqId + 1000, 0, Buffer.of()))],
  // The id that has the same place in the table of requests.
  [
    'a reply to a request of long ago',
    (peer, reqId) => peer.socket.write(encodePacket(2, reqId + 128, 0, Buffer.of())),
  ],
  ['an answer with req_id 0', (peer) => peer.socket.write(encodePacket(2, 0, 0, Buffer.of()))],
  ['an event without token', (peer) => peer.socket.write(encodePacket(15, 0, 0, Buffer.from('/a')))],
  ['an empty event', (peer) => peer.socket.write(encodePacket(15, 0, 0, Buffer.of()))],
];

describe('a daemon that does not keep to the protocol', () => {
  test.each(nonsense)('%s: a typed error, and a new connection', (_name, say) =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        say(request.peer, request.reqId);
        return true;
      };
      const error = await failure(client.read('/a'));
      expect(error).toMatchObject({ code: 'EPROTOCOL', outcome: 'unknown' });
      daemon.hook = () => false;
      await client.connected();
      await client.write('/a', 'fine');
      expect(await client.readString('/a')).toBe('fine');
      expect(client.stats.reconnects).toBe(1);
    }),
  );

  test('a reply twice', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        request.peer.reply(request, 'v');
        request.peer.reply(request, 'v');
        return true;
      };
      expect(String(await client.read('/a'))).toBe('v');
      await untilState(client, 'disconnected');
      daemon.hook = () => false;
      await client.connected();
    }));

  test('replies that cannot be read fail their request only', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        request.peer.reply(request, '\u0001nonsense');
        return true;
      };
      expect(await failure(client.getPermissions('/a'))).toMatchObject({ code: 'EPROTOCOL', operation: 'GET_PERMS' });
      expect(await failure(client.isIntroduced(1))).toMatchObject({ code: 'EPROTOCOL' });
      expect(await failure(client.getFeatures())).toMatchObject({ code: 'EPROTOCOL' });
      expect(client.state).toBe('connected');
      expect(client.stats.reconnects).toBe(0);
    }));

  test('an error that has no name in the protocol is EUNKNOWN, and its text is not repeated', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        request.peer.send(MessageType.ERROR, request.reqId, 0, 'EVIL\u001b[31m\0');
        return true;
      };
      const error = await failure(client.read('/a'));
      expect(error).toMatchObject({ code: 'EUNKNOWN' });
      expect(error.message).not.toContain('EVIL');
    }));
});

describe('a connection that is lost', () => {
  test('in the middle of a reply, with more in flight: all are rejected, the link comes back', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        if (daemon.received.length < 10) return true;
        request.peer.socket.end(encodePacket(2, request.reqId, 0, Buffer.alloc(100)).subarray(0, 50));
        return true;
      };
      const errors = await Promise.all(
        Array.from({ length: 10 }, (_, index) => failure(client.read(`/n${String(index)}`))),
      );
      for (const error of errors) expect(error).toMatchObject({ code: 'EDISCONNECTED', outcome: 'unknown' });
      daemon.hook = () => false;
      await client.connected();
      expect(await client.tryRead('/n0')).toBeUndefined();
    }));

  test('one byte at a time it is only slow', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        for (const byte of encodePacket(2, request.reqId, 0, Buffer.from('slow')))
          request.peer.socket.write(Buffer.of(byte));
        return true;
      };
      expect(await client.readString('/a')).toBe('slow');
    }));

  test('requests while there is none are refused at once, and not held', async () => {
    const clock = new ManualClock();
    await withClient(
      async (client, daemon) => {
        const states: string[] = [];
        client.onStateChange((state) => states.push(state));
        await daemon.crash();
        await untilState(client, 'disconnected');
        expect(await failure(client.read('/a'))).toMatchObject({ code: 'EDISCONNECTED', outcome: 'not-applied' });
        // Nobody listens yet: it tries, and goes on trying.
        for (let attempt = 0; attempt < 3; attempt++) {
          expect(clock.timers.size).toBe(1);
          clock.fireAll();
          while (clock.timers.size === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        await daemon.listen();
        clock.fireAll();
        await client.connected();
        expect(states).toEqual(['disconnected', 'connected']);
        expect(client.stats.reconnects).toBe(1);
      },
      { clock },
    );
  });

  test('a socket that is not there: disconnected, then connected once it is', async () => {
    const daemon = await FakeDaemon.start();
    await daemon.crash();
    const client = openXenStore({ transport: { kind: 'socket', path: daemon.path }, clock: promptClock });
    const early = failure(client.read('/a'));
    await untilState(client, 'disconnected');
    expect(await early).toMatchObject({ code: 'EDISCONNECTED', outcome: 'not-applied' });
    expect((await early).message).toContain('ENOENT');
    await daemon.listen();
    await client.connected();
    await client.close();
    await daemon.stop();
  });

  test('without reconnect a loss closes the client', () =>
    withClient(
      async (client, daemon) => {
        await daemon.crash();
        await untilState(client, 'closed');
        expect(await failure(client.read('/a'))).toMatchObject({ code: 'ECLOSED' });
      },
      { reconnect: false },
    ));

  test('during close: close ends all the same', () =>
    withClient(async (client, daemon) => {
      daemon.hook = () => true;
      const reading = failure(client.read('/a'));
      await daemon.until(() => daemon.received.length === 1);
      const closing = client.close();
      await daemon.crash();
      await closing;
      expect(await reading).toMatchObject({ code: 'EDISCONNECTED' });
      expect(client.state).toBe('closed');
    }));

  test('connected() gives up with its signal', async () => {
    const client = openXenStore({ transport: { kind: 'socket', path: '/nonexistent/socket' } });
    const reason = new Error('no more');
    expect(await failure(client.connected(AbortSignal.abort(reason)))).toBe(reason);
    client.destroy();
    await client.close();
  });

  test('listeners that throw hurt nobody', () =>
    withClient(async (client, daemon) => {
      client.onStateChange(() => {
        throw new Error('mine');
      });
      client.watch('/a', () => {
        throw new Error('mine too');
      });
      await client.write('/a', '1');
      await daemon.crash();
      await untilState(client, 'disconnected');
      await daemon.listen();
      await client.connected();
      await client.write('/a', '2');
    }));
});
