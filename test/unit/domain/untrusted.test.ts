import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  deviceModelStates,
  formatVdevfn,
  parseDecimal,
  parseDeviceModelState,
  parseDomid,
  parseParameterReply,
  parseVmPath,
} from '../../../operator/domain/untrusted.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('state', () => {
  test.each(deviceModelStates)('%s is known', (word) => {
    expect(parseDeviceModelState(bytes(word))).toBe(word);
  });

  test.each([
    ['a trailing newline', 'running\n'],
    ['another case', 'Running'],
    ['a prefix', 'runnin'],
    ['nothing', ''],
    ['a terminal escape', '\u001b[2Jrunning'],
    ['the name of an object property', 'toString'],
  ])('%s is unrecognised', (_, text) => {
    expect(parseDeviceModelState(bytes(text))).toBe('Unrecognised');
  });

  test('a missing node is absent', () => {
    expect(parseDeviceModelState(undefined)).toBe('Absent');
  });

  test('no bytes at all get through but the known words', () => {
    const known = new Set<string>([...deviceModelStates, 'Unrecognised']);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 4096 }), (value) => known.has(parseDeviceModelState(value))));
  });
});

describe('parameter', () => {
  const request = '0000:03:00.0,msitranslate=0,power_mgmt=0';

  test.each([
    ['the request itself', request, { kind: 'request' }],
    ['a slot', '0x20', { kind: 'vdevfn', vdevfn: 0x20 }],
    ['a slot of one digit', '0x8', { kind: 'vdevfn', vdevfn: 8 }],
    ['no free slot', 'no free hotplug devfn', { kind: 'failure', reason: 'NoFreeSlot' }],
    ['a busy slot', 'wrong bdf or vdevfn', { kind: 'failure', reason: 'SlotBusy' }],
    ['a slot of three digits', '0x100', { kind: 'unrecognised', bytes: 5 }],
    ['a slot in upper case', '0X20', { kind: 'unrecognised', bytes: 4 }],
    ['a sentence', 'please run rm -rf', { kind: 'unrecognised', bytes: 17 }],
  ])('%s', (_, text, expected) => {
    expect(parseParameterReply(bytes(text), request)).toEqual(expected);
  });

  test('what is not recognised is never quoted', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4096 }), (value) => {
        const reply = parseParameterReply(value, request);
        return reply.kind !== 'unrecognised' || Object.keys(reply).join() === 'kind,bytes';
      }),
    );
  });
});

test.each([
  ['7', 7],
  ['0', 0],
  ['65535', 65535],
  ['65536', undefined],
  ['07', undefined],
  ['-1', undefined],
  ['1e3', undefined],
  ['', undefined],
  [' 7', undefined],
  ['99999999999999', undefined],
])('the decimal %p is %p', (text, expected) => {
  expect(parseDecimal(bytes(text), 65_535)).toBe(expected);
});

test.each([
  ['/vm/6d1f8a44-9a1e-4c7b-8e33-2f4d6b1a0c01', '6d1f8a44-9a1e-4c7b-8e33-2f4d6b1a0c01'],
  ['/vm/6d1f8a44-9a1e-4c7b-8e33-2f4d6b1a0c01/image', undefined],
  ['/vm/../tool', undefined],
])('the vm path %p has the uuid %p', (text, expected) => {
  expect(parseVmPath(bytes(text))).toBe(expected);
});

test('a slot and function is written in two digits', () => {
  expect(formatVdevfn(8)).toBe('0x08');
});

test('a reserved number is no domid', () => {
  expect(parseDomid(bytes('32751'))).toBe(0x7fef);
  expect(parseDomid(bytes('32752'))).toBeUndefined();
});
