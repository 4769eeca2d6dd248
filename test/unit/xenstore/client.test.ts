import { describe, expect, test } from '@jest/globals';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import { MessageType, PAYLOAD_MAX } from '../../../operator/xenstore/wire.ts';
import type { Received } from './fake-daemon.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { failure, promptClock, withClient } from './support.ts';

describe('operations', () => {
  test('values are bytes: NULs and any byte come back as written', () =>
    withClient(async (client, daemon) => {
      const value = Buffer.from([0, 255, 0, 10]);
      await client.write('/a', value);
      expect(daemon.received[0]?.payload.toString('hex')).toBe('2f61' + '00' + '00ff000a');
      daemon.nodes.set('/a', value);
      expect([...(await client.read('/a'))]).toEqual([...value]);
    }));

  test('strings travel as UTF-8, and are refused where they are none or have a NUL', () =>
    withClient(async (client, daemon) => {
      await client.write('/a', 'grün 🦔');
      expect(await client.readString('/a')).toBe('grün 🦔');
      daemon.nodes.set('/nul', Buffer.from('a\0b'));
      daemon.nodes.set('/bad', Buffer.from([0xc3, 0x28]));
      for (const path of ['/nul', '/bad'])
        expect(await failure(client.readString(path))).toMatchObject({ code: 'EILSEQ', path });
      expect((await failure(client.readString('/bad'))).message).not.toContain('(');
    }));

  test('a missing node is ENOENT, and undefined from the try forms', () =>
    withClient(async (client) => {
      expect(await failure(client.read('/none'))).toMatchObject({
        code: 'ENOENT',
        path: '/none',
        operation: 'READ',
        outcome: 'not-applied',
      });
      expect(await client.tryRead('/none')).toBeUndefined();
      expect(await client.tryReadString('/none')).toBeUndefined();
    }));

  test('every operation sends its payload with NULs where they belong', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        const answers: Record<number, string> = {
          [MessageType.DIRECTORY]: 'a\0b\0',
          [MessageType.GET_PERMS]: 'n0\0r5\0',
          [MessageType.IS_DOMAIN_INTRODUCED]: 'T\0',
          [MessageType.GET_DOMAIN_PATH]: '/local/domain/7\0',
          [MessageType.CONTROL]: 'fine\0',
          [MessageType.GET_FEATURE]: '4\0',
          [MessageType.GET_QUOTA]: 'nodes watches\0',
        };
        request.peer.reply(request, answers[request.type] ?? 'OK\0');
        return true;
      };
      expect(await client.list('/d')).toEqual(['a', 'b']);
      expect(await client.getPermissions('/p')).toEqual({
        owner: 0,
        others: 'none',
        entries: [{ domid: 5, access: 'read' }],
      });
      await client.setPermissions('/p', { owner: 0, others: 'none', entries: [{ domid: 5, access: 'both' }] });
      await client.mkdir('/m');
      await client.remove('/r');
      await client.introduce(3, 18446744073709551615n, 9);
      await client.release(3);
      expect(await client.isIntroduced(3)).toBe(true);
      expect(await client.getDomainPath(7)).toBe('/local/domain/7');
      await client.resume(3);
      await client.setTarget(4, 3);
      await client.resetWatches();
      expect(await client.control('quota', 'set')).toBe('fine');
      expect(await client.getFeatures()).toBe(4);
      expect(await client.getQuota()).toBe('nodes watches');
      expect(await client.getQuota('nodes', 5)).toBe('nodes watches');
      expect(daemon.received.map(({ type, payload }) => [type, payload.toString('latin1')])).toEqual([
        [MessageType.DIRECTORY, '/d\0'],
        [MessageType.GET_PERMS, '/p\0'],
        [MessageType.SET_PERMS, '/p\0n0\0b5\0'],
        [MessageType.MKDIR, '/m\0'],
        [MessageType.RM, '/r\0'],
        [MessageType.INTRODUCE, '3\x0018446744073709551615\x009\0'],
        [MessageType.RELEASE, '3\0'],
        [MessageType.IS_DOMAIN_INTRODUCED, '3\0'],
        [MessageType.GET_DOMAIN_PATH, '7\0'],
        [MessageType.RESUME, '3\0'],
        [MessageType.SET_TARGET, '4\x003\0'],
        // Never empty: oxenstored 4.17 stalls on that.
        [MessageType.RESET_WATCHES, '\0'],
        [MessageType.CONTROL, 'quota\0set\0'],
        [MessageType.GET_FEATURE, '\0'],
        [MessageType.GET_QUOTA, '\0'],
        [MessageType.GET_QUOTA, '5\0nodes\0'],
      ]);
    }));

  test('removing what is gone is no error; removing / is refused here', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        request.peer.refuse(request, 'ENOENT');
        return true;
      };
      await client.remove('/gone/deep');
      expect(await failure(client.remove('/'))).toMatchObject({ code: 'EINVAL' });
      expect(daemon.count(MessageType.RM)).toBe(1);
    }));

  test('what cannot be sent is refused before it is: bad paths, oversize', () =>
    withClient(async (client, daemon) => {
      for (const path of ['', 'a', '/a/', '/a\0b', '/a b']) {
        expect(await failure(client.read(path))).toMatchObject({ code: 'EINVAL' });
        expect(await failure(client.write(path, ''))).toMatchObject({ code: 'EINVAL' });
        expect(await failure(client.list(path))).toMatchObject({ code: 'EINVAL' });
      }
      const room = PAYLOAD_MAX - '/a\0'.length;
      await client.write('/a', 'x'.repeat(room));
      expect(await failure(client.write('/a', 'x'.repeat(room + 1)))).toMatchObject({ code: 'E2BIG', path: '/a' });
      expect(await failure(client.write('/a', Buffer.alloc(room + 1)))).toMatchObject({ code: 'E2BIG' });
      expect(await failure(client.write('/a', 'ä'.repeat(room / 2 + 1)))).toMatchObject({ code: 'E2BIG' });
      expect(daemon.received.map((request) => request.payload.length)).toEqual([PAYLOAD_MAX]);
    }));
});

describe('directories', () => {
  function parts(generations: readonly string[]): (request: Received) => boolean {
    const asked: string[] = [];
    return (request) => {
      if (request.type === MessageType.DIRECTORY) {
        request.peer.refuse(request, 'E2BIG');
        return true;
      }
      if (request.type !== MessageType.DIRECTORY_PART) return false;
      const generation = generations[asked.length] ?? generations.at(-1) ?? '';
      const offset = request.strings[1] ?? '';
      asked.push(offset);
      const names: Record<string, string> = { '0': 'one\0two\0', '8': 'three\0\0' };
      request.peer.reply(request, `${generation}\0${names[offset] ?? 'stray\0\0'}`);
      return true;
    };
  }

  test('a list that is too large for a message is read in parts', () =>
    withClient(async (client, daemon) => {
      daemon.hook = parts(['7']);
      expect(await client.list('/big')).toEqual(['one', 'two', 'three']);
    }));

  test('it is begun again when it changes in between, and given up if it always does', () =>
    withClient(async (client, daemon) => {
      daemon.hook = parts(['7', '8', '8']);
      expect(await client.list('/big')).toEqual(['one', 'two', 'three']);
      expect(daemon.count(MessageType.DIRECTORY_PART)).toBe(4);
      daemon.hook = parts(Array.from({ length: 1000 }, (_, index) => String(index)));
      expect(await failure(client.list('/big'))).toMatchObject({ code: 'EAGAIN' });
    }));

  test('a daemon without DIRECTORY_PART: E2BIG stands; larger replies than the protocol allows are read', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        request.peer.refuse(request, request.type === MessageType.DIRECTORY ? 'E2BIG' : 'ENOSYS');
        return true;
      };
      expect(await failure(client.list('/big'))).toMatchObject({ code: 'E2BIG', operation: 'DIRECTORY' });
      const names = Array.from({ length: 2000 }, (_, index) => `child-${String(index)}`);
      daemon.hook = (request) => {
        request.peer.reply(request, `${names.join('\0')}\0`);
        return true;
      };
      expect(await client.list('/big')).toEqual(names);
    }));

  test('a list that goes away between two parts is ENOENT, or undefined', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        request.peer.refuse(request, request.type === MessageType.DIRECTORY ? 'E2BIG' : 'ENOENT');
        return true;
      };
      expect(await client.tryList('/big')).toBeUndefined();
      expect(await failure(client.list('/big'))).toMatchObject({ code: 'ENOENT' });
    }));

  test('parts that never end are a protocol error, not a hang', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        if (request.type === MessageType.DIRECTORY) request.peer.refuse(request, 'E2BIG');
        else request.peer.reply(request, '1\0');
        return true;
      };
      expect(await failure(client.list('/big'))).toMatchObject({ code: 'EPROTOCOL' });
    }));
});

describe('the pipeline', () => {
  test('requests of one tick travel in one burst, and count as one round trip', () =>
    withClient(async (client, daemon) => {
      daemon.nodes.set('/a', Buffer.from('1'));
      const before = client.stats.roundTrips;
      await Promise.all(Array.from({ length: 20 }, () => client.read('/a')));
      expect(client.stats.roundTrips - before).toBe(1);
      await client.read('/a');
      await client.read('/a');
      expect(client.stats.roundTrips - before).toBe(3);
      expect(client.stats.requests).toBe(22);
    }));

  test('a burst while another is in flight is no round trip of its own', () =>
    withClient(async (client, daemon) => {
      const held: Received[] = [];
      daemon.hook = (request) => {
        held.push(request);
        return true;
      };
      const first = client.read('/a');
      await daemon.until(() => held.length === 1);
      const second = client.read('/b');
      await daemon.until(() => held.length === 2);
      for (const request of held) request.peer.reply(request, 'v');
      await Promise.all([first, second]);
      expect(client.stats).toMatchObject({ requests: 2, roundTrips: 1 });
    }));

  test('at most maxInFlight are sent before a reply; the others follow in order', () =>
    withClient(
      async (client, daemon) => {
        const held: Received[] = [];
        daemon.hook = (request) => {
          held.push(request);
          return true;
        };
        const all = Promise.all(Array.from({ length: 10 }, (_, index) => client.read(`/n${String(index)}`)));
        await daemon.until(() => held.length >= 4);
        // Had more been sent, they would be in the same write.
        expect(held).toHaveLength(4);
        daemon.hook = (request) => {
          request.peer.reply(request, request.strings[0]);
          return true;
        };
        for (const request of held) request.peer.reply(request, request.strings[0]);
        expect((await all).map(String)).toEqual(Array.from({ length: 10 }, (_, index) => `/n${String(index)}`));
        expect(daemon.received.map((request) => request.strings[0])).toEqual((await all).map(String));
      },
      { maxInFlight: 4 },
    ));

  test('replies are matched by req_id, whatever their order', () =>
    withClient(
      async (client, daemon) => {
        const held: Received[] = [];
        daemon.hook = (request) => {
          held.push(request);
          if (held.length === 5 || daemon.received.length > 15) {
            for (const one of held.splice(0).reverse()) one.peer.reply(one, one.strings[0]);
          }
          return true;
        };
        const paths = Array.from({ length: 20 }, (_, index) => `/n${String(index)}`);
        expect((await Promise.all(paths.map((path) => client.read(path)))).map(String)).toEqual(paths);
        expect(new Set(daemon.received.map((request) => request.reqId)).size).toBe(20);
      },
      { maxInFlight: 5 },
    ));

  test('requests made before the connection is there wait for it', async () => {
    const daemon = await FakeDaemon.start();
    const client = openXenStore({ transport: { kind: 'socket', path: daemon.path } });
    expect(client.state).toBe('connecting');
    await client.write('/early', 'x');
    expect(daemon.nodes.get('/early')?.toString()).toBe('x');
    await client.close();
    await daemon.stop();
  });

  test('many clients at once on a backlog of 1 all get in', async () => {
    const daemon = await FakeDaemon.start({ backlog: 1 });
    const clients = Array.from({ length: 50 }, () =>
      openXenStore({ transport: { kind: 'socket', path: daemon.path }, clock: promptClock, reconnect: false }),
    );
    await Promise.all(clients.map((client) => client.write('/a', 'x')));
    expect(daemon.peers).toHaveLength(50);
    await Promise.all(clients.map((client) => client.close()));
    await daemon.stop();
  });
});

describe('the end', () => {
  test('close waits for the replies, refuses new requests, and never cuts the stream before', () =>
    withClient(async (client, daemon) => {
      const held: Received[] = [];
      daemon.hook = (request) => {
        held.push(request);
        return true;
      };
      const reads = Promise.all([client.read('/a'), client.read('/b')]);
      await daemon.until(() => held.length === 2);
      const peer = held[0]?.peer;
      let ended = false;
      peer?.socket.on('end', () => {
        ended = true;
      });
      const closing = client.close();
      expect(await failure(client.read('/c'))).toMatchObject({ code: 'ECLOSED' });
      expect(ended).toBe(false);
      for (const request of held) request.peer.reply(request, 'v');
      expect((await reads).map(String)).toEqual(['v', 'v']);
      await closing;
      await client.close();
      expect(client.state).toBe('closed');
      await daemon.until(() => ended);
    }));

  test('close waits for a transaction that runs', () =>
    withClient(async (client, daemon) => {
      let closing: Promise<void> | undefined;
      await client.transaction(async (tx) => {
        closing = client.close();
        await tx.write('/a', '1');
      });
      await closing;
      expect(daemon.count(MessageType.TRANSACTION_END)).toBe(1);
      expect(await failure(client.transaction(() => Promise.resolve()))).toMatchObject({ code: 'ECLOSED' });
    }));

  test('destroy rejects what is in flight and what waits, and tells whether it can have been applied', () =>
    withClient(
      async (client, daemon) => {
        daemon.hook = () => true;
        const sent = failure(client.write('/a', '1'));
        const waiting = failure(client.write('/b', '1'));
        await daemon.until(() => daemon.received.length === 1);
        const unflushed = failure(client.write('/c', '1'));
        client.destroy();
        client.destroy();
        expect(await sent).toMatchObject({ code: 'ECLOSED', outcome: 'unknown', path: '/a', operation: 'WRITE' });
        expect(await waiting).toMatchObject({ code: 'ECLOSED', outcome: 'not-applied' });
        expect(await unflushed).toMatchObject({ code: 'ECLOSED', outcome: 'not-applied' });
        expect(await failure(client.connected())).toMatchObject({ code: 'ECLOSED' });
      },
      { maxInFlight: 1 },
    ));

  test('what was encoded in this tick and not flushed is not applied', () =>
    withClient(async (client) => {
      const unflushed = failure(client.write('/c', '1'));
      client.destroy(new Error('enough'));
      expect(await unflushed).toMatchObject({ code: 'ECLOSED', outcome: 'not-applied' });
    }));
});
