import { spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  startXenstored,
  type EmbeddedXenstored,
  type XenstoredOptions,
} from '../../../../operator/embedded/xenstored/server.ts';
import { MessageType } from '../../../../operator/xenstore/wire.ts';
import { RawConnection, header } from '../../../conformance/xenstore/raw-connection.ts';

let dir: string;
let daemons: EmbeddedXenstored[];
let clients: RawConnection[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'xs-'));
  daemons = [];
  clients = [];
});

afterEach(async () => {
  for (const client of clients) await client.close();
  for (const daemon of daemons) await daemon.close();
  rmSync(dir, { recursive: true, force: true });
});

async function start(options: Partial<XenstoredOptions> = {}): Promise<EmbeddedXenstored> {
  const daemon = await startXenstored({ socketPath: join(dir, 's'), ...options });
  daemons.push(daemon);
  return daemon;
}

async function open(path: string): Promise<RawConnection> {
  const client = await RawConnection.open(path);
  clients.push(client);
  return client;
}

async function ask(
  client: RawConnection,
  type: keyof typeof MessageType,
  payload: string,
): Promise<string | undefined> {
  return (await client.request(MessageType[type], payload)).reply?.payload;
}

describe('sockets', () => {
  test('dom0’s and a guest’s are their owner’s alone, and gone after close', async () => {
    const daemon = await start();
    const dom0 = await open(daemon.socketPath);
    await ask(dom0, 'INTRODUCE', '5\x001\x001\0');
    for (const path of [daemon.socketPath, daemon.guestSocket(5)]) expect(lstatSync(path).mode & 0o777).toBe(0o600);
    expect(lstatSync(daemon.guestDir).mode & 0o777).toBe(0o700);
    await daemon.close();
    for (const path of [daemon.socketPath, daemon.guestSocket(5)]) {
      expect(lstatSync(path, { throwIfNoEntry: false })).toBeUndefined();
    }
    expect(await dom0.next()).toBeUndefined();
  });

  test('one that a killed daemon left behind is replaced', async () => {
    const path = join(dir, 's');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(lstatSync(path).isSocket()).toBe(true);
    const daemon = await start();
    expect(await ask(await open(daemon.socketPath), 'READ', '/\0')).toBe('');
  });

  test('one of a daemon that runs is left alone', async () => {
    const daemon = await start();
    const client = await open(daemon.socketPath);
    await expect(start()).rejects.toThrow(`a XenStore daemon is running on ${daemon.socketPath}`);
    expect(await ask(client, 'READ', '/\0')).toBe('');
    expect(await ask(await open(daemon.socketPath), 'READ', '/\0')).toBe('');
  });

  test('a file in the way is left alone', async () => {
    writeFileSync(join(dir, 's'), 'precious');
    await expect(start()).rejects.toThrow('is not a socket');
    expect(lstatSync(join(dir, 's')).size).toBe(8);
  });

  test('a path that is too long for a socket is refused', async () => {
    await expect(start({ socketPath: join(dir, 'x'.repeat(110)) })).rejects.toThrow('at most 107 bytes');
  });
});

describe('guests', () => {
  test('have their own identity, and are cut off when they are released', async () => {
    const daemon = await start();
    const dom0 = await open(daemon.socketPath);
    expect(await ask(dom0, 'INTRODUCE', '5\x001\x001\0')).toBe('OK\0');
    await ask(dom0, 'MKDIR', '/local/domain/5\0');
    await ask(dom0, 'SET_PERMS', '/local/domain/5\0n5\0');
    const guest = await open(daemon.guestSocket(5));
    expect(await ask(guest, 'WRITE', 'name\0me')).toBe('OK\0');
    expect(await ask(guest, 'WRITE', '/tool/x\0me')).toBe('EACCES\0');
    expect(await ask(dom0, 'READ', '/local/domain/5/name\0')).toBe('me');
    expect(await ask(dom0, 'RELEASE', '5\0')).toBe('OK\0');
    expect(await guest.next()).toBeUndefined();
    await expect(RawConnection.open(daemon.guestSocket(5))).rejects.toThrow('ENOENT');
    expect(daemon.counts().connections).toBe(1);
  });

  test('may have so many connections at a time', async () => {
    const daemon = await start({ limits: { guestConnections: 2 } });
    await ask(await open(daemon.socketPath), 'INTRODUCE', '5\x001\x001\0');
    const first = await open(daemon.guestSocket(5));
    expect(await ask(first, 'GET_DOMAIN_PATH', '1\0')).toBe('/local/domain/1\0');
    const second = await open(daemon.guestSocket(5));
    expect(await ask(second, 'GET_DOMAIN_PATH', '1\0')).toBe('/local/domain/1\0');
    const third = await open(daemon.guestSocket(5));
    expect(await third.next()).toBeUndefined();
    await first.close();
    for (;;) {
      const next = await open(daemon.guestSocket(5));
      if ((await ask(next, 'GET_DOMAIN_PATH', '1\0')) !== undefined) break;
    }
    expect(await ask(second, 'GET_DOMAIN_PATH', '1\0')).toBe('/local/domain/1\0');
  });

  test('several connections of one guest have their own transactions', async () => {
    const daemon = await start();
    await ask(await open(daemon.socketPath), 'INTRODUCE', '5\x001\x001\0');
    const first = await open(daemon.guestSocket(5));
    const second = await open(daemon.guestSocket(5));
    expect(await ask(first, 'TRANSACTION_START', '\0')).toBe('1\0');
    expect((await second.request(MessageType.TRANSACTION_END, 'T\0', 1)).reply?.payload).toBe('ENOENT\0');
  });
});

describe('hostile clients', () => {
  test('one that never reads is cut off at the limit, and costs the writer nothing', async () => {
    const daemon = await start({ limits: { pendingBytes: 100_000 } });
    const silent = await open(daemon.socketPath);
    await ask(silent, 'WATCH', '/\0t\0');
    silent.pause();
    const writer = await open(daemon.socketPath);
    for (let index = 0; daemon.counts().connections === 2; index++) {
      expect(await ask(writer, 'WRITE', `/a/${String(index % 5000)}-${'x'.repeat(300)}\0v`)).toBe('OK\0');
    }
    expect(daemon.counts()).toMatchObject({ connections: 1, watches: 0 });
  });

  test('one that asks and never reads is not read from any more', async () => {
    const daemon = await start();
    const writer = await open(daemon.socketPath);
    await ask(writer, 'WRITE', `/big\0${'x'.repeat(4000)}`);
    const flood = connect(daemon.socketPath);
    flood.pause();
    const one = Buffer.concat([header(MessageType.READ, 1, 0, 5), Buffer.from('/big\0')]);
    const many = Buffer.concat(Array.from({ length: 1000 }, () => one));
    // The kernel's buffers fill up in both directions; then nothing is taken any more.
    for (let stalled = 0; stalled < 20;) {
      const before = flood.bytesWritten - flood.writableLength;
      if (flood.writableLength < 1_000_000) flood.write(many);
      expect(await ask(writer, 'READ', '/big\0')).toHaveLength(4000);
      stalled = flood.bytesWritten - flood.writableLength === before ? stalled + 1 : 0;
    }
    expect(flood.writableLength).toBeGreaterThan(0);
    // It is served as soon as it reads.
    let got = 0;
    const asked = flood.bytesWritten / one.length;
    await new Promise<void>((resolve) => {
      flood.on('data', (chunk: Buffer) => {
        got += chunk.length;
        if (got === asked * 4016) resolve();
      });
      flood.resume();
    });
    flood.destroy();
  });

  test('one that floods does not keep another waiting until it is through', async () => {
    const daemon = await start();
    const flood = await open(daemon.socketPath);
    const polite = await open(daemon.socketPath);
    await ask(polite, 'WRITE', '/a\0x');
    const one = Buffer.concat([header(MessageType.READ, 1, 0, 3), Buffer.from('/a\0')]);
    flood.sendBytes(Buffer.concat(Array.from({ length: 200_000 }, () => one)));
    let served = 0;
    const last = (async (): Promise<void> => {
      for (; served < 200_000; served++) await flood.next();
    })();
    expect(await ask(polite, 'READ', '/a\0')).toBe('x');
    expect(served).toBeLessThan(200_000);
    await last;
  });

  test('a message that never ends is no trouble', async () => {
    const daemon = await start();
    const client = await open(daemon.socketPath);
    client.sendBytes(Buffer.concat([header(MessageType.WRITE, 1, 0, 4096), Buffer.from('/a')]));
    const other = await open(daemon.socketPath);
    expect(await ask(other, 'READ', '/a\0')).toBe('ENOENT\0');
    await client.close();
  });

  test.each([4097, 0x7fffffff, 0xffffffff])('a payload of %d bytes ends the connection', async (length) => {
    const daemon = await start();
    const client = await open(daemon.socketPath);
    client.sendBytes(header(MessageType.READ, 1, 0, length));
    expect(await client.next()).toBeUndefined();
    expect(await ask(await open(daemon.socketPath), 'READ', '/\0')).toBe('');
  });

  test('requests before the one that breaks the protocol are done', async () => {
    const daemon = await start();
    const client = await open(daemon.socketPath);
    const good = Buffer.concat([header(MessageType.WRITE, 1, 0, 4), Buffer.from('/a\0v')]);
    client.sendBytes(Buffer.concat([good, header(MessageType.READ, 1, 0, 5000)]));
    while ((await client.next()) !== undefined);
    expect(await ask(await open(daemon.socketPath), 'READ', '/a\0')).toBe('v');
  });
});

test('a client that half-closes gets the answers to what it has asked', async () => {
  const daemon = await start();
  const socket = connect({ path: daemon.socketPath, allowHalfOpen: true });
  socket.end(
    Buffer.concat(Array.from({ length: 3000 }, () => Buffer.concat([header(2, 1, 0, 2), Buffer.from('/\0')]))),
  );
  let got = 0;
  for await (const chunk of socket) got += (chunk as Buffer).length;
  expect(got).toBe(3000 * 16);
});

test('close is idempotent, and a daemon can be started again', async () => {
  const daemon = await start();
  await ask(await open(daemon.socketPath), 'WRITE', '/a\0v');
  await Promise.all([daemon.close(), daemon.close()]);
  const again = await start();
  expect(await ask(await open(again.socketPath), 'READ', '/a\0')).toBe('ENOENT\0');
});
