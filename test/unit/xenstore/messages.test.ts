import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { wireErrorCodes } from '../../../operator/xenstore/errors.ts';
import * as messages from '../../../operator/xenstore/messages.ts';

const word = fc.string({ unit: fc.constantFrom('a', 'Z', '0', '-', '_', '/', '@', ' '), minLength: 1, maxLength: 20 });
const invalid: unknown = expect.objectContaining({ code: 'EINVAL' });

describe('payloads', () => {
  test('strings: decode after encode gives the same', () => {
    fc.assert(
      fc.property(fc.array(word), (list) => {
        expect(messages.decodeStrings(messages.encodeStrings(list))).toEqual(list);
      }),
    );
  });

  test('the last NUL may be missing, empty strings stay, bytes above 127 are kept', () => {
    expect(messages.decodeStrings(Buffer.from('a\0b'))).toEqual(['a', 'b']);
    expect(messages.decodeStrings(Buffer.from('\0a\0\0'))).toEqual(['', 'a', '']);
    expect(messages.decodeStrings(Buffer.of())).toEqual([]);
    expect(messages.decodeStrings(Buffer.of(0xff, 0))).toEqual(['\u00ff']);
  });

  test('WRITE keeps any bytes of the value, NULs too', () => {
    fc.assert(
      fc.property(word, fc.uint8Array({ maxLength: 50 }), (path, value) => {
        const decoded = messages.decodeWrite(messages.encodeWrite(path, value));
        expect(decoded.path).toBe(path);
        expect([...decoded.value]).toEqual([...value]);
      }),
    );
    expect(() => messages.decodeWrite(Buffer.from('/no-nul'))).toThrow(invalid);
  });

  test('WATCH, SET_PERMS, INTRODUCE, DIRECTORY_PART, booleans, errors', () => {
    expect(messages.decodeWatch(messages.encodeWatch('/a', 't'))).toEqual({ path: '/a', token: 't', depth: undefined });
    expect(messages.decodeWatch(Buffer.from('/a\0t\x002\0'))).toEqual({ path: '/a', token: 't', depth: '2' });
    expect(messages.decodeSetPermissions(messages.encodeSetPermissions('/a', ['n0', 'r5']))).toEqual({
      path: '/a',
      permissions: ['n0', 'r5'],
    });
    expect(messages.decodeIntroduce(messages.encodeIntroduce(3, 2n ** 63n, 9))).toEqual({
      domid: 3,
      gfn: 2n ** 63n,
      eventChannel: 9,
    });
    expect(messages.decodeDirectoryPart(messages.encodeDirectoryPart('/a', 77))).toEqual({ path: '/a', offset: 77 });
    expect(messages.decodeTransactionEnd(messages.encodeTransactionEnd(true))).toBe(true);
    expect(messages.decodeBoolean(messages.encodeBoolean(false))).toBe(false);
    for (const code of wireErrorCodes) expect(messages.decodeError(messages.encodeError(code))).toBe(code);
  });

  test.each([
    ['WATCH without token', () => messages.decodeWatch(Buffer.from('/a\0'))],
    ['WATCH with four strings', () => messages.decodeWatch(Buffer.from('a\0b\0c\0d\0'))],
    ['SET_PERMS without permissions', () => messages.decodeSetPermissions(Buffer.from('/a\0'))],
    ['INTRODUCE without channel', () => messages.decodeIntroduce(Buffer.from('1\x002\0'))],
    ['INTRODUCE of a word', () => messages.decodeIntroduce(Buffer.from('x\x002\x003\0'))],
    ['a boolean that is none', () => messages.decodeBoolean(Buffer.from('yes\0'))],
    ['a number with a sign', () => messages.decodeNumber('-1')],
    ['a number beyond u32', () => messages.decodeNumber('4294967296')],
  ])('%s is EINVAL', (_name, decode) => {
    expect(decode).toThrow(invalid);
  });

  test('an error name that the protocol does not have is EUNKNOWN, also a very long one', () => {
    expect(messages.decodeError(Buffer.from('EWHATEVER\0'))).toBe('EUNKNOWN');
    expect(messages.decodeError(Buffer.alloc(4096, 0x45))).toBe('EUNKNOWN');
    expect(messages.decodeError(Buffer.of())).toBe('EUNKNOWN');
  });

  test('one string, or undefined where there are more', () => {
    expect(messages.decodeString(Buffer.from('a\0'))).toBe('a');
    expect(messages.decodeString(Buffer.from('a'))).toBe('a');
    expect(messages.decodeString(Buffer.from('a\0b'))).toBeUndefined();
  });
});

describe('DIRECTORY_PART', () => {
  test('a list read in parts is the list, whatever a part holds', () => {
    const names = fc.array(fc.stringMatching(/^[a-z0-9]{1,12}$/), { maxLength: 60 });
    fc.assert(
      fc.property(names, fc.integer({ min: 20, max: 200 }), (list, most) => {
        const encoded = messages.encodeStrings(list);
        const got: string[] = [];
        for (let offset = 0; ;) {
          const reply = messages.encodeDirectoryPartReply(42, encoded, offset, most);
          expect(reply.length).toBeLessThanOrEqual(most);
          const part = messages.decodeDirectoryPartReply(reply);
          expect(part.generation).toBe('42');
          got.push(...part.names);
          if (part.last) break;
          expect(part.size).toBeGreaterThan(0);
          offset += part.size;
        }
        expect(got).toEqual(list);
      }),
    );
  });
});
