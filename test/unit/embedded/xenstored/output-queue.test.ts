import { expect, test } from '@jest/globals';
import { OutputQueue } from '../../../../operator/embedded/xenstored/output-queue.ts';
import { PacketParser } from '../../../../operator/xenstore/parser.ts';
import { PAYLOAD_MAX } from '../../../../operator/xenstore/wire.ts';

function taken(queue: OutputQueue): string[] {
  const packets: string[] = [];
  const onPacket = (type: number, reqId: number, txId: number, buffer: Buffer, start: number, end: number): void => {
    packets.push(`${String(type)} ${String(reqId)} ${String(txId)} ${buffer.toString('latin1', start, end)}`);
  };
  new PacketParser({ onPacket }, PAYLOAD_MAX).push(queue.take());
  return packets;
}

test('messages come out as they went in, however large', () => {
  const queue = new OutputQueue();
  queue.reply(2, 1, 7, 'v\0\xff');
  queue.reply(2, 0xffffffff, 0, 'x'.repeat(4096));
  queue.reply(11, 3, 0, '');
  expect(queue.length).toBe(3 * 16 + 3 + 4096);
  expect(taken(queue)).toEqual(['2 1 7 v\0\xff', `2 4294967295 0 ${'x'.repeat(4096)}`, '11 3 0 ']);
  expect(queue.length).toBe(0);
  expect(taken(queue)).toEqual([]);
});

test('an event that is the same as one that waits is dropped, until that one is taken', () => {
  const queue = new OutputQueue();
  queue.event('/a', 't');
  queue.event('/a', 'u');
  queue.event('/a', 't');
  expect(taken(queue)).toEqual(['15 0 0 /a\0t\0', '15 0 0 /a\0u\0']);
  queue.event('/a', 't');
  expect(taken(queue)).toEqual(['15 0 0 /a\0t\0']);
});

test('events of special watches are all kept', () => {
  const queue = new OutputQueue();
  queue.event('@releaseDomain', 't');
  queue.event('@releaseDomain', 't');
  expect(taken(queue)).toHaveLength(2);
});

test('an event that is longer than a message is dropped', () => {
  const queue = new OutputQueue();
  queue.event('/a', 't'.repeat(4093));
  expect(queue.length).toBe(0);
  queue.event('/a', 't'.repeat(4092));
  expect(queue.length).toBe(16 + 2 + 1 + 4092 + 1);
});
