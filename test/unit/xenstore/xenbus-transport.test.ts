import { describe, expect, test } from '@jest/globals';
import type { CharDevice } from '../../../operator/xenstore/char-device.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import type { XenStoreClient } from '../../../operator/xenstore/client.ts';
import { decodeStrings, encodeError, encodeStrings } from '../../../operator/xenstore/messages.ts';
import { MessageType, XENBUS_PAYLOAD_MAX, decodeHeader, encodePacket } from '../../../operator/xenstore/wire.ts';
import { xenbusTransport } from '../../../operator/xenstore/xenbus-transport.ts';
import { failure, promptClock, untilState } from './support.ts';

interface Message {
  readonly type: number;
  readonly reqId: number;
  readonly txId: number;
  readonly strings: string[];
}

/**
 * /dev/xen/xenbus as the kernel has it: takes one message a write and drops what follows it, gives out whatever bytes
 * are there, answers WATCH and UNWATCH itself, and says some errors by the errno of the write.
 */
class FakeXenbus implements CharDevice {
  readonly writes: Message[] = [];
  readonly nodes = new Map<string, string>();
  /** Most bytes a read gives. */
  readMost = 4096;
  opens = 0;
  closes = 0;
  /** Old kernels: req_id 0 in the answers to WATCH and UNWATCH. */
  forgetsReqId = false;
  /** The errno that a write fails with, if any. */
  refusal: (message: Message) => string | undefined = () => undefined;
  readonly #buffer = Buffer.alloc(4096);
  #outgoing = Buffer.alloc(0);
  #reader: (() => void) | undefined;
  #broken: Error | undefined;

  open(): Promise<number> {
    this.opens++;
    this.#broken = undefined;
    return Promise.resolve(100 + this.opens);
  }

  async read(_fd: number, target: Buffer): Promise<number> {
    while (this.#outgoing.length === 0) {
      if (this.#broken !== undefined) throw this.#broken;
      await new Promise<void>((resolve) => {
        this.#reader = resolve;
      });
    }
    const size = this.#outgoing.copy(target, 0, 0, Math.min(this.readMost, this.#outgoing.length));
    this.#outgoing = this.#outgoing.subarray(size);
    return size;
  }

  write(_fd: number, bytes: Buffer): Promise<number> {
    const { type, reqId, txId, length } = decodeHeader(bytes);
    const message = { type, reqId, txId, strings: decodeStrings(bytes.subarray(16, 16 + length)) };
    this.writes.push(message);
    const code = this.refusal(message);
    if (code !== undefined) return Promise.reject(Object.assign(new Error(code), { code }));
    // One message a write: the rest is dropped, as the kernel does, and its reply never comes.
    if (type === MessageType.WATCH || type === MessageType.UNWATCH) this.#answer(message);
    else {
      // A thread of the kernel takes the payload later, from the one buffer that the next write fills.
      bytes.copy(this.#buffer);
      setImmediate(() => {
        this.#answer({ ...message, strings: decodeStrings(this.#buffer.subarray(16, 16 + length)) });
      });
    }
    return Promise.resolve(bytes.length);
  }

  close(): Promise<void> {
    this.closes++;
    return Promise.resolve();
  }

  /** Bytes for the reader. */
  give(...packets: Buffer[]): void {
    this.#outgoing = Buffer.concat([this.#outgoing, ...packets]);
    this.#reader?.();
  }

  /** An event with what the kernel leaves in the header: garbage. */
  event(path: string, token: string): void {
    this.give(encodePacket(MessageType.WATCH_EVENT, 0xdeadbeef, 0x5a5a5a5a, encodeStrings([path, token])));
  }

  /** The device fails. */
  break(error: Error): void {
    this.#broken = error;
    this.#reader?.();
  }

  #answer({ type, reqId, txId, strings }: Message): void {
    const [path = '', second = ''] = strings;
    if (type === MessageType.WATCH || type === MessageType.UNWATCH) {
      if (type === MessageType.WATCH) this.event(path, second);
      this.give(encodePacket(type, this.forgetsReqId ? 0 : reqId, 0, Buffer.from('OK\0')));
    } else if (type === MessageType.READ) {
      const value = this.nodes.get(path);
      if (value === undefined) this.give(encodePacket(MessageType.ERROR, reqId, txId, encodeError('ENOENT')));
      else this.give(encodePacket(type, reqId, txId, Buffer.from(value)));
    } else {
      if (type === MessageType.WRITE) this.nodes.set(path, second);
      const answer = type === MessageType.TRANSACTION_START ? '5\0' : 'OK\0';
      this.give(encodePacket(type, reqId, txId, Buffer.from(answer)));
    }
  }
}

async function withXenbus(body: (client: XenStoreClient, device: FakeXenbus) => Promise<void>): Promise<void> {
  const device = new FakeXenbus();
  const transport = xenbusTransport('/dev/xen/xenbus', device);
  const client = openXenStore({ transport: { kind: 'custom', transport }, clock: promptClock });
  try {
    await client.connected();
    await body(client, device);
  } finally {
    client.destroy();
    while (device.closes < device.opens) await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('/dev/xen/xenbus', () => {
  test('has one request under way, since the next one would overwrite what the kernel has still to send', async () => {
    await withXenbus(async (client, device) => {
      const paths = ['/a', '/b', '/c', '/d'];
      await Promise.all(paths.map((path) => client.write(path, `value of ${path}`)));
      expect([...device.nodes]).toEqual(paths.map((path) => [path, `value of ${path}`]));
      expect(await Promise.all(paths.map((path) => client.readString(path)))).toEqual([...device.nodes.values()]);
    });
  });

  test('each message is a write of its own, also where many are asked at once', () =>
    withXenbus(async (client, device) => {
      const paths = Array.from({ length: 30 }, (_, index) => `/n${String(index)}`);
      await Promise.all(paths.map((path) => client.write(path, path.slice(1))));
      expect(await Promise.all(paths.map((path) => client.readString(path)))).toEqual(
        paths.map((path) => path.slice(1)),
      );
      expect(device.writes).toHaveLength(60);
    }));

  test('reads that give a few bytes, and reads that give several messages', () =>
    withXenbus(async (client, device) => {
      device.nodes.set('/a', 'x'.repeat(3000));
      device.readMost = 7;
      expect(await client.readString('/a')).toHaveLength(3000);
      device.readMost = 4096;
      const values = await Promise.all(Array.from({ length: 20 }, () => client.readString('/a')));
      expect(values).toHaveLength(20);
    }));

  test('a payload of 4080 is sent, one of 4081 is refused here', () =>
    withXenbus(async (client, device) => {
      const room = XENBUS_PAYLOAD_MAX - '/a\0'.length;
      await client.write('/a', 'x'.repeat(room));
      expect(await failure(client.write('/a', 'x'.repeat(room + 1)))).toMatchObject({ code: 'E2BIG' });
      expect(device.writes).toHaveLength(1);
    }));

  test('an error by errno of the write is that request’s error, and no other’s', () =>
    withXenbus(async (client, device) => {
      device.nodes.set('/b', '2');
      device.refusal = (message) => (message.strings[0] === '/a' ? 'EINVAL' : undefined);
      const [a, b] = await Promise.all([failure(client.read('/a')), client.readString('/b')]);
      expect(a).toMatchObject({ code: 'EINVAL', path: '/a', operation: 'READ' });
      expect(b).toBe('2');
      device.refusal = () => 'EFAULT';
      expect(await failure(client.read('/b'))).toMatchObject({ code: 'EUNKNOWN' });
      device.refusal = () => undefined;
      expect(await client.readString('/b')).toBe('2');
    }));

  test.each([false, true])('watches, with the event before the OK; req_id forgotten: %s', (forgets) =>
    withXenbus(async (client, device) => {
      device.forgetsReqId = forgets;
      const paths: string[] = [];
      const listener = (event: { readonly path: string }): void => {
        paths.push(event.path);
      };
      const handles = ['/a', '/b', '/c'].map((path) => client.watch(path, listener));
      await Promise.all(handles.map((handle) => handle.ready));
      expect(paths).toEqual(['/a', '/b', '/c']);
      await Promise.all(handles.map((handle) => handle.close()));
      expect(device.writes.filter((message) => message.type === MessageType.UNWATCH)).toHaveLength(3);
      expect(await client.tryRead('/none')).toBeUndefined();
    }),
  );

  test('transactions', () =>
    withXenbus(async (client, device) => {
      await client.transaction((tx) => tx.write('/a', '1'));
      expect(device.writes.map((message) => message.txId)).toEqual([0, 5, 5]);
    }));

  test('RESET_WATCHES would hit the kernel’s watches: refused', () =>
    withXenbus(async (client, device) => {
      expect(await failure(client.resetWatches())).toMatchObject({ code: 'ENOSYS' });
      expect(device.writes).toEqual([]);
    }));

  test('a device that fails is opened again, and watches come back', () =>
    withXenbus(async (client, device) => {
      const paths: string[] = [];
      await client.watch('/a', (event) => {
        paths.push(event.path);
      }).ready;
      device.break(Object.assign(new Error('gone'), { code: 'EIO' }));
      await untilState(client, 'disconnected');
      await client.connected();
      await client.tryRead('/a');
      expect(paths).toEqual(['/a', '/a']);
      expect([device.opens, device.closes]).toEqual([2, 1]);
    }));

  test('a device that is not there: disconnected, with the reason', async () => {
    const client = openXenStore({ transport: { kind: 'xenbus', path: '/nonexistent/xenbus' } });
    const error = await new Promise<Error | undefined>((resolve) => {
      client.onStateChange((_state, reason) => {
        resolve(reason);
      });
    });
    expect(error).toMatchObject({ code: 'EDISCONNECTED' });
    expect(error?.message).toContain('ENOENT');
    client.destroy();
  });

  test('close waits for replies, wakes the read that waits, and closes the descriptor', async () => {
    const device = new FakeXenbus();
    const transport = xenbusTransport('/dev/xen/xenbus', device);
    const client = openXenStore({ transport: { kind: 'custom', transport } });
    const writing = client.write('/a', '1');
    await client.connected();
    await client.close();
    await writing;
    while (device.closes === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(device.nodes.get('/a')).toBe('1');
  });
});
