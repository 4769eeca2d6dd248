import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  ABSOLUTE_PATH_MAX,
  HEADER_SIZE,
  MessageType,
  PAYLOAD_MAX,
  RELATIVE_PATH_MAX,
  XENBUS_PAYLOAD_MAX,
  decodeHeader,
  encodeHeader,
  encodePacket,
  messageTypeName,
} from '../../../operator/xenstore/wire.ts';

/** `enum xsd_sockmsg_type` as a C compiler numbers it: 0 to 22 from xen/io/xs_wire.h of 4.17, 23 to 26 of 4.22. */
const recorded: Readonly<Record<number, string>> = {
  0: 'CONTROL',
  1: 'DIRECTORY',
  2: 'READ',
  3: 'GET_PERMS',
  4: 'WATCH',
  5: 'UNWATCH',
  6: 'TRANSACTION_START',
  7: 'TRANSACTION_END',
  8: 'INTRODUCE',
  9: 'RELEASE',
  10: 'GET_DOMAIN_PATH',
  11: 'WRITE',
  12: 'MKDIR',
  13: 'RM',
  14: 'SET_PERMS',
  15: 'WATCH_EVENT',
  16: 'ERROR',
  17: 'IS_DOMAIN_INTRODUCED',
  18: 'RESUME',
  19: 'SET_TARGET',
  21: 'RESET_WATCHES',
  22: 'DIRECTORY_PART',
  23: 'GET_FEATURE',
  24: 'SET_FEATURE',
  25: 'GET_QUOTA',
  26: 'SET_QUOTA',
};

describe('xs_wire.h', () => {
  test('the message types have their numbers, and there are no others', () => {
    const ours = Object.fromEntries(Object.entries(MessageType).map(([name, number]) => [number, name]));
    expect(ours).toEqual(recorded);
  });

  test('the limits', () => {
    expect(PAYLOAD_MAX).toBe(4096);
    expect(ABSOLUTE_PATH_MAX).toBe(3072);
    expect(RELATIVE_PATH_MAX).toBe(2048);
    expect(XENBUS_PAYLOAD_MAX).toBe(4080);
    expect(HEADER_SIZE).toBe(16);
  });

  test('names for messages, also of what is no type', () => {
    expect(messageTypeName(22)).toBe('DIRECTORY_PART');
    expect(messageTypeName(20)).toBe('type 20');
  });
});

describe('headers', () => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });

  test('decode after encode gives the same, anywhere in a buffer', () => {
    fc.assert(
      fc.property(u32, u32, u32, u32, fc.nat(40), (type, reqId, txId, length, at) => {
        const buffer = Buffer.alloc(at + HEADER_SIZE);
        expect(encodeHeader(buffer, at, type, reqId, txId, length)).toBe(at + HEADER_SIZE);
        expect(decodeHeader(buffer, at)).toEqual({ type, reqId, txId, length });
      }),
    );
  });

  test('the bytes of a packet are those of a C struct on a little-endian machine', () => {
    expect(encodePacket(2, 0x01020304, 0xfffffffe, Buffer.from('/a\0')).toString('hex')).toBe(
      '02000000' + '04030201' + 'feffffff' + '03000000' + '2f6100',
    );
  });
});
