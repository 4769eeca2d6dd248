import { describe, expect, test } from '@jest/globals';
import { ABORT } from '../../../operator/xenstore/transaction.ts';
import { MessageType } from '../../../operator/xenstore/wire.ts';
import type { XenStoreTransaction } from '../../../operator/xenstore/xenstore.ts';
import type { FakeDaemon, Received } from './fake-daemon.ts';
import { failure, untilState, withClient } from './support.ts';

/** The commits and aborts that the daemon got. */
function ends(daemon: FakeDaemon): string[] {
  return daemon.received
    .filter((request) => request.type === MessageType.TRANSACTION_END)
    .map((request) => request.strings[0] ?? '');
}

/** Refuses the first `times` messages of a type. */
function refuse(
  type: number,
  code: 'EAGAIN' | 'ENOENT' | 'EIO' | 'ENOSPC',
  times: number,
): (request: Received) => boolean {
  let left = times;
  return (request) => {
    if (request.type !== type || left === 0) return false;
    left--;
    request.peer.refuse(request, code);
    return true;
  };
}

describe('transactions', () => {
  test('carry their id, and take three round trips where the callback asks at once', () =>
    withClient(async (client, daemon) => {
      daemon.nodes.set('/a', Buffer.from('1'));
      const result = await client.transaction(async (tx) => {
        const [a] = await Promise.all([tx.readString('/a'), tx.write('/b', '2'), tx.remove('/c')]);
        return a;
      });
      expect(result).toBe('1');
      expect(client.stats.roundTrips).toBe(3);
      expect(daemon.received.map((request) => [request.type, request.txId])).toEqual([
        [MessageType.TRANSACTION_START, 0],
        [MessageType.READ, 1],
        [MessageType.WRITE, 1],
        [MessageType.RM, 1],
        [MessageType.TRANSACTION_END, 1],
      ]);
      expect(ends(daemon)).toEqual(['T']);
    }));

  test('a conflict runs the callback again, in a new transaction', () =>
    withClient(async (client, daemon) => {
      daemon.hook = refuse(MessageType.TRANSACTION_END, 'EAGAIN', 3);
      const ids: number[] = [];
      await client.transaction((tx) => {
        ids.push(tx.id);
        return tx.write('/a', '1');
      });
      expect(ids).toEqual([1, 2, 3, 4]);
      expect(client.stats.conflicts).toBe(3);
    }));

  test('a storm of conflicts ends with EAGAIN after so many attempts', () =>
    withClient(async (client, daemon) => {
      daemon.hook = refuse(MessageType.TRANSACTION_END, 'EAGAIN', Infinity);
      let runs = 0;
      const callback = (): Promise<void> => {
        runs++;
        return Promise.resolve();
      };
      expect(await failure(client.transaction(callback, { attempts: 5 }))).toMatchObject({ code: 'EAGAIN' });
      expect(runs).toBe(5);
      expect(await failure(client.transaction(callback))).toMatchObject({ code: 'EAGAIN' });
      expect(runs).toBe(5 + 16);
    }));

  test.each(['ENOENT', 'EIO'] as const)('a transaction that the daemon has dropped (%s) is tried again', (code) =>
    withClient(async (client, daemon) => {
      daemon.hook = refuse(MessageType.TRANSACTION_END, code, 1);
      await client.transaction((tx) => tx.write('/a', '1'));
      expect(ends(daemon)).toEqual(['T', 'T']);
    }),
  );

  test('an ENOENT that only says that the transaction is gone does not reach the caller', () =>
    withClient(async (client, daemon) => {
      daemon.nodes.set('/a', Buffer.from('1'));
      daemon.hook = (request) => {
        if (request.txId !== 1) return false;
        request.peer.refuse(request, 'ENOENT');
        return true;
      };
      expect(await client.transaction((tx) => tx.readString('/a'))).toBe('1');
      expect(ends(daemon)).toEqual(['F', 'T']);
    }));

  test('what the callback throws aborts, and is thrown on', () =>
    withClient(async (client, daemon) => {
      const mine = new Error('mine');
      expect(await failure(client.transaction(() => Promise.reject(mine)))).toBe(mine);
      expect(await failure(client.transaction((tx) => tx.read('/none')))).toMatchObject({ code: 'ENOENT' });
      expect(ends(daemon)).toEqual(['F', 'F']);
    }));

  test('ABORT aborts without an error', () =>
    withClient(async (client, daemon) => {
      expect(await client.transaction(() => Promise.resolve(ABORT))).toBe(ABORT);
      expect(ends(daemon)).toEqual(['F']);
    }));

  test('a write that was not waited for and fails is no commit', () =>
    withClient(async (client, daemon) => {
      daemon.hook = refuse(MessageType.WRITE, 'ENOSPC', 1);
      const running = client.transaction((tx) => {
        tx.write('/a', '1').catch(() => undefined);
        return Promise.resolve();
      });
      expect(await failure(running)).toMatchObject({ code: 'ENOSPC' });
      expect(ends(daemon)).toEqual(['F']);
    }));

  test('a write that fails in the callback’s knowledge is its own affair', () =>
    withClient(async (client, daemon) => {
      daemon.hook = refuse(MessageType.WRITE, 'ENOSPC', 1);
      await client.transaction((tx) => tx.write('/a', '1').catch(() => undefined));
      expect(ends(daemon)).toEqual(['T']);
    }));

  test('the tree of a transaction is of no use afterwards', () =>
    withClient(async (client) => {
      let kept: XenStoreTransaction | undefined;
      await client.transaction((tx) => {
        kept = tx;
        return Promise.resolve();
      });
      expect(await failure(kept?.read('/a') ?? Promise.resolve())).toMatchObject({ code: 'EINVAL' });
    }));

  test('a connection lost before the commit: not applied; at the commit: unknown; never tried again', () =>
    withClient(async (client, daemon) => {
      let runs = 0;
      const before = await failure(
        client.transaction(async (tx) => {
          runs++;
          await tx.write('/a', '1');
          await daemon.crash();
          await untilState(client, 'disconnected');
        }),
      );
      expect(before).toMatchObject({ code: 'EDISCONNECTED', outcome: 'not-applied' });
      await daemon.listen();
      await client.connected();
      daemon.hook = (request) => {
        if (request.type !== MessageType.TRANSACTION_END) return false;
        request.peer.socket.destroy();
        return true;
      };
      const during = await failure(
        client.transaction((tx) => {
          runs++;
          return tx.write('/a', '1');
        }),
      );
      expect(during).toMatchObject({ code: 'EDISCONNECTED', outcome: 'unknown' });
      expect(runs).toBe(2);
    }));

  test('its id is never used on a later connection', () =>
    withClient(async (client, daemon) => {
      const failed = await failure(
        client.transaction(async (tx) => {
          await daemon.crash();
          await untilState(client, 'disconnected');
          await daemon.listen();
          await client.connected();
          await tx.write('/a', '1');
        }),
      );
      expect(failed).toMatchObject({ code: 'EDISCONNECTED', outcome: 'not-applied' });
      expect(daemon.peers.at(-1)?.received).toEqual([]);
    }));

  test('the signal: before, while the daemon is silent, and between attempts', () =>
    withClient(async (client, daemon) => {
      const reason = new Error('stop');
      const callback = (tx: XenStoreTransaction): Promise<void> => tx.write('/a', '1');
      expect(await failure(client.transaction(callback, { signal: AbortSignal.abort(reason) }))).toBe(reason);
      expect(daemon.received).toEqual([]);

      const starts: Received[] = [];
      daemon.hook = (request) => {
        if (request.type !== MessageType.TRANSACTION_START) return false;
        starts.push(request);
        return true;
      };
      const controller = new AbortController();
      const running = failure(client.transaction(callback, { signal: controller.signal }));
      await daemon.until(() => starts.length === 1);
      controller.abort(reason);
      expect(await running).toBe(reason);
      // The daemon opens it after all: it is closed again.
      const [start] = starts;
      start?.peer.reply(start, '9\0');
      await daemon.until(() => ends(daemon).length === 1);
      expect(ends(daemon)).toEqual(['F']);
      expect(daemon.received.at(-1)?.txId).toBe(9);
      expect(daemon.count(MessageType.WRITE)).toBe(0);
    }));

  test('a start that is refused is the caller’s to hear', () =>
    withClient(async (client, daemon) => {
      daemon.hook = refuse(MessageType.TRANSACTION_START, 'ENOSPC', 1);
      expect(await failure(client.transaction(() => Promise.resolve()))).toMatchObject({ code: 'ENOSPC' });
    }));
});
