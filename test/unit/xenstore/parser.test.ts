import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isXenStoreError } from '../../../operator/xenstore/errors.ts';
import { PacketParser } from '../../../operator/xenstore/parser.ts';
import { PAYLOAD_MAX, REPLY_PAYLOAD_MAX, encodePacket } from '../../../operator/xenstore/wire.ts';

type Message = readonly [type: number, reqId: number, txId: number, payload: string];

function collect(payloadMax = PAYLOAD_MAX): { readonly parser: PacketParser; readonly messages: Message[] } {
  const messages: Message[] = [];
  const parser = new PacketParser(
    {
      onPacket: (type, reqId, txId, buffer, start, end) => {
        messages.push([type, reqId, txId, buffer.toString('hex', start, end)]);
      },
    },
    payloadMax,
  );
  return { parser, messages };
}

const u32 = fc.integer({ min: 0, max: 0xffffffff });
const packets = fc.array(fc.tuple(u32, u32, u32, fc.uint8Array({ maxLength: 300 })), { maxLength: 12 });

describe('the parser', () => {
  test('gives the same messages byte by byte as at once', () => {
    const bytes = Buffer.concat([
      encodePacket(2, 1, 0, Buffer.from('value')),
      encodePacket(11, 2, 7, Buffer.alloc(0)),
      encodePacket(15, 0, 0, Buffer.from('/a\0token\0')),
    ]);
    const whole = collect();
    whole.parser.push(bytes);
    expect(whole.messages.map(([type]) => type)).toEqual([2, 11, 15]);
    const single = collect();
    for (const byte of bytes) single.parser.push(Buffer.of(byte));
    expect(single.messages).toEqual(whole.messages);
    expect(single.parser.partial).toBe(false);
  });

  test('gives back what was encoded, however the stream is cut', () => {
    fc.assert(
      fc.property(
        packets,
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 40 }),
        (list, cuts) => {
          const bytes = Buffer.concat(
            list.map(([type, reqId, txId, payload]) => encodePacket(type, reqId, txId, payload)),
          );
          const { parser, messages } = collect();
          for (let at = 0, cut = 0; at < bytes.length; cut++) {
            const end = Math.min(bytes.length, at + (cuts[cut % cuts.length] as number));
            // The receive buffer is used again: what is kept must have been copied.
            const chunk = Buffer.from(bytes.subarray(at, end));
            parser.push(chunk);
            chunk.fill(0xee);
            at = end;
          }
          expect(messages).toEqual(list.map(([t, r, x, payload]) => [t, r, x, Buffer.from(payload).toString('hex')]));
          expect(parser.partial).toBe(false);
        },
      ),
    );
  });

  test('reads a part of a larger buffer only', () => {
    const { parser, messages } = collect();
    const packet = encodePacket(2, 1, 0, Buffer.from('v'));
    parser.push(Buffer.concat([Buffer.alloc(5, 0xff), packet, Buffer.alloc(9, 0xff)]), 5, 5 + packet.length);
    expect(messages).toEqual([[2, 1, 0, '76']]);
    expect(parser.partial).toBe(false);
  });

  test.each([
    ['at once', 100],
    ['cut inside the header', 7],
    ['cut behind the header', 16],
  ])('a payload of 4097 is the end for a server, %s', (_name, cut) => {
    const { parser, messages } = collect();
    const bytes = encodePacket(11, 1, 0, Buffer.alloc(PAYLOAD_MAX + 1));
    const feed = (): void => {
      parser.push(bytes.subarray(0, cut));
      parser.push(bytes.subarray(cut));
    };
    expect(feed).toThrow(expect.objectContaining({ code: 'EPROTOCOL' }));
    // And it stays so: nothing after it can be trusted.
    expect(() => {
      parser.push(encodePacket(2, 1, 0, Buffer.of()));
    }).toThrow(expect.objectContaining({ code: 'EPROTOCOL' }));
    expect(messages).toEqual([]);
  });

  test('a payload of exactly 4096 is taken by a server, one of 1 MiB by a client', () => {
    const server = collect();
    server.parser.push(encodePacket(11, 1, 0, Buffer.alloc(PAYLOAD_MAX)));
    expect(server.messages).toHaveLength(1);
    const client = collect(REPLY_PAYLOAD_MAX);
    const large = encodePacket(1, 1, 0, Buffer.alloc(REPLY_PAYLOAD_MAX, 1));
    for (let at = 0; at < large.length; at += 65_536) client.parser.push(large.subarray(at, at + 65_536));
    expect(client.messages[0]?.[3]).toHaveLength(REPLY_PAYLOAD_MAX * 2);
  });

  test('garbage is messages or an EPROTOCOL, never anything else', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 64 }), { maxLength: 20 }), (chunks) => {
        const { parser } = collect();
        try {
          for (const chunk of chunks) parser.push(Buffer.from(chunk));
        } catch (error) {
          expect(isXenStoreError(error, 'EPROTOCOL')).toBe(true);
        }
      }),
    );
  });
});
