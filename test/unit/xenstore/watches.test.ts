import { describe, expect, test } from '@jest/globals';
import { MessageType } from '../../../operator/xenstore/wire.ts';
import type { WatchEvent } from '../../../operator/xenstore/xenstore.ts';
import type { Received } from './fake-daemon.ts';
import { failure, keepingLogger, untilState, withClient } from './support.ts';

/** A listener that keeps the paths, and a promise for the next one. */
function listening(): { readonly paths: string[]; listener: (event: WatchEvent) => void; next: () => Promise<void> } {
  const paths: string[] = [];
  let heard: (() => void)[] = [];
  return {
    paths,
    listener: (event) => {
      paths.push(event.path);
      for (const one of heard) one();
      heard = [];
    },
    next: () =>
      new Promise((resolve) => {
        heard.push(resolve);
      }),
  };
}

describe('watch', () => {
  test('fires at the start and at each change, and no more after close', () =>
    withClient(async (client, daemon) => {
      const { paths, listener } = listening();
      const handle = client.watch('/a', listener);
      await handle.ready;
      await client.write('/a', '1');
      await client.read('/a');
      expect(paths).toEqual(['/a', '/a']);
      await handle.close();
      await handle.close();
      await client.write('/a', '2');
      await client.read('/a');
      expect(paths).toEqual(['/a', '/a']);
      expect(daemon.count(MessageType.UNWATCH)).toBe(1);
    }));

  test('each watch has its own token, also on the same path', () =>
    withClient(async (client, daemon) => {
      await Promise.all(['/a', '/a', '/b'].map((path) => client.watch(path, () => undefined).ready));
      const tokens = daemon.received.map((request) => request.strings[1]);
      expect(new Set(tokens).size).toBe(3);
    }));

  test('an event before the OK is heard', () =>
    withClient(async (client, daemon) => {
      const { paths, listener } = listening();
      daemon.hook = (request) => {
        request.peer.event('/a', request.strings[1] ?? '');
        request.peer.reply(request);
        return true;
      };
      await client.watch('/a', listener).ready;
      expect(paths).toEqual(['/a']);
    }));

  test('events for tokens that are not, or no more, are dropped and counted', () =>
    withClient(async (client, daemon) => {
      const { paths, listener } = listening();
      const handle = client.watch('/a', listener);
      await handle.ready;
      await client.read('/a').catch(() => undefined);
      const before = paths.length;
      daemon.hook = (request) => {
        if (request.type !== MessageType.UNWATCH) return false;
        request.peer.event('/a', request.strings[1] ?? '');
        request.peer.reply(request);
        request.peer.event('/a', request.strings[1] ?? '');
        request.peer.event('/a', 'never-heard-of');
        return true;
      };
      await handle.close();
      await client.read('/a').catch(() => undefined);
      expect(paths).toHaveLength(before);
      expect(client.stats.lateEvents).toBe(3);
      expect(client.state).toBe('connected');
    }));

  test('paths that cannot be watched are refused here; a refusal of the daemon rejects `ready`', () =>
    withClient(async (client, daemon) => {
      expect(() => client.watch('relative', () => undefined)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      expect(() => client.watch('@nonsense', () => undefined)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
      daemon.hook = (request) => {
        request.peer.refuse(request, 'E2BIG');
        return true;
      };
      const handle = client.watch('@introduceDomain', () => undefined);
      expect(await failure(handle.ready)).toMatchObject({ code: 'E2BIG', path: '@introduceDomain' });
      // It is gone: nothing is left to unwatch.
      await handle.close();
      expect(daemon.count(MessageType.UNWATCH)).toBe(0);
    }));

  test('comes back after the daemon restarts with an empty store, and fires with its own path', () =>
    withClient(async (client, daemon) => {
      const { paths, listener, next } = listening();
      await client.watch('/a', listener).ready;
      const closed = client.watch('/b', listener);
      await closed.ready;
      await client.write('/a', '1');
      await daemon.crash();
      await untilState(client, 'disconnected');
      // Closed and opened while there is no daemon.
      await closed.close();
      const late = client.watch('/c', listener);
      paths.length = 0;
      await daemon.listen();
      await Promise.all([client.connected(), next()]);
      await late.ready;
      await client.tryRead('/a');
      expect(paths).toEqual(['/a', '/c']);
      await client.write('/a', 'again');
      await client.read('/a');
      expect(paths).toEqual(['/a', '/c', '/a']);
      const registered = daemon.peers.at(-1)?.received.filter((request) => request.type === MessageType.WATCH);
      expect(registered?.map((request) => request.strings[0])).toEqual(['/a', '/c']);
    }));

  test('a watch that the restarted daemon refuses is tried for again until it is there', async () => {
    const { logger, messages } = keepingLogger();
    await withClient(
      async (client, daemon) => {
        const { paths, listener, next } = listening();
        await client.watch('/a', listener).ready;
        await client.tryRead('/a');
        paths.length = 0;
        let refusals = 3;
        daemon.hook = (request) => {
          if (request.type !== MessageType.WATCH || refusals === 0) return false;
          refusals--;
          request.peer.refuse(request, 'ENOSPC');
          return true;
        };
        await daemon.crash();
        await untilState(client, 'disconnected');
        await daemon.listen();
        await next();
        expect(paths).toEqual(['/a']);
        expect(messages.filter((message) => message.includes('registered again'))).toHaveLength(3);
      },
      { logger },
    );
  });

  test('a restart between WATCH and its OK: registered with the next connection', () =>
    withClient(async (client, daemon) => {
      daemon.hook = () => true;
      const { listener } = listening();
      const handle = client.watch('/a', listener);
      await daemon.until(() => daemon.received.length === 1);
      daemon.hook = () => false;
      await daemon.crash();
      await daemon.listen();
      await handle.ready;
    }));

  test('resetWatches registers ours again', () =>
    withClient(async (client, daemon) => {
      const { paths, listener } = listening();
      await client.watch('/a', listener).ready;
      daemon.hook = (request) => {
        if (request.type === MessageType.RESET_WATCHES) request.peer.watches.clear();
        return false;
      };
      await client.resetWatches();
      await client.write('/a', '1');
      await client.read('/a');
      expect(paths).toEqual(['/a', '/a', '/a']);
    }));

  test('a watch that is there already when it is registered again is simply there', async () => {
    const { logger, messages } = keepingLogger();
    await withClient(
      async (client, daemon) => {
        const { paths, listener } = listening();
        await client.watch('/a', listener).ready;
        daemon.hook = (request) => {
          if (request.type === MessageType.RESET_WATCHES) request.peer.refuse(request, 'ENOSYS');
          else if (request.type === MessageType.WATCH) request.peer.refuse(request, 'EEXIST');
          else return false;
          return true;
        };
        expect(await failure(client.resetWatches())).toMatchObject({ code: 'ENOSYS' });
        await client.write('/a', '1');
        await client.read('/a');
        expect(paths).toEqual(['/a', '/a']);
        expect(messages).toEqual([]);
      },
      { logger },
    );
  });

  test('close and destroy end watches: `ready` of those not registered yet rejects', () =>
    withClient(async (client, daemon) => {
      daemon.hook = () => true;
      const handle = client.watch('/a', () => undefined);
      client.destroy();
      expect(await failure(handle.ready)).toMatchObject({ code: 'ECLOSED' });
      await handle.close();
      expect(() => client.watch('/a', () => undefined)).toThrow(expect.objectContaining({ code: 'ECLOSED' }));
    }));
});

describe('events', () => {
  test('what is not taken is kept once for each path', () =>
    withClient(async (client, daemon) => {
      const events = client.events('/a');
      const first = await events.next();
      expect(first.value).toEqual({ path: '/a' });
      const token = daemon.received[0]?.strings[1] ?? '';
      for (const path of ['/a/1', '/a/2', '/a/1', '/a/1']) daemon.peers[0]?.event(path, token);
      await client.tryRead('/a');
      expect([(await events.next()).value, (await events.next()).value]).toEqual([{ path: '/a/1' }, { path: '/a/2' }]);
      const next = events.next();
      daemon.peers[0]?.event('/a/3', token);
      expect(await next).toEqual({ done: false, value: { path: '/a/3' } });
      await events.return?.();
    }));

  test('too many different paths become the watched one: memory has a bound', () =>
    withClient(async (client, daemon) => {
      const events = client.events('/a');
      await events.next();
      const token = daemon.received[0]?.strings[1] ?? '';
      for (let index = 0; index < 1025; index++) daemon.peers[0]?.event(`/a/${String(index)}`, token);
      await client.tryRead('/a');
      expect(await events.next()).toEqual({ done: false, value: { path: '/a' } });
      const next = events.next();
      daemon.peers[0]?.event('/a/last', token);
      expect((await next).value).toEqual({ path: '/a/last' });
      await events.return?.();
    }));

  test('leaving the loop ends the watch', () =>
    withClient(async (client, daemon) => {
      for await (const event of client.events('/a')) {
        expect(event.path).toBe('/a');
        break;
      }
      expect(daemon.count(MessageType.UNWATCH)).toBe(1);
    }));

  test('the signal ends it with its reason, before and while it waits', () =>
    withClient(async (client, daemon) => {
      const reason = new Error('stop');
      expect(await failure(client.events('/a', { signal: AbortSignal.abort(reason) }).next())).toBe(reason);
      const controller = new AbortController();
      const events = client.events('/a', { signal: controller.signal });
      await events.next();
      const next = failure(events.next());
      controller.abort(reason);
      expect(await next).toBe(reason);
      expect(await events.next()).toEqual({ done: true, value: undefined });
      await daemon.until(() => daemon.count(MessageType.UNWATCH) === 1);
    }));

  test('close ends it quietly, destroy with an error does not, a refusal is thrown', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        if (request.strings[0] !== '/refused') return false;
        request.peer.refuse(request, 'EACCES');
        return true;
      };
      expect(await failure(client.events('/refused').next())).toMatchObject({ code: 'EACCES' });
      const events = client.events('/a');
      await events.next();
      const next = events.next();
      await client.close();
      expect(await next).toEqual({ done: true, value: undefined });
    }));

  test('destroy with an error is thrown', () =>
    withClient(async (client) => {
      const events = client.events('/a');
      await events.next();
      const next = failure(events.next());
      client.destroy(new Error('broken'));
      expect((await next).message).toBe('broken');
    }));
});

describe('wait', () => {
  test('a condition that is true costs no watch', () =>
    withClient(async (client, daemon) => {
      daemon.nodes.set('/a', Buffer.from('4'));
      expect(await client.wait((tree) => tree.readString('/a'))).toBe('4');
      expect(daemon.received.map((request) => request.type)).toEqual([MessageType.READ]);
    }));

  test('what it read becomes watches, a change runs it again, and in the end none is left', () =>
    withClient(async (client, daemon) => {
      const waiting = client.wait(async (tree) => {
        const [a, b] = await Promise.all([tree.tryReadString('/a'), tree.tryReadString('/b')]);
        return a === '1' && b === '2' ? `${a}${b}` : undefined;
      });
      await daemon.until(() => daemon.count(MessageType.WATCH) === 2);
      daemon.set('/a', '1');
      daemon.set('/b', '2');
      expect(await waiting).toBe('12');
      await client.tryRead('/a');
      expect(daemon.peers[0]?.watches.size).toBe(0);
    }));

  test('a change between reading and watching is not missed', () =>
    withClient(async (client, daemon) => {
      daemon.hook = (request) => {
        // It changes before the watch is there: only the event at registration tells of it.
        if (request.type === MessageType.WATCH) daemon.nodes.set('/a', Buffer.from('1'));
        return false;
      };
      expect(await client.wait((tree) => tree.tryReadString('/a'))).toBe('1');
    }));

  test('watches follow what the last run read', () =>
    withClient(async (client, daemon) => {
      const waiting = client.wait(async (tree) =>
        (await tree.tryReadString('/switch')) === undefined ? await tree.tryReadString('/a') : tree.tryReadString('/b'),
      );
      await daemon.until(() => daemon.count(MessageType.WATCH) === 2);
      daemon.set('/switch', 'on');
      await daemon.until(() => daemon.count(MessageType.WATCH) === 3 && daemon.count(MessageType.UNWATCH) === 1);
      expect([...(daemon.peers[0]?.watches.values() ?? [])].sort()).toEqual(['/b', '/switch']);
      daemon.set('/b', 'done');
      expect(await waiting).toBe('done');
    }));

  test('it lives through a restart of the daemon', () =>
    withClient(async (client, daemon) => {
      const waiting = client.wait((tree) => tree.tryReadString('/a'));
      await daemon.until(() => daemon.count(MessageType.WATCH) === 1);
      await daemon.crash();
      await untilState(client, 'disconnected');
      await daemon.listen();
      await daemon.until(() => daemon.count(MessageType.WATCH) === 2);
      daemon.set('/a', 'back');
      expect(await waiting).toBe('back');
    }));

  test('time limit, signal, what the condition throws, a refused watch and the end of the client end it', () =>
    withClient(async (client, daemon) => {
      const never = (): Promise<undefined> => Promise.resolve(undefined);
      expect(await failure(client.wait(never, { timeoutMs: 5 }))).toMatchObject({
        name: 'WaitTimeoutError',
        code: 'ETIMEOUT',
      });
      const reason = new Error('stop');
      expect(await failure(client.wait(never, { signal: AbortSignal.abort(reason) }))).toBe(reason);
      const mine = new Error('mine');
      expect(await failure(client.wait(() => Promise.reject(mine)))).toBe(mine);
      daemon.hook = (request: Received) => {
        if (request.type !== MessageType.WATCH) return false;
        request.peer.refuse(request, 'E2BIG');
        return true;
      };
      expect(await failure(client.wait((tree) => tree.tryRead('/a')))).toMatchObject({ code: 'E2BIG' });
      const waiting = failure(client.wait(never));
      await client.close();
      expect(await waiting).toMatchObject({ code: 'ECLOSED' });
    }));

  test('a daemon that does not answer does not hold the signal back', () =>
    withClient(async (client, daemon) => {
      daemon.hook = () => true;
      const controller = new AbortController();
      const waiting = failure(client.wait((tree) => tree.tryRead('/a'), { signal: controller.signal }));
      await daemon.until(() => daemon.received.length === 1);
      controller.abort(new Error('stop'));
      expect((await waiting).message).toBe('stop');
    }));
});
